#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "eventlens/error.h"
#include "video/cut_methods.h"
#include "video/cut_sound.h"
#include "video/cut_writer.h"

namespace eventlens::av {

namespace {

constexpr std::size_t most_reordered = 32;  // pictures

bool fits_into_mp4(AVCodecID codec) {
    return avformat_query_codec(av_guess_format("mp4", nullptr, nullptr), codec, FF_COMPLIANCE_NORMAL) == 1;
}

void check_codec(const AVCodecParameters& told) {
    if (fits_into_mp4(told.codec_id)) return;
    throw Error(ErrorCode::unsupported, std::string("MP4 does not hold ") + avcodec_get_name(told.codec_id) +
                                            ", so it cannot be copied: cut exactly instead");
}

class CopiedCut {
  public:
    CopiedCut(CutSource& source, const CutRequest& request)
        : source_(source),
          request_(request),
          range_(source, request.span),
          time_base_(source.video().time_base),
          writer_(request.path),
          decode_times_(source.video().codecpar->video_delay, 0, source.usual_step()) {
        AVCodecParameters& told = *source.video().codecpar;
        check_codec(told);
        stream_ = writer_.add_stream(told, time_base_, &source.video());
        if (source.sound() && fits_into_mp4(source.sound()->codecpar->codec_id)) {
            sound_time_base_ = source.sound()->time_base;
            sound_stream_ = writer_.add_stream(*source.sound()->codecpar, sound_time_base_, nullptr);
        } else {
            encoded_sound_.emplace(source, writer_);
        }
        writer_.begin();
    }

    Written run() {
        while (Packet packet = source_.read()) {
            if (source_.is_sound(*packet)) {
                take_sound(std::move(packet));
            } else if (!take_picture(std::move(packet))) {
                break;
            }
        }
        if (pictures_.empty() || source_.time(end_) <= request_.span.start + same_time)
            throw_outside(request_.span);
        Written written;
        written.content.time_base = time_base_;
        written.content.sound = end_sound();
        writer_.finish();
        written.content.pictures = std::move(pictures_);
        written.content.end = end_;
        written.note = note();
        return written;
    }

  private:
    // False: the span's pictures are complete.
    bool take_picture(Packet packet) {
        if (packet->pts == AV_NOPTS_VALUE || source_.unordered()) {
            throw Error(ErrorCode::unsupported,
                        "the video does not say when its pictures are shown, so it cannot be copied: cut "
                        "exactly instead");
        }
        if (!first_) begin(packet->pts);
        if (packet->pts < *first_) return true;  // needs pictures before the keyframe
        const std::int64_t decoded = packet->dts != AV_NOPTS_VALUE ? packet->dts : packet->pts;
        const bool complete = range_.is_behind(decoded) && decoded >= last_ && !pictures_.empty();
        const bool shown = !range_.is_behind(packet->pts) || packet->pts < last_ || pictures_.empty();
        if (complete && packet->dts != AV_NOPTS_VALUE) return false;
        waiting_.push_back(std::move(packet));
        // Pictures behind the span come along where later ones in it need them.
        if (shown) write_waiting();
        return waiting_.size() < most_reordered;
    }

    void begin(std::int64_t pts) {
        first_ = pts;
        if (encoded_sound_) encoded_sound_->begin(source_.clock(pts));
        for (Packet& packet : std::exchange(early_sound_, {})) take_sound(std::move(packet));
    }

    void write_waiting() {
        for (const Packet& packet : std::exchange(waiting_, {})) {
            const std::int64_t pts = packet->pts;
            const std::int64_t duration = packet->duration > 0 ? packet->duration : source_.usual_step();
            pictures_[pts] = {std::nullopt, true};
            if (pictures_.size() == 1 || pts > last_) {
                last_ = pts;
                end_ = pts + duration;
            }
            packet->duration = duration;
            packet->pts = pts - *first_;
            packet->dts = decode_times_.next(packet->pts);
            if (packet->dts > packet->pts) {
                throw Error(
                    ErrorCode::unsupported,
                    "the video's pictures are reordered more than it says, so it cannot be copied: cut "
                    "exactly instead");
            }
            writer_.write(stream_, *packet);
            request_.progress((source_.time(pts) - request_.span.start) / request_.span.length());
        }
    }

