#include "video/encode_sound.h"

extern "C" {
#include <libavutil/channel_layout.h>
}

#include <algorithm>
#include <array>
#include <cmath>
#include <new>
#include <utility>

#include "eventlens/error.h"

namespace eventlens::av {

namespace {

constexpr std::int64_t bits_per_channel =
    96'000;                                 // a second; AAC of this rate is hard to tell from its source
constexpr double tolerated_jitter = 0.015;  // seconds; timestamps of many containers are rounded
constexpr std::int64_t longest_frame = 10;  // seconds that a last picture may be shown

// The encoder's rate: the source's where AAC has it.
int rate_for(const AVCodec& codec, int wanted) {
    constexpr int usual = 48'000;
    for (const int* rate = codec.supported_samplerates; rate && *rate; ++rate) {
        if (*rate == wanted) return wanted;
    }
    return usual;
}

}  // namespace

SoundEncoder::SoundEncoder(const AVStream& source)
    : time_base_(source.time_base),
      decoder_(open_decoder(source, 0)),
      format_(new_frame()),
      decoded_(new_frame()),
      resampled_(new_frame()),
      packet_(new_packet()) {
    const AVCodec* codec = avcodec_find_encoder(AV_CODEC_ID_AAC);
    if (!codec) throw Error(ErrorCode::unsupported, "this build of libav has no AAC encoder");
    encoder_.reset(avcodec_alloc_context3(codec));
    if (!encoder_) throw std::bad_alloc();
    const int channels = std::clamp(source.codecpar->ch_layout.nb_channels, 1, 2);
    av_channel_layout_default(&encoder_->ch_layout, channels);
    encoder_->sample_rate = rate_for(*codec, source.codecpar->sample_rate);
    encoder_->sample_fmt = AV_SAMPLE_FMT_FLTP;
    encoder_->bit_rate = bits_per_channel * channels;
    encoder_->time_base = {1, encoder_->sample_rate};
    encoder_->thread_count = 1;
    encoder_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    check(avcodec_open2(encoder_.get(), codec, nullptr), "open AAC encoder");
    waiting_.reset(av_audio_fifo_alloc(encoder_->sample_fmt, channels, encoder_->sample_rate));
    if (!waiting_) throw std::bad_alloc();
}

void SoundEncoder::put(const AVPacket& packet, double sure_end) {
    const std::int64_t sure = std::llround((sure_end - start_) * encoder_->sample_rate);
    latest_ = sure + longest_frame * encoder_->sample_rate;
    decode(&packet);
    encode(sure, false);
}

void SoundEncoder::finish(double end) {
    decode(nullptr);
    if (!heard_) return;
    const std::int64_t total = std::llround((end - start_) * encoder_->sample_rate);
    append_silence(total - taken_);
    encode(total, true);
    check(avcodec_send_frame(encoder_.get(), nullptr), "encode sound");
    drain();
}

void SoundEncoder::decode(const AVPacket* packet) {
    // Damaged sound is left out, and the gap filled by the times of what follows.
    if (avcodec_send_packet(decoder_.get(), packet) < 0) return;
    while (avcodec_receive_frame(decoder_.get(), decoded_.get()) >= 0) {
        take(*decoded_);
        av_frame_unref(decoded_.get());
    }
}

void SoundEncoder::take(const AVFrame& decoded) {
    if (decoded.nb_samples == 0 || decoded.sample_rate <= 0) return;
    const bool another = decoded.format != format_->format || decoded.sample_rate != format_->sample_rate ||
                         av_channel_layout_compare(&decoded.ch_layout, &format_->ch_layout) != 0;
    if (!resampler_ || another) set_up_resampler(decoded);

    const double delay = static_cast<double>(swr_get_delay(resampler_.get(), 1'000'000)) / 1e6;
    av_frame_unref(resampled_.get());
    resampled_->format = encoder_->sample_fmt;
    resampled_->sample_rate = encoder_->sample_rate;
    check(av_channel_layout_copy(&resampled_->ch_layout, &encoder_->ch_layout), "resample sound");
    check(swr_convert_frame(resampler_.get(), resampled_.get(), &decoded), "resample sound");
    if (resampled_->nb_samples == 0) return;

    const std::int64_t next = taken_;
    std::int64_t place = next;
    if (decoded.best_effort_timestamp != AV_NOPTS_VALUE) {
        const double time = static_cast<double>(decoded.best_effort_timestamp) * av_q2d(time_base_) - delay;
        place = std::llround((time - start_) * encoder_->sample_rate);
        const double jump = static_cast<double>(place - next) / encoder_->sample_rate;
        if (heard_ && std::abs(jump) < tolerated_jitter) place = next;
    }
    append(place, *resampled_);
}

void SoundEncoder::set_up_resampler(const AVFrame& decoded) {
    av_frame_unref(format_.get());
    format_->format = decoded.format;
    format_->sample_rate = decoded.sample_rate;
    check(av_channel_layout_copy(&format_->ch_layout, &decoded.ch_layout), "resample sound");
    AVChannelLayout from{};
    if (decoded.ch_layout.order == AV_CHANNEL_ORDER_UNSPEC) {
        av_channel_layout_default(&from, decoded.ch_layout.nb_channels);
    } else {
        check(av_channel_layout_copy(&from, &decoded.ch_layout), "resample sound");
    }
    SwrContext* raw = nullptr;
    const int made =
        swr_alloc_set_opts2(&raw, &encoder_->ch_layout, encoder_->sample_fmt, encoder_->sample_rate, &from,
                            static_cast<AVSampleFormat>(decoded.format), decoded.sample_rate, 0, nullptr);
    resampler_.reset(raw);
    av_channel_layout_uninit(&from);
    check(made, "resample sound");
    check(swr_init(resampler_.get()), "resample sound");
}

// Puts samples at their place: behind what is there, after silence when they come late; the part that lies
// before the clip, or where sound is already, is dropped.
void SoundEncoder::append(std::int64_t place, const AVFrame& sound) {
    const std::int64_t skipped = std::clamp<std::int64_t>(taken_ - place, 0, sound.nb_samples);
    const int left = sound.nb_samples - static_cast<int>(skipped);
    if (left == 0 || place > latest_) return;
    append_silence(place - taken_);
    std::array<void*, 2> planes{};
    for (std::size_t i = 0; i < planes.size() && sound.data[i]; ++i) {
        planes[i] = reinterpret_cast<float*>(sound.data[i]) + skipped;
    }
    check(av_audio_fifo_write(waiting_.get(), planes.data(), left), "keep sound");
    taken_ += left;
    heard_ = true;
}

void SoundEncoder::append_silence(std::int64_t samples) {
    std::array<float, 1024> zeros{};
    std::array<void*, 2> planes{zeros.data(), zeros.data()};
    while (samples > 0) {
        const int now = static_cast<int>(std::min<std::int64_t>(samples, std::ssize(zeros)));
        check(av_audio_fifo_write(waiting_.get(), planes.data(), now), "keep sound");
        samples -= now;
        taken_ += now;
    }
}

void SoundEncoder::encode(std::int64_t up_to, bool all) {
    for (;;) {
        const std::int64_t ready =
            std::min<std::int64_t>(av_audio_fifo_size(waiting_.get()), up_to - encoded_);
        const int now = static_cast<int>(std::min<std::int64_t>(ready, encoder_->frame_size));
        if (now <= 0 || (now < encoder_->frame_size && !all)) return;
        const Frame frame = new_frame();
        frame->nb_samples = now;
        frame->format = encoder_->sample_fmt;
        frame->sample_rate = encoder_->sample_rate;
        check(av_channel_layout_copy(&frame->ch_layout, &encoder_->ch_layout), "encode sound");
        check(av_frame_get_buffer(frame.get(), 0), "encode sound");
        check(av_audio_fifo_read(waiting_.get(), reinterpret_cast<void**>(frame->data), now), "encode sound");
        frame->pts = encoded_;
        encoded_ += now;
        check(avcodec_send_frame(encoder_.get(), frame.get()), "encode sound");
        drain();
    }
}

void SoundEncoder::drain() {
    for (;;) {
        const int result = avcodec_receive_packet(encoder_.get(), packet_.get());
        if (result == AVERROR(EAGAIN) || result == AVERROR_EOF) return;
        check(result, "encode sound");
        give_(*packet_);
        av_packet_unref(packet_.get());
    }
}

}  // namespace eventlens::av
