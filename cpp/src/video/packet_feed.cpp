#include "video/packet_feed.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "eventlens/error.h"
#include "video/picture_kind.h"

namespace eventlens::av {

namespace {

std::int64_t units_of(double seconds, AVRational base) {
    return std::max<std::int64_t>(1, std::llround(seconds / av_q2d(base)));
}

std::shared_ptr<const AVPacket> take(AVPacket& packet) {
    Packet taken = new_packet();
    av_packet_move_ref(taken.get(), &packet);
    return {taken.release(), [](const AVPacket* p) {
                auto* owned = const_cast<AVPacket*>(p);
                av_packet_free(&owned);
            }};
}

}  // namespace

PacketFeed::PacketFeed(Input input) : input_(std::move(input)) {
    for (unsigned i = 0; i < input_->nb_streams; ++i) {
        if (input_->streams[i] != &stream()) input_->streams[i]->discard = AVDISCARD_ALL;
    }
    const AVRational rate = stream().avg_frame_rate;
    second_ = units_of(1, stream().time_base);
    const AVCodecID codec = stream().codecpar->codec_id;
    reorders_ =
        (codec == AV_CODEC_ID_MPEG4 || codec == AV_CODEC_ID_MPEG2VIDEO) && stream().codecpar->video_delay > 0;
    step_ = units_of(rate.num > 0 && rate.den > 0 ? 1 / av_q2d(rate) : 0.04, stream().time_base);
}

std::optional<TimedPacket> PacketFeed::next() {
    while (held_.empty() || !held_.front().ordered) {
        std::optional<TimedPacket> packet = read();
        if (!packet && held_.empty()) return std::nullopt;
        // The first of those held is a reference without a time, and none of the others is a reference.
        if (!held_.empty() && (!packet || !packet->disposable)) {
            held_.front().pts = packet ? packet->dts : held_.back().dts + step_;
            held_.front().ordered = true;
        }
        if (!packet) break;
        if (!reorders_) return packet;
        packet->ordered |= packet->disposable;
        held_.push_back(*std::move(packet));
    }
    TimedPacket first = std::move(held_.front());
    held_.pop_front();
    return first;
}

std::optional<TimedPacket> PacketFeed::read() {
    do {
        av_packet_unref(buffer_.get());
        if (!input_.read(*buffer_)) {
            gaps_ += input_.damaged();
            return std::nullopt;
        }
    } while (buffer_->stream_index != stream().index || buffer_->size == 0);

    if (av_packet_get_side_data(buffer_.get(), AV_PKT_DATA_ENCRYPTION_INFO, nullptr))
        throw Error(ErrorCode::bad_input, "the video is encrypted");
    TimedPacket timed;
    timed.number = number_++;
    timed.key = buffer_->flags & AV_PKT_FLAG_KEY;
    // Trusted even where recordings of a transport stream were joined, whose last packet it marks though that
    // is whole: after a real loss, decoders give visibly broken frames and say nothing.
    timed.corrupt = buffer_->flags & AV_PKT_FLAG_CORRUPT;
    const PictureKind kind = picture_kind(*buffer_, *stream().codecpar);
    timed.disposable = kind == PictureKind::disposable && !timed.key;
    timed.gives_frame = kind != PictureKind::none && !(buffer_->flags & AV_PKT_FLAG_DISCARD);
    timed.duration = std::max<std::int64_t>(0, buffer_->duration);
    set_times(*buffer_, timed);
    timed.data = take(*buffer_);
    return timed;
}

void PacketFeed::set_times(const AVPacket& packet, TimedPacket& timed) {
    std::int64_t dts = packet.dts != AV_NOPTS_VALUE ? packet.dts + shift_ : AV_NOPTS_VALUE;
    if (dts == AV_NOPTS_VALUE && packet.pts == AV_NOPTS_VALUE) dts = last_dts_ ? *last_dts_ + step_ : 0;
    // What an edit list cuts off keeps the times that it has before the cut: they say nothing of the clock.
    if (dts != AV_NOPTS_VALUE && !(packet.flags & AV_PKT_FLAG_DISCARD)) {
        if (last_dts_ && dts < *last_dts_ - second_) {
            const std::int64_t more = *last_dts_ + step_ - dts;
            shift_ += more;
            dts += more;
        }
        last_dts_ = dts;
    }
    timed.dts = dts != AV_NOPTS_VALUE ? dts : packet.pts + shift_;
    timed.ordered = packet.pts != AV_NOPTS_VALUE;
    timed.pts = timed.ordered ? packet.pts + shift_ : dts;
    // Where the clock wraps, the frames about to be shown have wrapped and their decoding has not.
    const int bits = stream().pts_wrap_bits;
    if (bits < 63 && dts != AV_NOPTS_VALUE && timed.pts < dts - (std::int64_t{1} << (bits - 1)))
        timed.pts += std::int64_t{1} << bits;
}

bool PacketFeed::seek(std::int64_t pts) {
    const int result = av_seek_frame(input_.get(), stream().index, pts, AVSEEK_FLAG_BACKWARD);
    if (result < 0) {
        // Throws what the source threw; else the file has no entry there.
        input_.check(0, "seek");
        return false;
    }
    input_.check(result, "seek");
    held_.clear();
    shift_ = 0;
    last_dts_.reset();
    number_ += 1;  // the next packet does not follow the last one
    return true;
}

}  // namespace eventlens::av
