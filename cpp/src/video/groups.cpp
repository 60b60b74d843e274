#include "video/groups.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "eventlens/error.h"

namespace eventlens::av {

namespace {

using Member = FrameGroup::Packets::Member;

// Keyframes that follow each other are given together, a second at a time: a group for each frame would make
// every frame of MJPEG or ProRes one that is always decoded.
constexpr double keyframe_run_seconds = 1.0;

// More frames than any codec holds back: the leading frames of a keyframe end before.
constexpr std::size_t most_leading = 64;

// What a reader searches through for a frame that can be decoded, before it takes the file for broken.
constexpr std::size_t first_frame_packets = 3000;

constexpr std::int64_t never = std::numeric_limits<std::int64_t>::min();

}  // namespace

GroupMaker::GroupMaker(PacketFeed feed, const VideoOptions& options)
    : feed_(std::move(feed)), options_(options), unit_(av_q2d(feed_.stream().time_base)), shown_to_(never) {
    find_first_frame();
    first_position_ = waiting_.front().data->pos;
}

const TimedPacket* GroupMaker::peek(std::size_t index) {
    while (waiting_.size() <= index) {
        std::optional<TimedPacket> packet = feed_.next();
        if (!packet) return nullptr;
        waiting_.push_back(*std::move(packet));
    }
    return &waiting_[index];
}

// Drops what comes before the first keyframe. A file that marks none is taken to begin with one.
bool GroupMaker::to_keyframe(bool from_the_start) {
    std::size_t at = 0;
    std::int64_t bytes = 0;
    while (const TimedPacket* packet = peek(at)) {
        if (packet->key) {
            waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(at));
            return true;
        }
        bytes += packet->data->size;
        if (++at >= first_frame_packets || bytes > options_.max_group_bytes) break;
    }
    if (waiting_.empty() || !from_the_start) return false;
    waiting_.front().key = true;
    return true;
}

// Time 0 is when the first frame is shown that comes out of the decoder: only that knows which of the first
// packets' frames are shown, with edit lists, and with leading frames whose references are not in the file.
void GroupMaker::find_first_frame() {
    const CodecContext decoder = open_decoder(feed_.stream(), options_.max_pixels);
    const Frame frame = new_frame();
    const Packet numbered = new_packet();
    std::int64_t bytes = 0;
    bool ended = !to_keyframe(true);
    for (std::size_t at = 0; !ended && at < first_frame_packets; ++at) {
        const TimedPacket* packet = peek(at);
        if (packet) {
            bytes += packet->data->size;
            check(av_packet_ref(numbered.get(), packet->data.get()), "hold a packet");
            numbered->pts = static_cast<std::int64_t>(at);
        }
        // A packet that cannot be decoded is damage, which frames() counts; here only the first that can
        // matters.
        avcodec_send_packet(decoder.get(), packet ? numbered.get() : nullptr);
        av_packet_unref(numbered.get());
        if (avcodec_receive_frame(decoder.get(), frame.get()) >= 0) {
            const auto first = static_cast<std::size_t>(std::max<std::int64_t>(0, frame->pts));
            zero_ = waiting_[std::min(first, waiting_.size() - 1)].pts;
            first_size_ = {frame->width, frame->height};
            return;
        }
        ended = !packet || bytes > options_.max_group_bytes;
    }
    throw Error(ErrorCode::bad_input, "no frame of the video can be decoded");
}

bool GroupMaker::ends_before(const std::vector<Member>& own, const TimedPacket& next, std::int64_t bytes,
                             std::int64_t last) const {
    const TimedPacket& first = own.front().packet;
    const double length = static_cast<double>(last - first.pts) * unit_;
    const bool over = length >= options_.longest_group || bytes >= options_.max_group_bytes;
    if (next.key) {
        const bool run = std::ranges::all_of(own, [](const Member& member) { return member.packet.key; });
        return !run || over || static_cast<double>(next.pts - first.pts) * unit_ >= keyframe_run_seconds;
    }
    // Parts are cut where nothing shown earlier comes later.
    return over && (next.pts > last || bytes >= 2 * options_.max_group_bytes);
}

std::optional<FrameGroup> GroupMaker::next() {
    if (ready_) return std::exchange(ready_, std::nullopt);
    for (;;) {
        std::optional<FrameGroup> group = cut_group();
        // What an edit list hides wholly is no group: nothing of it is shown.
        if (!group || !group->packets->shown.empty() || group->packets->goes_on) return group;
    }
}

std::optional<FrameGroup> GroupMaker::cut_group() {
    if (!peek(0)) return std::nullopt;
    std::vector<Member> members;
    std::int64_t bytes = 0;
    std::int64_t last = never;
    const TimedPacket* packet = nullptr;
    while ((packet = peek(0)) && (members.empty() || !ends_before(members, *packet, bytes, last))) {
        bytes += packet->data->size;
        if (packet->gives_frame) last = std::max(last, packet->pts);
        members.push_back({std::move(waiting_.front())});
        waiting_.pop_front();
    }
    const std::size_t own = members.size();
    const bool at_keyframe = !continues_;
    continues_ = packet && !packet->key;
    if (packet && packet->key && packet->gives_frame && packet->ordered) {
        // The next keyframe and the frames after it that are shown before it.
        const std::int64_t start = packet->pts;
        std::size_t leading = 0;
        for (std::size_t at = 1; at <= most_leading; ++at) {
            const TimedPacket* later = peek(at);
            if (!later || later->key || (later->gives_frame && later->pts > start)) break;
            if (later->gives_frame) leading = at;
        }
        if (leading > 0) {
            for (std::size_t at = 0; at <= leading; ++at) members.push_back({waiting_[at]});
        }
    }
    return finish(std::move(members), own, at_keyframe);
}

