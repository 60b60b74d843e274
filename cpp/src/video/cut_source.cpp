#include "video/cut_source.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

#include "eventlens/error.h"

namespace eventlens::av {

namespace {

constexpr std::int64_t most_read_ahead = 256LL << 20;  // bytes
constexpr int most_reordered = 32;                     // pictures; H.264 and HEVC allow 16
constexpr int most_undecodable = 1000;                 // packets at the beginning that give no picture

bool is_key(const AVPacket& packet) {
    return (packet.flags & AV_PKT_FLAG_KEY) != 0;
}

}  // namespace

CutSource::CutSource(std::shared_ptr<const ByteSource> bytes) : bytes_(std::move(bytes)) {
    open();
    find_origin();
}

void CutSource::open() {
    input_.reset();
    input_.emplace(Input::open(bytes_, VideoOptions{}.max_pixels));
    sound_ = -1;
    const AVFormatContext& context = *input_->get();
    for (unsigned i = 0; i < context.nb_streams; ++i) {
        AVStream& stream = *context.streams[i];
        const AVCodecParameters& told = *stream.codecpar;
        const bool usable = told.codec_type == AVMEDIA_TYPE_AUDIO && told.sample_rate > 0;
        if (sound_ < 0 && usable) sound_ = static_cast<int>(i);
        if (stream.index != video().index && stream.index != sound_) stream.discard = AVDISCARD_ALL;
    }
}

// The first picture that comes out of the decoder: edit lists may hide others, and those before a keyframe
// may need what is not in the file.
void CutSource::find_origin() {
    const CodecContext decoder = open_decoder(video(), VideoOptions{}.max_pixels);
    const Frame frame = new_frame();
    bool entered = false;
    for (int seen = 0; seen < most_undecodable;) {
        const Packet packet = read();
        if (packet && packet->stream_index != video().index) continue;
        ++seen;
        entered = entered || (packet && is_key(*packet));
        if (!entered && packet) continue;
        avcodec_send_packet(decoder.get(), packet.get());  // what is damaged gives no picture
        if (avcodec_receive_frame(decoder.get(), frame.get()) >= 0) {
            if (frame->pts != AV_NOPTS_VALUE) origin_ = frame->pts;
            return;
        }
        if (!packet) break;
    }
    throw Error(ErrorCode::bad_input, "no frame of the video can be decoded");
}

std::int64_t CutSource::usual_step() const {
    const AVStream& stream = video();
    const AVRational rate = stream.avg_frame_rate.num > 0 ? stream.avg_frame_rate : stream.r_frame_rate;
    if (rate.num <= 0) return std::max<std::int64_t>(1, std::llround(0.04 / av_q2d(stream.time_base)));
    return std::max<std::int64_t>(1, av_rescale_q(1, av_inv_q(rate), stream.time_base));
}

Packet CutSource::read() {
    if (!ahead_.empty()) {
        Packet packet = std::move(ahead_.front());
        ahead_.pop_front();
        return packet;
    }
    Packet packet = new_packet();
    while (input_->read(*packet)) {
        if (packet->stream_index == video().index) {
            if (packet->pts == AV_NOPTS_VALUE) {
                packet->pts = packet->dts;
                unordered_ = video().codecpar->video_delay > 0;
            }
            return packet;
        }
        if (packet->stream_index == sound_) return packet;
        av_packet_unref(packet.get());
    }
    return nullptr;
}

bool CutSource::enter(double time, int attempt) {
    // MP4's index knows where each stream's packets are. Elsewhere sound may stand in the file somewhat
    // before the pictures that it belongs to, and some indexes are imprecise.
    const bool indexed = std::string_view(input_->get()->iformat->name).starts_with("mov");
    for (const double back : {indexed ? 0.0 : 1.0, 4.0, 16.0, 64.0}) {
        if (time - back <= 0) break;
        if (seek(time - back) && read_ahead(time, attempt)) return true;
    }
    open();  // stands at the beginning, whatever seeking can do
    return read_ahead(time, attempt);
}

bool CutSource::seek(double time) {
    ahead_.clear();
    const std::int64_t ticks = origin_ + std::llround(time / av_q2d(video().time_base));
    const int result = av_seek_frame(input_->get(), video().index, ticks, AVSEEK_FLAG_BACKWARD);
    if (result < 0) input_->check(0, "seek");  // throws what the source threw
    return result >= 0;
}

// Reads up to `time`, and drops the pictures before the keyframe to decode from.
bool CutSource::read_ahead(double time_wanted, int attempt) {
    ahead_.clear();
    entered_at_.reset();
    std::deque<Packet> packets;
    std::vector<std::size_t> keys;  // places of keyframes to start at
    std::int64_t bytes = 0;
    int shown_later = 0;
    while (bytes < most_read_ahead) {
        Packet packet = read();
        if (!packet) break;
        bytes += packet->size;
        bool behind = false;
        if (packet->stream_index == video().index) {
            // Nothing is shown before it is decoded. Where the time of that is not said, the order of
            // decoding is at least near that of showing.
            const bool dated = packet->pts != AV_NOPTS_VALUE;
            const bool later = dated && time(packet->pts) > time_wanted + same_time;
            shown_later += later;
            behind = packet->dts != AV_NOPTS_VALUE ? time(packet->dts) > time_wanted + same_time
                                                   : shown_later >= most_reordered;
            if (is_key(*packet) && dated && !later) keys.push_back(packets.size());
        }
        packets.push_back(std::move(packet));
        if (behind) break;
    }
    const bool found = std::ssize(keys) > attempt;
    const std::size_t key = found ? keys[keys.size() - 1 - static_cast<std::size_t>(attempt)] : 0;
    for (std::size_t i = 0; i < packets.size(); ++i) {
        Packet& packet = packets[i];
        if (packet->stream_index == video().index) {
            if (i < key) continue;
            const bool candidate = !unordered_ && !(packet->flags & AV_PKT_FLAG_DISCARD) &&
                                   packet->pts != AV_NOPTS_VALUE &&
                                   time(packet->pts) <= time_wanted + same_time;
            if (candidate) entered_at_ = std::max(entered_at_.value_or(packet->pts), packet->pts);
        }
        ahead_.push_back(std::move(packet));
    }
    return found;
}

}  // namespace eventlens::av