    double sound_clock(std::int64_t pts) const { return static_cast<double>(pts) * av_q2d(sound_time_base_); }

    void take_sound(Packet packet) {
        if (encoded_sound_) {
            encoded_sound_->put(std::move(packet), source_.clock_at(request_.span.end));
            return;
        }
        if (packet->pts == AV_NOPTS_VALUE) packet->pts = packet->dts;
        if (packet->pts == AV_NOPTS_VALUE) return;
        if (!first_) return early_sound_.push_back(std::move(packet));
        // Packets cannot be parted: the one that begins nearest to the first picture is the first.
        const double start = source_.clock(*first_);
        const double length = sound_clock(packet->duration);
        if (sound_clock(packet->pts) < start - length / 2) return;
        if (!first_sound_) {
            const bool touches = sound_clock(packet->pts) < start + length;
            first_sound_ = touches ? packet->pts : std::llround(start / av_q2d(sound_time_base_));
        }
        sounds_.push_back(std::move(packet));
        write_sounds(source_.clock_at(request_.span.end));
    }

    void write_sounds(double end) {
        std::size_t written = 0;
        while (written < sounds_.size() && sound_clock(sounds_[written]->pts) < end) {
            AVPacket& packet = *sounds_[written++];
            packet.pts -= *first_sound_;
            packet.dts = packet.pts;
            writer_.write(sound_stream_, packet);
            sound_written_ = true;
        }
        sounds_.erase(sounds_.begin(), sounds_.begin() + static_cast<std::ptrdiff_t>(written));
    }

    // Sound often stands in the file behind the pictures that it belongs to.
    bool end_sound() {
        const double end = source_.clock(end_);
        if (encoded_sound_) return encoded_sound_->finish(end);
        constexpr double longest_lag = 3;  // seconds
        while (sound_stream_ >= 0 && sounds_.empty()) {
            Packet packet = source_.read();
            if (!packet) break;
            if (source_.is_sound(*packet)) {
                take_sound(std::move(packet));
            } else if (packet->dts != AV_NOPTS_VALUE && source_.clock(packet->dts) > end + longest_lag) {
                break;
            }
        }
        write_sounds(end);
        return sound_written_;
    }

    std::string note() const {
        const double before = request_.span.start - source_.time(*first_);
        const double behind = source_.time(end_) - request_.span.end;
        std::string text;
        const auto add = [&text](const std::string& what) { text += (text.empty() ? "" : "; ") + what; };
        const auto seconds = [](double value) {
            std::string digits = std::to_string(value);
            return digits.substr(0, digits.find('.') + 3) + " s";
        };
        if (before > same_time)
            add("also shows the " + seconds(before) + " before the span, back to a keyframe");
        if (behind > source_.clock(source_.usual_step()) + same_time) {
            add("also shows the " + seconds(behind) + " behind the span, which it needs");
        }
        const AVCodecID codec = source_.video().codecpar->codec_id;
        if (codec != AV_CODEC_ID_H264) {
            add(std::string(avcodec_get_name(codec)) + " does not play in every browser");
        }
        if (encoded_sound_ && source_.sound() && encoded_sound_->note().empty())
            add("the sound was encoded as AAC");
        if (encoded_sound_ && !encoded_sound_->note().empty()) add(encoded_sound_->note());
        return text;
    }

    CutSource& source_;
    const CutRequest& request_;
    ShownRange range_;
    AVRational time_base_;
    ClipWriter writer_;
    DecodeTimes decode_times_;
    int stream_ = 0;
    int sound_stream_ = -1;
    AVRational sound_time_base_{1, 1};
    std::optional<CutSound> encoded_sound_;  // where the sound does not fit into an MP4
    std::vector<Packet> early_sound_;        // read before the first picture
    std::vector<Packet> sounds_;
    std::optional<std::int64_t> first_sound_;
    bool sound_written_ = false;
    std::vector<Packet> waiting_;  // pictures behind the span, until one in it needs them
    std::optional<std::int64_t> first_;
    std::int64_t last_ = 0;
    std::int64_t end_ = 0;
    std::map<std::int64_t, ExpectedPicture> pictures_;
};

}  // namespace

Written cut_copied(CutSource& source, const CutRequest& request) {
    source.enter(request.span.start);
    return CopiedCut(source, request).run();
}

}  // namespace eventlens::av
