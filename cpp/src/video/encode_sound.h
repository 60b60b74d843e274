#pragma once

#include <cstdint>
#include <functional>
#include <utility>

extern "C" {
#include <libavutil/audio_fifo.h>
}

#include "video/av.h"

namespace eventlens::av {

using AudioFifo = CHandle<AVAudioFifo, av_audio_fifo_free>;

// Turns the sound of a span into AAC, mono or stereo: what lies outside is cut away to the sample, what the
// source lacks is silence, so that sound and pictures stay in step whatever gaps the source has.
class SoundEncoder {
  public:
    // Throws Error(unsupported) for sound that libav does not decode.
    explicit SoundEncoder(const AVStream& source);

    const AVCodecContext& context() const { return *encoder_; }

    // `give` is called with packets whose times count samples from the clip's start on; the first of them is
    // the encoder's run-up and comes before 0.
    void give_to(std::function<void(AVPacket&)> give) { give_ = std::move(give); }

    // Where the clip begins, in seconds of the stream's own clock. Before the first packet.
    void begin(double start) { start_ = start; }

    // A packet of the stream, in order. Sound behind `sure_end` (seconds, same clock) is kept back until the
    // end is known; earlier sound is encoded at once. Sound that cannot be decoded becomes silence.
    void put(const AVPacket& packet, double sure_end);

    // Cuts at `end`, fills up to it with silence, and gives what is left. Nothing at all when there was no
    // sound in the span.
    void finish(double end);

  private:
    void decode(const AVPacket* packet);
    void take(const AVFrame& decoded);
    void set_up_resampler(const AVFrame& decoded);
    void append(std::int64_t place, const AVFrame& sound);
    void append_silence(std::int64_t samples);
    void encode(std::int64_t up_to, bool all);
    void drain();

    double start_ = 0;
    AVRational time_base_;
    std::function<void(AVPacket&)> give_;
    CodecContext decoder_;
    CodecContext encoder_;
    Resampler resampler_;
    Frame format_;  // what the resampler was set up for
    Frame decoded_;
    Frame resampled_;
    AudioFifo waiting_;
    Packet packet_;
    std::int64_t latest_ = 0;   // sound that claims to come later has a broken clock
    std::int64_t taken_ = 0;    // samples of the clip that went into `waiting_` so far
    std::int64_t encoded_ = 0;  // and out of it again
    bool heard_ = false;
};

}  // namespace eventlens::av
