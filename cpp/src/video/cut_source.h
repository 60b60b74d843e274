#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "eventlens/byte_source.h"
#include "eventlens/video.h"
#include "video/av.h"

namespace eventlens::av {

// Seconds; times that differ by less are the same. Some containers round to milliseconds, and so do people.
constexpr double same_time = 0.0005;

// The packets of a video and of its first sound, from a place on.
class CutSource {
  public:
    explicit CutSource(std::shared_ptr<const ByteSource> bytes);

    const Input& input() const { return *input_; }
    AVStream& video() const { return input_->video(); }
    AVStream* sound() const { return sound_ < 0 ? nullptr : input_->get()->streams[sound_]; }
    bool is_sound(const AVPacket& packet) const { return packet.stream_index == sound_; }

    // Presentation time of a picture, TimeSpan's clock, and the stream's own clock, in seconds both.
    double time(std::int64_t pts) const { return clock(pts) - clock(origin_); }
    double clock(std::int64_t pts) const { return static_cast<double>(pts) * av_q2d(video().time_base); }

    double clock_at(double time) const { return time + clock(origin_); }

    // How long a picture is usually shown, in ticks of the stream.
    std::int64_t usual_step() const;

    // The next video packet read will be a keyframe shown at or before `time`, the last one, and sound is
    // read from `time` on at the latest. With `attempt` above 0, one before it: from a keyframe that the
    // first one turned out not to be. False: there is none earlier.
    bool enter(double time, int attempt = 0);

    // Of the picture that is shown at the time that was entered at. Nothing when the packets do not say.
    std::optional<std::int64_t> entered_at() const { return entered_at_; }

    // Whether the file says only when pictures are decoded (AVI): times of packets are those then, and the
    // decoder gives pictures in another order.
    bool unordered() const { return unordered_; }

    // The next packet of either stream; null at the end.
    Packet read();

  private:
    void open();
    void find_origin();
    bool seek(double time);
    bool read_ahead(double time, int attempt);

    std::shared_ptr<const ByteSource> bytes_;
    std::optional<Input> input_;
    int sound_ = -1;
    std::int64_t origin_ = 0;
    std::deque<Packet> ahead_;  // read already, to be given by read()
    std::optional<std::int64_t> entered_at_;
    bool unordered_ = false;
};

}  // namespace eventlens::av
