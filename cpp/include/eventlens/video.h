#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "eventlens/byte_source.h"
#include "eventlens/image.h"

namespace eventlens {

// Seconds of presentation time; 0 is the moment the video's first frame is shown, whatever the file's own
// clock starts with. `end` is when the last frame of the span is replaced or the video ends.
struct TimeSpan {
    double start = 0;
    double end = 0;
    double length() const { return end - start; }
    bool operator==(const TimeSpan&) const = default;
};

// What a video file says of itself.
struct VideoInfo {
    std::string container;  // libav's short name: "mov", "matroska", "mpegts"
    std::string codec;      // "h264", "hevc", "vp9", ...
    Size size;              // upright, in square pixels
    int rotation = 0;       // 0, 90, 180 or 270: degrees clockwise that bring the stored frames upright
    double frame_rate = 0;  // frames per second on average; 0: the file does not say
    double duration = 0;    // seconds of picture; measured by reading where the file does not say
    int audio_tracks = 0;
    // When the recording began, in milliseconds since 1970 in UTC, if the file says.
    std::optional<std::int64_t> recorded_utc{};
};

struct VideoFrame {
    double time = 0;      // when it is shown
    double duration = 0;  // how long; of the last frame an estimate
    bool keyframe = false;
    Image image;  // upright RGB, perhaps shrunk: VideoOptions::max_long_side
};

struct VideoOptions {
    int max_long_side = 1920;  // frames are shrunk to this; 0: never
    // Width x height; larger videos are refused before a frame is allocated.
    std::int64_t max_pixels = 8192LL * 8192;
    double longest_group = 10;                  // seconds; a longer group of pictures is given in parts
    std::int64_t max_group_bytes = 64LL << 20;  // likewise
};

// A keyframe and the frames that need it, or a part of these; still compressed. Belongs to its reader.
class FrameGroup {
  public:
    TimeSpan span;                    // of the frames that begin in it
    bool starts_at_keyframe = false;  // false: goes on from the group before
    struct Packets;
    std::shared_ptr<const Packets> packets;
};

// Reads the frames of one video in order. Decodes on the calling thread alone.
// Thread safety: none; use a reader on one thread at a time.
class VideoReader {
  public:
    // Throws Error(bad_input) for what is not a video, is broken beyond reading, is encrypted, or exceeds the
    // options, Error(unsupported) for a codec that libav does not have, and what `bytes` throws.
    static VideoReader open(std::shared_ptr<const ByteSource> bytes, const VideoOptions& options = {});

    VideoReader(VideoReader&&) noexcept;
    VideoReader& operator=(VideoReader&&) noexcept;
    ~VideoReader();

    const VideoInfo& info() const;

    // Goes to the group that shows `time`, or to the nearest before it that the file can be entered at.
    void seek(double time);

    // The next group; nothing at the end. Only reads, decodes nothing.
    std::optional<FrameGroup> next_group();

    // The frame a group starts with; nothing when it cannot be decoded, or when the group does not start at a
    // keyframe. Does not disturb frames().
    std::optional<VideoFrame> keyframe(const FrameGroup& group);

    // Decodes the group and gives at most `fps` of its frames a second, evenly spread over the whole video;
    // 0: every frame. Frames that no other needs are passed over undecoded where enough remain. Groups must
    // be given in order; when some were left out, decoding starts afresh. `give` may throw, which leaves
    // frames().
    void frames(const FrameGroup& group, double fps, const std::function<void(VideoFrame&&)>& give);

    // Frames so far that could not be decoded, or only with damage that libav reports. Those are not given.
    // It does not report all: what Matroska's reader steps over is missing without being counted, and after a
    // loss in a transport stream, or bits changed into another valid picture, frames may be given that look
    // broken.
    std::int64_t damaged_frames() const;

  private:
    struct Impl;  // keeps libav out of this header
    explicit VideoReader(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// The frame that is shown at `time`, upright; shrunk so that its long side is at most `long_side` (0: whole).
// Throws as VideoReader::open() and Error(bad_input) for a time outside the video.
VideoFrame read_frame(const std::shared_ptr<const ByteSource>& bytes, double time, int long_side = 0);

enum class CutMode {
    exact,  // the first and the last frame are those asked for, and nothing else is in the file
    copy,   // nothing is encoded again: starts at the keyframe at or before the span's start
};

struct CutOptions {
    CutMode mode = CutMode::exact;
    int quality = 20;         // of what is encoded: x264's constant rate factor, 0 (lossless) to 51
    bool allow_smart = true;  // false: exact cuts are encoded wholly

    // Told several times a second which part of the work is done, 0..1. What it throws ends the cut, leaving
    // no file, and leaves cut_clip().
    std::function<void(double)> progress{};
};

enum class CutMethod { copied, smart, encoded };

// A clip that was cut and, in exact mode, decoded back and found right.
struct Clip {
    std::filesystem::path path;
    TimeSpan shown;  // of the source, as the file really shows it
    CutMethod method = CutMethod::encoded;
    std::string codec;  // of the clip: "h264" unless copied
    Size size;          // upright
    std::int64_t frames = 0;
    std::int64_t bytes = 0;
    bool audio = false;
    std::string note;  // what the caller should know: why it was encoded, or what copying shows besides
};

// Cuts a span out of a video into an MP4 that plays while it is downloaded (the index first). Sound comes
// along, the first track of it. Exact cuts copy what they can: the frames up to the first keyframe are
// encoded anew and the rest is taken over ("smart"), when decoding the result back shows every frame in its
// place; otherwise, and for sources that browsers do not play, everything is encoded as H.264 and AAC.
//
// The file appears under `out` complete or not at all; what was there is replaced. The span is cut to the
// video; one shorter than a frame gives the frame shown at its start.
//
// Throws as VideoReader::open(), Error(bad_input) for a span outside the video, an empty one or a path that
// cannot be written, Error(overloaded) when the disk is full. Thread safe; uses the calling thread alone.
Clip cut_clip(std::shared_ptr<const ByteSource> bytes, TimeSpan span, const std::filesystem::path& out,
              const CutOptions& options = {});

}  // namespace eventlens
