#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "eventlens/error.h"
#include "eventlens/video.h"
#include "video/describe.h"
#include "video/group_decoder.h"
#include "video/groups.h"
#include "video/to_image.h"

namespace eventlens {

namespace {

using Packets = FrameGroup::Packets;
using Member = Packets::Member;

// Matroska and Flash round times to milliseconds. A frame this much late for a moment is shown at it.
constexpr double clock_tolerance = 0.001;

av::GroupMaker make_groups(const std::shared_ptr<const ByteSource>& bytes, const VideoOptions& options) {
    return av::GroupMaker(av::PacketFeed(av::Input::open(bytes, options.max_pixels)), options);
}

// By reading through it, for a file that does not say it.
double measure_duration(const std::shared_ptr<const ByteSource>& bytes, const VideoOptions& options) {
    av::GroupMaker groups = make_groups(bytes, options);
    double end = 0;
    while (const std::optional<FrameGroup> group = groups.next()) end = std::max(end, group->span.end);
    return end;
}

// The frames that are shown at the multiples of 1 / fps, wherever reading began; or the reference frame just
// before, up to half that distance away, where the frame itself is one that no other needs: decoding it would
// be the greater part of the work for footage with many of these.
std::vector<bool> choose(const Packets& group, double fps) {
    std::vector<bool> chosen(group.members.size(), fps <= 0);
    if (fps <= 0) return chosen;
    std::optional<std::size_t> reference;
    for (const std::size_t index : group.shown) {
        const Member& member = group.members[index];
        if (!member.packet.disposable) reference = index;
        const double start = member.time - clock_tolerance;
        if (std::ceil(start * fps) >= (start + member.duration) * fps) continue;
        const bool near = reference && member.time - group.members[*reference].time <= 0.5 / fps;
        chosen[near && !group.independent && !group.unordered ? *reference : index] = true;
    }
    return chosen;
}

std::vector<bool> only(const Packets& group, std::optional<std::size_t> index) {
    std::vector<bool> chosen(group.members.size(), false);
    if (index) chosen[*index] = true;
    return chosen;
}

}  // namespace

struct VideoReader::Impl {
    Impl(std::shared_ptr<const ByteSource> source, const VideoOptions& wanted)
        : bytes(std::move(source)),
          options(wanted),
          groups(make_groups(bytes, options)),
          geometry(av::geometry_of(groups.feed().input(), groups.first_frame())),
          info(av::describe(groups.feed().input(), geometry, groups.zero())),
          decoder(groups.feed().stream(), options.max_pixels),
          to_image(geometry, options.max_long_side) {
        const std::int64_t pixels = std::int64_t{info.size.width} * info.size.height;
        if (pixels > options.max_pixels)  // only its square pixels make it so large
            throw Error(ErrorCode::bad_input, "the video's picture is larger than the allowed " +
                                                  std::to_string(options.max_pixels) + " pixels");
        if (info.duration <= 0) info.duration = measure_duration(bytes, options);
    }

    void decode(const FrameGroup& group, const std::vector<bool>& wanted,
                const std::function<void(VideoFrame&&)>& give) {
        decoder.decode(*group.packets, wanted, [&](const av::ExpectedFrame& expected, const AVFrame& frame) {
            give({expected.time, expected.duration, expected.keyframe, to_image(frame)});
        });
    }

