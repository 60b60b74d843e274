#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "eventlens/clips.h"
#include "eventlens/error.h"

namespace eventlens {

namespace {

constexpr double rounding = 1e-9;  // relative; sums of decimal seconds are off by less
constexpr double most_pieces = 1e5;

// A stretch of the video that becomes one clip or, when it is too long, several.
struct Stretch {
    TimeSpan core;    // first to last second of its appearances
    TimeSpan padded;  // the same with padding, inside the video
};

void check(bool right, const char* what) {
    if (!right) throw Error(ErrorCode::bad_input, std::string("clips: ") + what);
}

bool is_amount(double value) {
    return std::isfinite(value) && value >= 0;
}

void check(std::span<const ClipCandidate> candidates, double duration, const ClipOptions& options) {
    check(is_amount(duration), "the duration must be a number of seconds");
    check(is_amount(options.min_probability), "min_probability must be a number from 0 on");
    check(is_amount(options.min_segment) && is_amount(options.max_gap) && is_amount(options.padding_start) &&
              is_amount(options.padding_end) && is_amount(options.max_clip_duration),
          "options must be numbers of seconds from 0 on");
    check(options.max_clip_duration == 0 || duration / options.max_clip_duration < most_pieces,
          "max_clip_duration is too short for a video of this length");
    for (const ClipCandidate& candidate : candidates) {
        check(is_amount(candidate.span.start) && is_amount(candidate.span.end) &&
                  candidate.span.start <= candidate.span.end,
              "a span must start at 0 or later and not end before it starts");
        check(is_amount(candidate.probability), "a probability must be a number from 0 on");
    }
}

// The appearances that may become clips, by time, cut to the video. Whatever order they were given in, the
// order here is the same but for the places of equal ones.
std::vector<std::size_t> by_time(std::span<const ClipCandidate> candidates, double duration,
                                 double min_probability) {
    std::vector<std::size_t> places(candidates.size());
    std::iota(places.begin(), places.end(), std::size_t{0});
    std::erase_if(places, [&](std::size_t i) {
        return candidates[i].probability < min_probability || candidates[i].span.start >= duration;
    });
    std::sort(places.begin(), places.end(), [&](std::size_t a, std::size_t b) {
        const ClipCandidate& one = candidates[a];
        const ClipCandidate& other = candidates[b];
        if (one.span.start != other.span.start) return one.span.start < other.span.start;
        if (one.span.end != other.span.end) return one.span.end < other.span.end;
        return one.probability != other.probability ? one.probability > other.probability : a < b;
    });
    return places;
}

// Joins padded stretches that meet. Where both together would be longer than one clip may be, they are set
// apart in the middle of what both would show, so that neither shows the other's appearances.
std::vector<Stretch> without_overlap(const std::vector<Stretch>& stretches, double longest) {
    std::vector<Stretch> apart;
    for (Stretch next : stretches) {
        if (!apart.empty() && next.padded.start <= apart.back().padded.end) {
            Stretch& before = apart.back();
            if (longest == 0 || next.padded.end - before.padded.start <= longest * (1 + rounding)) {
                before.core.end = next.core.end;
                before.padded.end = std::max(before.padded.end, next.padded.end);
                continue;
            }
            const double from = std::max(before.core.end, next.padded.start);
            const double to = std::min(next.core.start, before.padded.end);
            before.padded.end = next.padded.start = (from + to) / 2;
        }
        apart.push_back(next);
    }
    return apart;
}

// Adds a stretch as clips of equal length, so that no sliver is left at the end.
void add_pieces(const Stretch& stretch, double longest, std::vector<PlannedClip>& clips) {
    const auto [start, end] = stretch.padded;
    const double pieces = longest == 0 ? 1 : std::ceil((end - start) / longest * (1 - rounding));
    const int count = static_cast<int>(std::clamp(pieces, 1.0, most_pieces));
    double from = start;
    for (int i = 1; i <= count; ++i) {
        const double to = i == count ? end : start + (end - start) * i / count;
        clips.push_back({{from, to}, 0, {}});
        from = to;
    }
}

// Notes an appearance with the clips, given by time, that show some of it.
void note(const ClipCandidate& candidate, std::size_t place, std::vector<PlannedClip>& clips) {
    const auto [start, end] = candidate.span;
    auto clip = std::partition_point(clips.begin(), clips.end(), [start = start, end = end](const auto& c) {
        return start == end ? c.span.end < start : c.span.end <= start;
    });
    for (; clip != clips.end() && (clip->span.start < end || clip->span.start == start); ++clip) {
        clip->appearances.push_back(static_cast<int>(place));
        clip->probability = std::max(clip->probability, candidate.probability);
        if (start == end) break;  // a moment is in one clip, even where two meet
    }
}

}  // namespace

std::vector<PlannedClip> plan_clips(std::span<const ClipCandidate> candidates, double duration,
                                    const ClipOptions& options) {
    check(candidates, duration, options);

    const std::vector<std::size_t> kept = by_time(candidates, duration, options.min_probability);
    std::vector<Stretch> segments;
    for (const std::size_t place : kept) {
        const TimeSpan& given = candidates[place].span;
        const TimeSpan span{given.start, std::min(given.end, duration)};
        if (segments.empty() || span.start - segments.back().core.end > options.max_gap + rounding) {
            segments.push_back({span, span});
        }
        segments.back().core.end = std::max(segments.back().core.end, span.end);
    }
    std::erase_if(segments, [&](const Stretch& segment) {
        return segment.core.length() < options.min_segment * (1 - rounding);
    });
    for (Stretch& segment : segments) {
        segment.padded = {std::max(0.0, segment.core.start - options.padding_start),
                          std::min(duration, segment.core.end + options.padding_end)};
    }

    std::vector<PlannedClip> clips;
    for (const Stretch& stretch : without_overlap(segments, options.max_clip_duration)) {
        if (stretch.padded.length() > 0) add_pieces(stretch, options.max_clip_duration, clips);
    }
    for (const std::size_t place : kept) note(candidates[place], place, clips);
    std::erase_if(clips, [](const PlannedClip& clip) { return clip.appearances.empty(); });
    return clips;
}

int best_clip(std::span<const PlannedClip> clips) {
    const auto best = std::max_element(clips.begin(), clips.end(), [](const auto& a, const auto& b) {
        return a.probability != b.probability ? a.probability < b.probability
                                              : a.span.length() < b.span.length();
    });
    return best == clips.end() ? -1 : static_cast<int>(best - clips.begin());
}

}  // namespace eventlens
