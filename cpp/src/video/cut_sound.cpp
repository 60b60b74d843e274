#include "video/cut_sound.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "eventlens/error.h"

namespace eventlens::av {

namespace {

constexpr double longest_lag = 3;  // seconds that sound may stand in the file behind its pictures

double clock(const AVPacket& packet, AVRational time_base) {
    const std::int64_t ticks = packet.pts != AV_NOPTS_VALUE ? packet.pts : packet.dts;
    return ticks == AV_NOPTS_VALUE ? 0 : static_cast<double>(ticks) * av_q2d(time_base);
}

}  // namespace

CutSound::CutSound(CutSource& source, ClipWriter& writer) : source_(source) {
    if (!source.sound()) return;
    try {
        encoder_.emplace(*source.sound());
    } catch (const Error& error) {
        if (error.code() != ErrorCode::unsupported) throw;
        note_ = "the sound was left out: " + std::string(error.what());
        return;
    }
    CodecParameters parameters(avcodec_parameters_alloc());
    if (!parameters) throw std::bad_alloc();
    check(avcodec_parameters_from_context(parameters.get(), &encoder_->context()), "write MP4");
    const int stream = writer.add_stream(*parameters, encoder_->context().time_base, nullptr);
    encoder_->give_to([this, stream, &writer](AVPacket& packet) {
        written_ = true;
        writer.write(stream, packet);
    });
}

void CutSound::put(Packet packet, double sure_end) {
    if (!encoder_) return;
    read_to_ = std::max(read_to_, clock(*packet, source_.sound()->time_base));
    if (!start_) return early_.push_back(std::move(packet));
    encoder_->put(*packet, sure_end);
}

void CutSound::begin(double start) {
    start_ = start;
    if (!encoder_) return;
    encoder_->begin(start);
    for (const Packet& packet : std::exchange(early_, {})) encoder_->put(*packet, start);
}

bool CutSound::finish(double end) {
    if (!encoder_) return false;
    while (read_to_ < end) {
        Packet packet = source_.read();
        if (!packet) break;
        if (source_.is_sound(*packet)) {
            put(std::move(packet), end);
        } else if (clock(*packet, source_.video().time_base) > end + longest_lag) {
            break;
        }
    }
    encoder_->finish(end);
    return written_;
}

}  // namespace eventlens::av
