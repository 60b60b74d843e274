#include <algorithm>
#include <new>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "eventlens/error.h"
#include "video/cut_h264.h"
#include "video/cut_methods.h"
#include "video/cut_sound.h"
#include "video/cut_writer.h"
#include "video/encode_picture.h"

namespace eventlens::av {

namespace {

constexpr std::int64_t most_bytes_kept = 256LL << 20;  // of pictures that wait for their group to be complete
constexpr std::size_t looked_at_behind_joint = 8;      // pictures
constexpr int usual_reordering = 2;                    // pictures; what x264 does

// A picture of the source, as an MP4 holds it.
struct Coded {
    h264::Bytes bytes;
    std::int64_t pts = 0;
    bool instant_refresh = false;
    bool hidden = false;  // by an edit list: decoded, but not shown
};

// Pictures in order of decoding, which need none before them.
using Group = std::vector<Coded>;

AVStream& suitable(AVStream& stream) {
    const AVCodecParameters& told = *stream.codecpar;
    if (told.codec_id != AV_CODEC_ID_H264) throw CannotCutSmart("it is not H.264");
    if (told.format != AV_PIX_FMT_YUV420P && told.format != AV_PIX_FMT_YUVJ420P) {
        throw CannotCutSmart("its pictures are not of 8 bits, 4:2:0");
    }
    const bool progressive = told.field_order == AV_FIELD_PROGRESSIVE || told.field_order == AV_FIELD_UNKNOWN;
    if (!progressive) throw CannotCutSmart("it is interlaced");
    if (told.width % 2 != 0 || told.height % 2 != 0) throw CannotCutSmart("its size is odd");
    const int profile = told.profile & ~FF_PROFILE_H264_CONSTRAINED;
    if (profile != FF_PROFILE_H264_BASELINE && profile != FF_PROFILE_H264_MAIN &&
        profile != FF_PROFILE_H264_HIGH) {
        throw CannotCutSmart("its profile is an unusual one");
    }
    return stream;
}

h264::ParameterSets parameter_sets(const AVCodecParameters& told) {
    const auto sets =
        h264::read_parameter_sets({told.extradata, static_cast<std::size_t>(told.extradata_size)});
    if (!sets) throw CannotCutSmart("its parameter sets do not stand at the front");
    return *sets;
}

int free_id(const h264::ParameterSets& sets) {
    const auto id = sets.free_id();
    if (!id) throw CannotCutSmart("all ids of parameter sets are taken");
    return *id;
}

h264::ParameterSets merge(h264::ParameterSets sets, const h264::ParameterSets& more) {
    sets.sequence.insert(sets.sequence.end(), more.sequence.begin(), more.sequence.end());
    sets.picture.insert(sets.picture.end(), more.picture.begin(), more.picture.end());
    return sets;
}

void set_extradata(AVCodecParameters& parameters, const h264::Bytes& bytes) {
    av_freep(&parameters.extradata);
    parameters.extradata_size = static_cast<int>(bytes.size());
    parameters.extradata =
        static_cast<std::uint8_t*>(av_mallocz(bytes.size() + AV_INPUT_BUFFER_PADDING_SIZE));
    if (!parameters.extradata) throw std::bad_alloc();
    std::ranges::copy(bytes, parameters.extradata);
}

CodecParameters with_extradata(const AVCodecParameters& like, const h264::Bytes& bytes) {
    CodecParameters parameters(avcodec_parameters_alloc());
    if (!parameters) throw std::bad_alloc();
    check(avcodec_parameters_copy(parameters.get(), &like), "copy parameters");
    set_extradata(*parameters, bytes);
    return parameters;
}

Packet make_packet(const h264::Bytes& bytes, std::int64_t pts) {
    Packet packet = new_packet();
    check(av_new_packet(packet.get(), static_cast<int>(bytes.size())), "copy a packet");
    std::ranges::copy(bytes, packet->data);
    packet->pts = pts;
    return packet;
}

class SmartCut {
  public:
    SmartCut(CutSource& source, const CutRequest& request)
        : source_(source),
          request_(request),
          range_(source, request.span),
          told_(*suitable(source.video()).codecpar),
          source_sets_(parameter_sets(told_)),
          set_id_(free_id(source_sets_)),
          format_(picture_format(source.video())),
          own_sets_(PictureEncoder(format_, request.quality, set_id_).parameter_sets()),
          writer_(request.path),
          decode_times_(std::max(told_.video_delay, usual_reordering), 0, source.usual_step()) {
        const CodecParameters parameters =
            with_extradata(told_, h264::sample_description(merge(source_sets_, own_sets_)));
        parameters->sample_aspect_ratio = format_.pixel_shape;
        stream_ = writer_.add_stream(*parameters, format_.time_base, &source.video());
        sound_.emplace(source, writer_);
        writer_.begin();
    }

