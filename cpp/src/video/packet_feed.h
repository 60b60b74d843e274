#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "video/av.h"

namespace eventlens::av {

// One packet of the video, with a time that only goes forward.
struct TimedPacket {
    std::shared_ptr<const AVPacket> data;
    std::int64_t number = 0;    // counts the packets read; never repeats in one feed, and skips at a seek
    std::int64_t pts = 0;       // when its frame is shown, in the stream's units on a clock without jumps
    std::int64_t duration = 0;  // in the same; 0: unknown
    bool key = false;
    bool disposable = false;  // no other frame needs it
    bool gives_frame = true;  // false: parameters alone, or cut off by the file's edit list
    bool corrupt = false;     // bytes are missing
    bool ordered = true;      // false: pts is the time of decoding, because the file says no other
    std::int64_t dts = 0;     // when it is decoded
};

// The packets of a file's video, in the order of decoding.
//
// Times are made to go forward: where the clock jumps back by more than a second (a camera that set its
// clock, recordings joined into one), it goes on from where it was. Smaller steps back are left to whoever
// orders the frames. Packets without a time follow the one before by a frame's length.
class PacketFeed {
  public:
    explicit PacketFeed(Input input);

    const Input& input() const noexcept { return input_; }
    AVStream& stream() const noexcept { return input_.video(); }

    std::optional<TimedPacket> next();

    // Goes to an entry point of the file near `pts`, or to its beginning if there is none before it. The
    // clock's jumps up to there are not known. False: the file cannot be searched.
    bool seek(std::int64_t pts);

    // Places where the file could not be read on.
    std::int64_t gaps() const noexcept { return gaps_; }

  private:
    std::optional<TimedPacket> read();
    void set_times(const AVPacket& packet, TimedPacket& timed);

    Input input_;
    Packet buffer_ = new_packet();
    bool reorders_;                   // references wait in held_ for their times
    std::deque<TimedPacket> held_{};  // the first one's time is unknown; or all is read
    std::int64_t number_ = 0;
    std::int64_t shift_ = 0;  // added to the file's times
    std::int64_t second_;     // in the stream's units
    std::int64_t step_;       // a frame's length
    std::optional<std::int64_t> last_dts_{};
    std::int64_t gaps_ = 0;
};

}  // namespace eventlens::av
