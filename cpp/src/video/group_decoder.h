#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "video/av.h"
#include "video/groups.h"

namespace eventlens::av {

// A frame on its way through the decoder.
struct ExpectedFrame {
    double time = 0;
    double duration = 0;
    bool keyframe = false;
    bool disposable = false;  // no frame that is shown needs it
    bool shown = false;       // it begins in the group that it was sent with
    bool wanted = false;
};

// Decodes groups, in the order of the file, and gives those of their frames that are wanted.
class GroupDecoder {
  public:
    using Give = std::function<void(const ExpectedFrame&, const AVFrame&)>;

    GroupDecoder(const AVStream& stream, std::int64_t max_pixels)
        : decoder_(open_decoder(stream, max_pixels)) {}

    // `wanted` has an entry for each member. Frames that are neither wanted nor needed by others are not
    // decoded. The decoder is emptied at the end, unless the next group goes on from this one: then the
    // frames that it still holds come out with that.
    void decode(const FrameGroup::Packets& group, const std::vector<bool>& wanted, const Give& give);

    // Shown frames so far that did not come out undamaged.
    std::int64_t damaged() const noexcept { return damaged_; }

  private:
    bool start(const FrameGroup::Packets& group);
    void send(const AVPacket* packet, std::int64_t number, const Give& give);
    void take(const Give& give);
    void report_damage(const ExpectedFrame& expected, std::int64_t number);

    // Where decoding broke: what is shown or decoded later has lost its references.
    struct Break {
        double time;
        std::int64_t number;
    };

    CodecContext decoder_;
    Frame frame_ = new_frame();
    Packet numbered_ = new_packet();
    std::map<std::int64_t, ExpectedFrame> expected_{};  // by the number of the packet
    std::vector<ExpectedFrame> in_order_{};  // of an unordered group, which takes its frames' times from here
    std::size_t came_out_ = 0;               // of those
    std::int64_t next_number_ = -1;
    std::optional<Break> broken_{};
    std::int64_t damaged_ = 0;
};

}  // namespace eventlens::av
