#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "eventlens/video.h"
#include "video/packet_feed.h"

namespace eventlens {

// The packets of a group in the order of decoding: its own, then those of the next group's that frames of
// this one are in. With an open group of pictures, the frames shown just before a keyframe come after it in
// the file and need it and what was before; they belong to the group before, which alone can decode them
// however reading came there.
struct FrameGroup::Packets {
    struct Member {
        av::TimedPacket packet;
        bool shown = false;  // its frame begins in this group's span
        double time = 0;     // of that frame, in seconds
        double duration = 0;
    };
    std::vector<Member> members;
    std::size_t own = 0;             // members before this index are the group's own
    std::vector<std::size_t> shown;  // indices of the shown ones, in order of time

    bool starts_at_keyframe = false;
    bool goes_on = false;      // the next group does not start at a keyframe
    bool independent = false;  // every packet is a keyframe
    bool unordered = false;  // frames come out in another order than packets, and only their times are known
};

namespace av {

// Cuts the packets of a video into groups.
class GroupMaker {
  public:
    // Throws Error(bad_input) when no frame can be decoded.
    GroupMaker(PacketFeed feed, const VideoOptions& options);

    const PacketFeed& feed() const noexcept { return feed_; }
    std::int64_t zero() const noexcept { return zero_; }       // time 0, in the stream's units
    Size first_frame() const noexcept { return first_size_; }  // as it is stored

    std::optional<FrameGroup> next();

    // So that next() gives the group that shows `time`, or the nearest before it that can be decoded from.
    // False: the file cannot be searched; a fresh one has to be read from its beginning.
    bool seek(double time);

    // The same by reading on from here.
    void skip_to(double time);

  private:
    void find_first_frame();
    bool to_keyframe(bool from_the_start);
    const TimedPacket* peek(std::size_t index);
    std::optional<FrameGroup> cut_group();
    bool ends_before(const std::vector<FrameGroup::Packets::Member>& own, const TimedPacket& next,
                     std::int64_t bytes, std::int64_t last) const;
    FrameGroup finish(std::vector<FrameGroup::Packets::Member> members, std::size_t own, bool at_keyframe);
    double seconds(std::int64_t pts) const { return static_cast<double>(pts - zero_) * unit_; }

    PacketFeed feed_;
    VideoOptions options_;
    double unit_;                        // of the stream's times, in seconds
    std::deque<TimedPacket> waiting_{};  // read but not given yet
    std::optional<FrameGroup> ready_{};  // found by seek()
    std::int64_t zero_ = 0;
    Size first_size_{};
    std::int64_t first_position_ = -1;  // of the first keyframe in the file
    std::int64_t shown_to_;             // times before this were given
    bool continues_ = false;            // the next packet goes on with a group that was given in part
};

}  // namespace av
}  // namespace eventlens
