#include <map>
#include <new>
#include <optional>
#include <set>
#include <utility>

#include "eventlens/error.h"
#include "video/cut_methods.h"
#include "video/cut_sound.h"
#include "video/cut_writer.h"
#include "video/encode_picture.h"
#include "video/picture_kind.h"

namespace eventlens::av {

namespace {

constexpr int most_entries = 8;  // keyframes tried, going back, until one leads to the span's first picture

class EncodedCut {
  public:
    EncodedCut(CutSource& source, const CutRequest& request)
        : source_(source),
          request_(request),
          range_(source, request.span),
          format_(picture_format(source.video())),
          encoder_(format_, request.quality, 0),
          plain_(format_.size, format_.time_base),
          writer_(request.path),
          decode_times_(encoder_.context().has_b_frames, 0, source.usual_step()) {
        CodecParameters parameters(avcodec_parameters_alloc());
        if (!parameters) throw std::bad_alloc();
        check(avcodec_parameters_from_context(parameters.get(), &encoder_.context()), "write MP4");
        stream_ = writer_.add_stream(*parameters, format_.time_base, &source.video());
        sound_.emplace(source, writer_);
        writer_.begin();
    }

    Written run() {
        for (int attempt = 0;; ++attempt) {
            const bool earlier_exists = source_.enter(request_.span.start, attempt) && attempt < most_entries;
            if (read_pictures(earlier_exists)) break;
        }
        if (!first_) throw_outside(request_.span);
        end_pictures();
        Written written;
        written.content.time_base = format_.time_base;
        written.content.sound = sound_->finish(source_.clock(*end_));
        writer_.finish();
        written.content.pictures = std::move(pictures_);
        written.content.end = *end_;
        written.note = note();
        return written;
    }

  private:
    // False: decoding began behind the span's first picture, and it pays to begin earlier.
    bool read_pictures(bool earlier_exists) {
        decoder_ = open_decoder(source_.video(), VideoOptions{}.max_pixels);
        latest_.reset();
        times_.clear();
        sound_->forget();
        while (!end_) {
            Packet packet = source_.read();
            if (packet && source_.is_sound(*packet)) {
                sound_->put(std::move(packet), source_.clock_at(request_.span.end));
                continue;
            }
            if (packet && source_.unordered()) expect_picture(*packet);
            // A damaged packet gives no picture; the one before it is shown for longer then.
            const int sent = avcodec_send_packet(decoder_.get(), packet.get());
            if (sent < 0 && sent != AVERROR_INVALIDDATA && packet) check(sent, "decode the video");
            while (!end_ && avcodec_receive_frame(decoder_.get(), frame_.get()) >= 0) {
                set_time(*frame_);
                if (earlier_exists && !first_ && !candidate_ && range_.begins_late(frame_->pts)) return false;
                take(*frame_);
                av_frame_unref(frame_.get());
            }
            if (!packet) break;
        }
        if (!end_) end_at_end_of_video();
        return true;
    }

    // Right behind the keyframe that decoding begins with stand pictures that are shown before it; they need
    // what was before and do not come out.
    void expect_picture(const AVPacket& packet) {
        const bool disposable = picture_kind(packet, *source_.video().codecpar) == PictureKind::disposable;
        if (times_.empty()) {
            leading_ = 0;
            leads_ = true;
        } else {
            leads_ = leads_ && disposable;
            leading_ += leads_;
        }
        times_.insert(packet.pts);
    }

    void set_time(AVFrame& frame) {
        for (; leading_ > 0 && !times_.empty(); --leading_) times_.erase(times_.begin());
        if (!times_.empty()) {
            frame.pts = *times_.begin();
            times_.erase(times_.begin());
        } else if (frame.pts == AV_NOPTS_VALUE) {
            frame.pts = latest_ ? *latest_ + source_.usual_step() : 0;
        }
    }

    // Pictures arrive in the order in which they are shown.
    void take(const AVFrame& frame) {
        if (latest_ && frame.pts <= *latest_) return;  // the clock went backwards
        latest_ = frame.pts;
        latest_duration_ = frame.pkt_duration > 0 ? frame.pkt_duration : source_.usual_step();
        if (!range_.begins_late(frame.pts)) {
            candidate_.reset(
                av_frame_clone(&frame));  // shown at the start unless another one comes before it
            if (!candidate_) throw std::bad_alloc();
            return;
        }
        if (candidate_) show(*std::exchange(candidate_, nullptr));
        if (range_.is_behind(frame.pts)) {
            end_ = frame.pts;
        } else {
            show(frame);
        }
    }

    void end_at_end_of_video() {
        if (!latest_) return;
        end_ = *latest_ + latest_duration_;
        if (candidate_ && source_.time(*end_) > request_.span.start + same_time) {
            show(*std::exchange(candidate_, nullptr));
        }
    }

    void show(const AVFrame& frame) {
        if (!first_) {
            first_ = frame.pts;
            sound_->begin(source_.clock(frame.pts));
        }
        last_ = frame.pts;
        plain_.put(&frame, [this](const AVFrame& picture) { encode(picture); });
    }

    void encode(const AVFrame& picture) {
        pictures_[picture.pts] = {Look(picture), false};
        encoder_.put(&picture, [this](const AVPacket& packet) { write(packet); });
        const TimeSpan& span = request_.span;
        request_.progress((source_.time(picture.pts) - span.start) / span.length());
    }

    void end_pictures() {
        plain_.put(nullptr, [this](const AVFrame& picture) { encode(picture); });
        encoder_.put(nullptr, [this](const AVPacket& packet) { write(packet); });
    }

    void write(const AVPacket& encoded) {
        const Packet packet(av_packet_clone(&encoded));
        if (!packet) throw std::bad_alloc();
        packet->duration = end_ && encoded.pts == last_ ? *end_ - last_ : source_.usual_step();
        packet->pts = encoded.pts - *first_;
        packet->dts = decode_times_.next(packet->pts);
        writer_.write(stream_, *packet);
    }

    std::string note() const {
        std::string text = plain_.changes();
        if (format_.transfer == AVCOL_TRC_SMPTE2084 || format_.transfer == AVCOL_TRC_ARIB_STD_B67) {
            text += (text.empty() ? "" : ", ") + std::string("its high dynamic range is left to the player");
        }
        if (!sound_->note().empty()) text += (text.empty() ? "" : "; ") + sound_->note();
        return text;
    }

    CutSource& source_;
    const CutRequest& request_;
    ShownRange range_;
    PictureFormat format_;
    PictureEncoder encoder_;
    PlainPictures plain_;
    ClipWriter writer_;
    DecodeTimes decode_times_;
    std::optional<CutSound> sound_;
    int stream_ = 0;
    CodecContext decoder_;
    Frame frame_ = new_frame();
    Frame candidate_;
    std::multiset<std::int64_t> times_;  // of the pictures in the decoder, where it cannot tell them apart
    int leading_ = 0;
    bool leads_ = false;
    std::optional<std::int64_t> first_;
    std::optional<std::int64_t> latest_;
    std::int64_t latest_duration_ = 0;
    std::int64_t last_ = 0;
    std::optional<std::int64_t> end_;  // known when all pictures were put in
    std::map<std::int64_t, ExpectedPicture> pictures_;
};

}  // namespace

Written cut_encoded(CutSource& source, const CutRequest& request) {
    return EncodedCut(source, request).run();
}

}  // namespace eventlens::av
