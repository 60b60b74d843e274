#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>

#include "eventlens/video.h"
#include "video/check_clip.h"
#include "video/cut_source.h"

// The ways to cut. Each writes a whole file and tells what is in it; none looks back at what it wrote.
namespace eventlens::av {

struct CutRequest {
    TimeSpan span;               // valid: start is not negative and before end
    std::filesystem::path path;  // where to write
    int quality = 20;
    std::function<void(double)> progress;  // 0..1 of the writing
};

struct Written {
    ExpectedClip content;
    std::string note;
};

// Why a source cannot be cut by smart cutting; encoding it wholly may still work. Never leaves the room.
class CannotCutSmart : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Encodes the pictures up to the first keyframe, takes those from there on over, and encodes again those at
// the end that could not be decoded without pictures behind the span. H.264 only.
// Throws CannotCutSmart; then the file is to be written anew.
Written cut_smart(CutSource& source, const CutRequest& request);

// Encodes every picture of the span.
Written cut_encoded(CutSource& source, const CutRequest& request);

// Takes pictures and sound over as they are, from the last keyframe before the span on.
// Throws Error(unsupported) for what does not fit into an MP4.
Written cut_copied(CutSource& source, const CutRequest& request);

// Which pictures a span shows: the one that is shown at its start, and those that begin in it.
class ShownRange {
  public:
    ShownRange(const CutSource& source, TimeSpan span) : source_(source), span_(span) {}

    bool begins_late(std::int64_t pts) const { return source_.time(pts) > span_.start + same_time; }
    bool is_behind(std::int64_t pts) const { return source_.time(pts) >= span_.end - same_time; }

  private:
    const CutSource& source_;
    TimeSpan span_;
};

// Throws Error(bad_input): the video ended before the span began.
[[noreturn]] void throw_outside(const TimeSpan& span);

}  // namespace eventlens::av