    Written run() {
        if (!source_.entered_at()) throw CannotCutSmart("its packets do not say when they are shown");
        first_ = *source_.entered_at();
        sound_->begin(source_.clock(first_));
        read_groups();
        if (source_.time(end_) <= request_.span.start + same_time) throw_outside(request_.span);
        if (!joint_) throw CannotCutSmart("no keyframe in the span can be started at");
        write_last_group();
        Written written;
        written.content.time_base = format_.time_base;
        written.content.sound = sound_->finish(source_.clock(end_));
        writer_.finish();
        written.content.pictures = std::move(pictures_);
        written.content.end = end_;
        written.note = sound_->note();
        return written;
    }

  private:
    bool is_shown(const Coded& coded) const {
        return !coded.hidden && coded.pts >= first_ && (coded.pts == first_ || !range_.is_behind(coded.pts));
    }

    // Reads up to the first picture behind the span; writes every group of which all is shown.
    void read_groups() {
        std::optional<std::int64_t> behind;  // when the first of the pictures behind the span is shown
        std::int64_t kept = 0;
        std::int64_t usual_end = 0;
        while (Packet packet = source_.read()) {
            if (source_.is_sound(*packet)) {
                sound_->put(std::move(packet), source_.clock_at(request_.span.end));
                continue;
            }
            if (behind && packet->dts != AV_NOPTS_VALUE && packet->dts >= *behind) break;
            Coded coded = take_over(*packet);
            const bool is_behind = !coded.hidden && coded.pts > first_ && range_.is_behind(coded.pts);
            if (is_behind) behind = std::min(behind.value_or(coded.pts), coded.pts);
            if (coded.instant_refresh) {
                if (is_behind) break;  // what is decoded from here on is shown from here on
                if (coded.pts >= first_) {
                    start_group(coded.pts);
                    kept = 0;
                }
            }
            kept += std::ssize(coded.bytes);
            if (kept > most_bytes_kept) throw CannotCutSmart("its keyframes are too far apart");
            usual_end = std::max(
                usual_end, coded.pts + (packet->duration > 0 ? packet->duration : source_.usual_step()));
            group_.push_back(std::move(coded));
            request_.progress((source_.time(group_.back().pts) - request_.span.start) /
                              request_.span.length());
        }
        end_ = behind.value_or(usual_end);
    }

    Coded take_over(const AVPacket& packet) const {
        auto sample = h264::make_sample({packet.data, static_cast<std::size_t>(packet.size)}, source_sets_);
        if (!sample || packet.pts == AV_NOPTS_VALUE) throw CannotCutSmart("it is damaged");
        if (sample->foreign_sets) throw CannotCutSmart("its parameter sets change");
        return {std::move(sample->bytes), packet.pts, sample->instant_refresh,
                (packet.flags & AV_PKT_FLAG_DISCARD) != 0};
    }

    // A group begins that can be decoded on its own: what is in hand is complete.
    void start_group(std::int64_t pts) {
        for (const Coded& coded : group_) {
            if (!coded.hidden && coded.pts >= pts) throw CannotCutSmart("a keyframe is shown early");
        }
        if (!joint_) {
            encode_shown(group_, first_);
        } else {
            look_at_joint(group_.size());
            for (const Coded& coded : group_) copy(coded);
        }
        joint_ = pts;
        group_.clear();
    }

    // The group that the span ends in is taken over up to the first picture that is not shown, as the
    // pictures decoded behind that may need it. The shown ones among these are encoded.
    void write_last_group() {
        for (const Coded& coded : group_) {
            if (is_shown(coded)) last_ = std::max(last_.value_or(coded.pts), coded.pts);
        }
        std::size_t copied = 0;
        while (copied < group_.size() && is_shown(group_[copied])) ++copied;
        // They must be shown behind all that is taken over.
        const auto last_of = [this](std::size_t count) {
            return std::ranges::max(std::span(group_).first(count), {}, &Coded::pts).pts;
        };
        const auto first_behind = [this](std::size_t count) {
            std::optional<std::int64_t> first;
            for (const Coded& coded : std::span(group_).subspan(count)) {
                if (is_shown(coded)) first = std::min(first.value_or(coded.pts), coded.pts);
            }
            return first;
        };
        std::optional<std::int64_t> encoded = first_behind(copied);
        while (copied > 0 && encoded && last_of(copied) > *encoded) encoded = first_behind(--copied);

        look_at_joint(copied);
        for (const Coded& coded : std::span(group_).first(copied)) copy(coded);
        if (encoded) encode_shown(group_, *encoded);
    }

    // Right behind the joint it shows whether a decoder took the change of streams well.
    void look_at_joint(std::size_t copied) {
        if (std::exchange(joint_looked_at_, true)) return;
        const std::size_t count = std::min(copied, looked_at_behind_joint);
        decode(group_, count, [this](const AVFrame& frame) { pictures_[frame.pts] = {Look(frame), true}; });
    }

