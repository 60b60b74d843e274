#pragma once

#include <span>
#include <vector>

#include "eventlens/video.h"

namespace eventlens {

// Which seconds to keep. The names are those an organiser knows.
struct ClipOptions {
    double min_probability =
        0.5;                   // confidence threshold: appearances less likely to be the person are left out
    double min_segment = 0;    // seconds; a matched segment (before padding) that is shorter is left out
    double max_gap = 3;        // seconds; appearances no further apart become one segment
    double padding_start = 0;  // seconds added before a segment
    double padding_end = 0;    // and behind it
    // Seconds, padding included; a longer segment becomes several clips of equal length one after another.
    // 0: any length.
    double max_clip_duration = 0;
    bool operator==(const ClipOptions&) const = default;
};

// An appearance that may be the person's.
struct ClipCandidate {
    TimeSpan span;
    double probability = 0;
};

// A clip to be cut.
struct PlannedClip {
    TimeSpan span;           // with padding, inside the video
    double probability = 0;  // that the person is in it: of its surest appearance
    // Places in what was given, by time, of the appearances it shows (a part of), as far as they pass
    // min_probability. Never empty.
    std::vector<int> appearances;
};

// Plans the clips of one video of `duration` seconds: candidates in, spans out, by time and never
// overlapping. Every candidate that passes min_probability and belongs to a segment of at least min_segment
// is covered wholly, as far as it lies inside the video. Padding never makes two clips overlap: neighbours
// that meet by it become one as if the gap was small enough, unless max_clip_duration keeps them apart; they
// then meet between their appearances. Of the clips that a long segment becomes, those in which nobody is
// seen (only a gap or padding) are left out. The order of the candidates does not matter. Pure.
// Throws Error(bad_input) for options or spans that are negative, not finite or backwards, and for a
// max_clip_duration that would make 100,000 clips.
std::vector<PlannedClip> plan_clips(std::span<const ClipCandidate> candidates, double duration,
                                    const ClipOptions& options = {});

// The one clip of a video that shows the person best: the surest, among equals the longest, then the first.
// -1: none.
int best_clip(std::span<const PlannedClip> clips);

}  // namespace eventlens