FrameGroup GroupMaker::finish(std::vector<Member> members, std::size_t own, bool at_keyframe) {
    auto packets = std::make_shared<FrameGroup::Packets>();
    packets->own = own;
    packets->starts_at_keyframe = at_keyframe;
    packets->goes_on = continues_;
    const TimedPacket& first = members.front().packet;
    const bool from_the_start = at_keyframe && first.data->pos == first_position_ && shown_to_ == never;
    // Frames shown before the keyframe belong to the group before, but for the very first.
    const std::int64_t from = from_the_start ? zero_ : at_keyframe && first.gives_frame ? first.pts : never;
    std::int64_t last_duration = 0;
    for (std::size_t i = 0; i < members.size(); ++i) {
        const TimedPacket& packet = members[i].packet;
        packets->unordered |= !packet.ordered;
        const bool begins = i < own ? packet.pts >= from : packet.pts < members[own].packet.pts;
        members[i].shown = packet.gives_frame && begins && packet.pts >= zero_;
        if (members[i].shown) packets->shown.push_back(i);
    }
    packets->unordered &= feed_.stream().codecpar->video_delay > 0;
    packets->independent =
        std::ranges::all_of(members, [](const Member& member) { return member.packet.key; });
    const auto pts_of = [&](std::size_t index) { return members[index].packet.pts; };
    std::ranges::stable_sort(packets->shown, {}, pts_of);

    FrameGroup group;
    group.starts_at_keyframe = at_keyframe;
    if (packets->shown.empty()) {
        group.span.start = group.span.end = seconds(std::max(from == never ? zero_ : from, shown_to_));
    } else {
        // Two frames at one moment, or one before the group's start, are damage to the clock: they come a
        // unit after the frame before.
        std::vector<std::int64_t> times;
        for (const std::size_t index : packets->shown) {
            const std::int64_t earliest = times.empty() ? shown_to_ : times.back() + 1;
            times.push_back(std::max(pts_of(index), earliest));
            if (members[index].packet.duration > 0) last_duration = members[index].packet.duration;
        }
        const auto count = static_cast<std::int64_t>(times.size());
        if (last_duration == 0 && count > 1) last_duration = (times.back() - times.front()) / (count - 1);
        if (last_duration == 0) last_duration = std::max<std::int64_t>(1, std::llround(0.04 / unit_));

        std::int64_t end = times.back() + last_duration;
        const TimedPacket* next = peek(0);
        if (next && next->gives_frame) {
            end = next->pts;
            if (!next->key) {  // of a part, the next frame in order of time may come some packets later
                for (std::size_t at = 1; at <= most_leading; ++at) {
                    const TimedPacket* later = peek(at);
                    if (!later || later->key || later->pts > next->pts) break;
                    if (later->gives_frame) end = std::min(end, later->pts);
                }
            }
            end = std::max(end, times.back() + 1);
        }
        times.push_back(end);
        for (std::size_t i = 0; i + 1 < times.size(); ++i) {
            Member& member = members[packets->shown[i]];
            member.time = seconds(times[i]);
            member.duration = static_cast<double>(times[i + 1] - times[i]) * unit_;
        }
        group.span = {seconds(times.front()), seconds(end)};
        shown_to_ = end;
    }
    packets->members = std::move(members);
    group.packets = std::move(packets);
    return group;
}

bool GroupMaker::seek(double time) {
    const double wanted = std::max(0.0, time);
    // Where an entry lies after the time asked for - some formats search by the time of decoding - an earlier
    // one is tried, further back at each step.
    for (double back = 0;; back = back == 0 ? 1 : back * 4) {
        const bool at_start = wanted - back <= 0;
        const double target = std::max(0.0, wanted - back);
        const std::int64_t pts = zero_ + std::llround(target / unit_);
        if (!feed_.seek(at_start ? zero_ - std::llround(1 / unit_) : pts)) return false;
        waiting_.clear();
        ready_.reset();
        continues_ = false;
        shown_to_ = never;
        if (!to_keyframe(at_start)) {
            if (at_start) return false;
            continue;
        }
        ready_ = next();
        if (at_start && !ready_) return false;
        if (!ready_ || (ready_->span.start > wanted && !at_start)) continue;
        skip_to(wanted);
        return true;
    }
}

// On to the group that shows the time. A part cannot be entered at: its group's first part is given.
void GroupMaker::skip_to(double time) {
    if (!ready_) ready_ = next();
    while (ready_ && ready_->span.end <= time && !ready_->packets->goes_on && peek(0)) ready_ = cut_group();
}

}  // namespace eventlens::av