    // Decodes the group and encodes its shown pictures from the time `from` on. Those before, which were
    // taken over, are looked at.
    void encode_shown(const Group& group, std::int64_t from) {
        std::size_t needed = 0;
        std::int64_t wanted = 0;
        for (std::size_t i = 0; i < group.size(); ++i) {
            if (!is_shown(group[i]) || group[i].pts < from) continue;
            needed = i + 1;
            ++wanted;
        }
        if (wanted == 0) return;
        PictureEncoder encoder(format_, request_.quality, set_id_);
        if (encoder.parameter_sets().sequence != own_sets_.sequence ||
            encoder.parameter_sets().picture != own_sets_.picture) {
            throw CannotCutSmart("the encoder changes its parameter sets");
        }
        const auto write_encoded = [this](const AVPacket& packet) {
            auto sample = h264::make_sample({packet.data, static_cast<std::size_t>(packet.size)}, own_sets_);
            if (!sample) throw Error(ErrorCode::internal, "libx264 gave a broken packet");
            write(sample->bytes, packet.pts, sample->instant_refresh);
        };
        decode(group, needed, [&](const AVFrame& frame) {
            if (frame.pts < from) {
                const auto taken_over = pictures_.find(frame.pts);
                if (taken_over != pictures_.end()) taken_over->second.look = Look(frame);
                return;
            }
            if (!is_shown({{}, frame.pts, false, false})) return;
            if (frame.interlaced_frame || frame.width != format_.size.width ||
                frame.height != format_.size.height) {
                throw CannotCutSmart("its pictures change");
            }
            pictures_[frame.pts] = {Look(frame), false};
            --wanted;
            encoder.put(&frame, write_encoded);
        });
        encoder.put(nullptr, write_encoded);
        if (wanted != 0) throw CannotCutSmart("pictures are damaged");
    }

    // The first `count` pictures of the group, with the parameter sets at the front alone.
    template <typename Take>
    void decode(const Group& group, std::size_t count, const Take& take) const {
        if (count == 0) return;
        const CodecContext decoder = open_described();
        const Frame frame = new_frame();
        const auto receive = [&] {
            while (avcodec_receive_frame(decoder.get(), frame.get()) >= 0) {
                take(*frame);
                av_frame_unref(frame.get());
            }
        };
        for (const Coded& coded : std::span(group).first(std::min(count, group.size()))) {
            const Packet packet = make_packet(coded.bytes, coded.pts);
            if (coded.hidden) packet->flags |= AV_PKT_FLAG_DISCARD;
            if (avcodec_send_packet(decoder.get(), packet.get()) < 0) throw CannotCutSmart("it is damaged");
            receive();
        }
        avcodec_send_packet(decoder.get(), nullptr);
        receive();
    }

    CodecContext open_described() const {
        const AVCodec* codec = avcodec_find_decoder(AV_CODEC_ID_H264);
        CodecContext decoder(avcodec_alloc_context3(codec));
        if (!codec || !decoder) throw Error(ErrorCode::unsupported, "no decoder for h264");
        const CodecParameters parameters = with_extradata(told_, h264::sample_description(source_sets_));
        check(avcodec_parameters_to_context(decoder.get(), parameters.get()), "open the decoder");
        decoder->pkt_timebase = format_.time_base;
        decoder->thread_count = 1;
        check(avcodec_open2(decoder.get(), codec, nullptr), "open the decoder");
        return decoder;
    }

    void copy(const Coded& coded) {
        if (coded.hidden) throw CannotCutSmart("an edit list hides pictures in the span");
        pictures_.try_emplace(coded.pts, ExpectedPicture{std::nullopt, true});
        write(coded.bytes, coded.pts, coded.instant_refresh);
    }

    void write(const h264::Bytes& bytes, std::int64_t pts, bool keyframe) {
        const Packet packet = make_packet(bytes, pts - first_);
        packet->dts = decode_times_.next(packet->pts);
        if (packet->dts > packet->pts) throw CannotCutSmart("its pictures are reordered more than it says");
        packet->duration = last_ == pts ? end_ - pts : source_.usual_step();
        if (keyframe) packet->flags |= AV_PKT_FLAG_KEY;
        writer_.write(stream_, *packet);
    }

    CutSource& source_;
    const CutRequest& request_;
    ShownRange range_;
    const AVCodecParameters& told_;
    h264::ParameterSets source_sets_;
    int set_id_;
    PictureFormat format_;
    h264::ParameterSets own_sets_;
    ClipWriter writer_;
    DecodeTimes decode_times_;
    std::optional<CutSound> sound_;
    int stream_ = 0;
    std::int64_t first_ = 0;             // when the clip's first picture is shown, and
    std::int64_t end_ = 0;               // when its last one is replaced; known when all groups were read
    std::optional<std::int64_t> last_;   // the last picture, likewise
    std::optional<std::int64_t> joint_;  // the keyframe from which pictures are taken over
    bool joint_looked_at_ = false;
    Group group_;
    std::map<std::int64_t, ExpectedPicture> pictures_;
};

}  // namespace

Written cut_smart(CutSource& source, const CutRequest& request) {
    source.enter(request.span.start);
    return SmartCut(source, request).run();
}

}  // namespace eventlens::av