    std::shared_ptr<const ByteSource> bytes;
    VideoOptions options;
    av::GroupMaker groups;
    av::Geometry geometry;
    VideoInfo info;
    av::GroupDecoder decoder;
    av::ToImage to_image;
    av::CodecContext key_decoder;  // opened when the first keyframe is asked for
    std::int64_t gaps_before = 0;  // of the feeds that were given up
};

VideoReader::VideoReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
VideoReader::VideoReader(VideoReader&&) noexcept = default;
VideoReader& VideoReader::operator=(VideoReader&&) noexcept = default;
VideoReader::~VideoReader() = default;

VideoReader VideoReader::open(std::shared_ptr<const ByteSource> bytes, const VideoOptions& options) {
    return VideoReader(std::make_unique<Impl>(std::move(bytes), options));
}

const VideoInfo& VideoReader::info() const {
    return impl_->info;
}

void VideoReader::seek(double time) {
    if (impl_->groups.seek(time)) return;
    // The file has no index and cannot be searched: it is read again from the beginning.
    impl_->gaps_before += impl_->groups.feed().gaps();
    impl_->groups = make_groups(impl_->bytes, impl_->options);
    impl_->groups.skip_to(time);
}

std::optional<FrameGroup> VideoReader::next_group() {
    return impl_->groups.next();
}

std::optional<VideoFrame> VideoReader::keyframe(const FrameGroup& group) {
    const Packets& packets = *group.packets;
    if (!packets.starts_at_keyframe || packets.shown.empty()) return std::nullopt;
    // The first packet's frame, unless an edit list hides that.
    const std::size_t target = packets.members.front().shown ? 0 : packets.shown.front();
    av::CodecContext& decoder = impl_->key_decoder;
    if (!decoder) decoder = av::open_decoder(impl_->groups.feed().stream(), impl_->options.max_pixels);
    avcodec_flush_buffers(decoder.get());

    const av::Frame frame = av::new_frame();
    const av::Packet numbered = av::new_packet();
    for (std::size_t i = 0; i <= target + 1; ++i) {
        const bool drain = i > target;
        if (!drain) {
            av::check(av_packet_ref(numbered.get(), packets.members[i].packet.data.get()), "hold a packet");
            numbered->pts = static_cast<std::int64_t>(i);
        }
        const int sent = avcodec_send_packet(decoder.get(), drain ? nullptr : numbered.get());
        av_packet_unref(numbered.get());
        if (sent < 0) return std::nullopt;
        while (avcodec_receive_frame(decoder.get(), frame.get()) >= 0) {
            if (frame->pts != static_cast<std::int64_t>(target)) continue;
            if (frame->decode_error_flags != 0 || (frame->flags & AV_FRAME_FLAG_CORRUPT)) return std::nullopt;
            const Member& member = packets.members[target];
            return VideoFrame{member.time, member.duration, member.packet.key, impl_->to_image(*frame)};
        }
    }
    return std::nullopt;
}

void VideoReader::frames(const FrameGroup& group, double fps, const std::function<void(VideoFrame&&)>& give) {
    impl_->decode(group, choose(*group.packets, fps), give);
}

std::int64_t VideoReader::damaged_frames() const {
    return impl_->decoder.damaged() + impl_->groups.feed().gaps() + impl_->gaps_before;
}

VideoFrame read_frame(const std::shared_ptr<const ByteSource>& bytes, double time, int long_side) {
    VideoOptions options;
    options.max_long_side = long_side;
    av::GroupMaker groups = make_groups(bytes, options);
    const av::Geometry geometry = av::geometry_of(groups.feed().input(), groups.first_frame());
    const double said = av::describe(groups.feed().input(), geometry, groups.zero()).duration;
    av::GroupDecoder decoder(groups.feed().stream(), options.max_pixels);
    av::ToImage to_image(geometry, options.max_long_side);

    if (!(time >= 0)) throw Error(ErrorCode::bad_input, "the time lies before the video");
    if (!groups.seek(time)) {
        groups = make_groups(bytes, options);
        groups.skip_to(time);
    }
    std::optional<VideoFrame> found;
    bool passed = false;
    for (std::optional<FrameGroup> group = groups.next(); group && !found && !passed;) {
        std::optional<FrameGroup> next = groups.next();
        const Packets& packets = *group->packets;
        // The file may be said to last longer than its last frame; that is shown until then.
        passed = time < group->span.end || (!next && time < said);
        std::optional<std::size_t> shown;
        for (const std::size_t index : packets.shown) {
            if (passed && (!shown || packets.members[index].time <= time)) shown = index;
        }
        const auto give = [&](const av::ExpectedFrame& expected, const AVFrame& frame) {
            found = VideoFrame{expected.time, expected.duration, expected.keyframe, to_image(frame)};
        };
        decoder.decode(packets, only(packets, shown), give);
        if (passed && !found && packets.goes_on && next)  // held back by the decoder
            decoder.decode(*next->packets, only(*next->packets, std::nullopt), give);
        group = std::move(next);
    }
    if (!passed) throw Error(ErrorCode::bad_input, "the time lies behind the end of the video");
    if (!found) throw Error(ErrorCode::bad_input, "the frame shown then cannot be decoded");
    return *std::move(found);
}

}  // namespace eventlens
