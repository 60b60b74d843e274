#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <random>

#include "eventlens/clips.h"
#include "eventlens/error.h"

namespace eventlens {
namespace {

constexpr double tolerance = 1e-6;  // seconds

std::vector<TimeSpan> spans_of(const std::vector<PlannedClip>& clips) {
    std::vector<TimeSpan> spans;
    for (const PlannedClip& clip : clips) spans.push_back(clip.span);
    return spans;
}

// Seconds of `span` that the clips show.
double covered(TimeSpan span, const std::vector<PlannedClip>& clips) {
    double sum = 0;
    for (const PlannedClip& clip : clips) {
        sum += std::max(0.0, std::min(span.end, clip.span.end) - std::max(span.start, clip.span.start));
    }
    return sum;
}

TimeSpan inside(TimeSpan span, double duration) {
    return {std::min(span.start, duration), std::min(span.end, duration)};
}

// The options' rule for segments, written down a second time and naively: what of the video belongs to
// segments that are long enough.
std::vector<TimeSpan> segments_of(std::vector<ClipCandidate> candidates, double duration,
                                  const ClipOptions& options) {
    std::sort(candidates.begin(), candidates.end(),
              [](const auto& a, const auto& b) { return a.span.start < b.span.start; });
    std::vector<TimeSpan> segments;
    for (const ClipCandidate& candidate : candidates) {
        const TimeSpan span = inside(candidate.span, duration);
        if (candidate.probability < options.min_probability || candidate.span.start >= duration) continue;
        if (!segments.empty() && span.start - segments.back().end <= options.max_gap) {
            segments.back().end = std::max(segments.back().end, span.end);
        } else {
            segments.push_back(span);
        }
    }
    std::erase_if(segments, [&](const TimeSpan& segment) { return segment.length() < options.min_segment; });
    return segments;
}

struct Case {
    std::vector<ClipCandidate> candidates;
    double duration = 0;
    ClipOptions options;
};

// Times are multiples of 1/8 s, so that equal ends, touching spans and gaps of exactly max_gap are common.
Case random_case(std::mt19937& random) {
    const auto eighths = [&](int most) {
        return static_cast<double>(std::uniform_int_distribution<int>(0, most)(random)) / 8;
    };
    Case made;
    made.duration = 1 + eighths(800);
    const int count = std::uniform_int_distribution<int>(0, 12)(random);
    for (int i = 0; i < count; ++i) {
        const double start = eighths(static_cast<int>(made.duration * 8) + 40);  // some lie behind the end
        made.candidates.push_back({{start, start + eighths(80)}, eighths(8)});
    }
    made.options.min_probability = eighths(8);
    made.options.min_segment = eighths(24);
    made.options.max_gap = eighths(32);
    made.options.padding_start = eighths(24);
    made.options.padding_end = eighths(24);
    made.options.max_clip_duration = random() % 2 == 0 ? 0 : 1 + eighths(80);
    return made;
}

template <typename Check>
void for_random_cases(Check check) {
    std::mt19937 random(11);
    for (int i = 0; i < 4000; ++i) {
        check(random_case(random));
        if (::testing::Test::HasFailure()) FAIL() << "case " << i;
    }
}

TEST(PlanClips, AreSortedDisjointInsideTheVideoAndShortEnough) {
    for_random_cases([](const Case& given) {
        double last = 0;
        for (const PlannedClip& clip : plan_clips(given.candidates, given.duration, given.options)) {
            EXPECT_GE(clip.span.start, last);
            EXPECT_GT(clip.span.end, clip.span.start);
            EXPECT_LE(clip.span.end, given.duration);
            if (given.options.max_clip_duration > 0) {
                EXPECT_LE(clip.span.length(), given.options.max_clip_duration + tolerance);
            }
            last = clip.span.end;
        }
    });
}

TEST(PlanClips, CoverEverySegmentLongEnoughAndNoOther) {
    for_random_cases([](const Case& given) {
        const auto clips = plan_clips(given.candidates, given.duration, given.options);
        const auto segments = segments_of(given.candidates, given.duration, given.options);
        for (const ClipCandidate& candidate : given.candidates) {
            const TimeSpan span = inside(candidate.span, given.duration);
            const bool kept = candidate.probability >= given.options.min_probability &&
                              std::any_of(segments.begin(), segments.end(), [&](const TimeSpan& segment) {
                                  return segment.start <= span.start && span.end <= segment.end;
                              });
            if (kept) {
                EXPECT_NEAR(covered(span, clips), span.length(), tolerance);
            }
        }
        // Nothing is shown but segments and their padding.
        for (const PlannedClip& clip : clips) {
            double allowed = 0;
            double last = clip.span.start;
            for (const TimeSpan& segment : segments) {
                const double start = std::max(last, segment.start - given.options.padding_start);
                const double end = std::min(clip.span.end, segment.end + given.options.padding_end);
                allowed += std::max(0.0, end - start);
                last = std::max(last, end);
            }
            EXPECT_NEAR(allowed, clip.span.length(), tolerance);
        }
    });
}

TEST(PlanClips, NameTheAppearancesTheyShowAndTheSurestOfThem) {
    for_random_cases([](const Case& given) {
        for (const PlannedClip& clip : plan_clips(given.candidates, given.duration, given.options)) {
            ASSERT_FALSE(clip.appearances.empty());
            double surest = 0;
            double last = 0;
            for (const int place : clip.appearances) {
                const ClipCandidate& shown = given.candidates.at(static_cast<std::size_t>(place));
                EXPECT_GE(shown.probability, given.options.min_probability);
                EXPECT_LE(shown.span.start, clip.span.end);
                EXPECT_GE(shown.span.end, clip.span.start);
                EXPECT_GE(shown.span.start, last);
                surest = std::max(surest, shown.probability);
                last = shown.span.start;
            }
            EXPECT_EQ(clip.probability, surest);
            const auto shown = std::count_if(
                given.candidates.begin(), given.candidates.end(), [&](const ClipCandidate& candidate) {
                    return candidate.probability >= given.options.min_probability &&
                           candidate.span.start < clip.span.end && candidate.span.end > clip.span.start &&
                           candidate.span.length() > 0;
                });
            EXPECT_GE(static_cast<std::int64_t>(clip.appearances.size()), shown);
        }
    });
}

TEST(PlanClips, DoNotDependOnTheOrderOfTheCandidates) {
    std::mt19937 random(3);
    for_random_cases([&](const Case& given) {
        auto shuffled = given.candidates;
        std::shuffle(shuffled.begin(), shuffled.end(), random);
        const auto one = plan_clips(given.candidates, given.duration, given.options);
        const auto other = plan_clips(shuffled, given.duration, given.options);
        EXPECT_EQ(spans_of(one), spans_of(other));
        for (std::size_t i = 0; i < std::min(one.size(), other.size()); ++i) {
            EXPECT_EQ(one[i].probability, other[i].probability);
        }
    });
}

TEST(PlanClips, MorePaddingNeverLosesASecond) {
    for_random_cases([](const Case& given) {
        ClipOptions options = given.options;
        options.max_clip_duration = 0;
        const auto before = plan_clips(given.candidates, given.duration, options);
        options.padding_start += 0.375;
        options.padding_end += 1.25;
        const auto after = plan_clips(given.candidates, given.duration, options);
        for (const PlannedClip& clip : before) {
            EXPECT_NEAR(covered(clip.span, after), clip.span.length(), tolerance);
        }
    });
}

TEST(PlanClips, PlannedAgainStayAsTheyAre) {
    for_random_cases([](const Case& given) {
        ClipOptions options = given.options;
        options.padding_start = options.padding_end = 0;
        options.max_clip_duration = 0;
        const auto once = plan_clips(given.candidates, given.duration, options);
        std::vector<ClipCandidate> again;
        for (const PlannedClip& clip : once) again.push_back({clip.span, clip.probability});
        EXPECT_EQ(spans_of(plan_clips(again, given.duration, options)), spans_of(once));
    });
}

TEST(PlanClips, TheShortestSegmentIsJudgedMergedAndWithoutPadding) {
    const ClipOptions options{.min_segment = 2, .max_gap = 1, .padding_start = 5, .padding_end = 5};
    const ClipCandidate glimpse{{20, 21}, 0.9};  // padding would make it 11 s
    const ClipCandidate first{{40, 40.75}, 0.9};
    const ClipCandidate second{{41.5, 42.25}, 0.9};  // with the first one 2.25 s
    const auto clips = plan_clips(std::vector{glimpse, first, second}, 100, options);
    EXPECT_EQ(spans_of(clips), (std::vector<TimeSpan>{{35, 47.25}}));
    EXPECT_EQ(clips[0].appearances, (std::vector<int>{1, 2}));
}

TEST(PlanClips, PaddingIsCutAtTheEndsOfTheVideo) {
    const ClipOptions options{.padding_start = 3, .padding_end = 4};
    EXPECT_EQ(spans_of(plan_clips(std::vector<ClipCandidate>{{{1, 9}, 1}}, 10, options)),
              (std::vector<TimeSpan>{{0, 10}}));
}

TEST(PlanClips, NeighboursThatMeetByPaddingBecomeOneClip) {
    const ClipOptions options{.max_gap = 1, .padding_start = 2, .padding_end = 2};
    const std::vector<ClipCandidate> runners{{{10, 12}, 0.6}, {{15, 18}, 0.8}};
    const auto clips = plan_clips(runners, 60, options);
    ASSERT_EQ(spans_of(clips), (std::vector<TimeSpan>{{8, 20}}));
    EXPECT_EQ(clips[0].probability, 0.8);
    EXPECT_EQ(clips[0].appearances, (std::vector<int>{0, 1}));
}

TEST(PlanClips, NeighboursTooLongTogetherMeetBetweenTheirAppearances) {
    const ClipOptions options{.max_gap = 1, .padding_start = 2, .padding_end = 2, .max_clip_duration = 30};
    const std::vector<ClipCandidate> runners{{{0, 10}, 0.6}, {{13, 38}, 0.8}};
    const auto clips = plan_clips(runners, 60, options);
    ASSERT_EQ(spans_of(clips), (std::vector<TimeSpan>{{0, 11.5}, {11.5, 40}}));
    EXPECT_EQ(clips[0].appearances, (std::vector<int>{0}));
    EXPECT_EQ(clips[1].appearances, (std::vector<int>{1}));
}

TEST(PlanClips, AnHourInViewBecomesClipsOneAfterAnother) {
    const auto clips =
        plan_clips(std::vector<ClipCandidate>{{{0, 3600}, 0.9}}, 3600, {.max_clip_duration = 30});
    ASSERT_EQ(clips.size(), 120U);
    for (std::size_t i = 0; i < clips.size(); ++i) {
        EXPECT_NEAR(clips[i].span.start, 30.0 * static_cast<double>(i), tolerance);
        EXPECT_EQ(clips[i].span.end, i + 1 < clips.size() ? clips[i + 1].span.start : 3600);
    }
}

TEST(PlanClips, AClipInWhichNobodyIsSeenIsLeftOut) {
    const ClipOptions options{.max_gap = 30, .max_clip_duration = 5};
    const std::vector<ClipCandidate> seen_twice{{{0, 1}, 0.9}, {{19, 20}, 0.7}};
    EXPECT_EQ(spans_of(plan_clips(seen_twice, 60, options)), (std::vector<TimeSpan>{{0, 5}, {15, 20}}));
}

TEST(PlanClips, AMomentNeedsPaddingToBeSeen) {
    const std::vector<ClipCandidate> moment{{{7, 7}, 0.9}};
    EXPECT_TRUE(plan_clips(moment, 10, {}).empty());
    const auto padded = plan_clips(moment, 10, {.padding_end = 1});
    ASSERT_EQ(spans_of(padded), (std::vector<TimeSpan>{{7, 8}}));
    EXPECT_EQ(padded[0].appearances, (std::vector<int>{0}));
}

TEST(PlanClips, TenThousandTinySegmentsTakeNoTime) {
    std::vector<ClipCandidate> candidates;
    for (int i = 0; i < 10'000; ++i) candidates.push_back({{0.36 * i, 0.36 * i + 0.04}, 0.9});
    std::shuffle(candidates.begin(), candidates.end(), std::mt19937(1));
    const auto begin = std::chrono::steady_clock::now();
    const auto clips = plan_clips(candidates, 3600, {.max_gap = 0.1});
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    EXPECT_EQ(clips.size(), 10'000U);
    EXPECT_LT(took.count(), 1);  // sanitizers included; a quadratic plan takes longer
}

TEST(PlanClips, RefuseWhatIsNoTime) {
    const auto refuses = [](ClipCandidate candidate, double duration, const ClipOptions& options = {}) {
        try {
            plan_clips(std::vector{candidate}, duration, options);
            return false;
        } catch (const Error& error) {
            return error.code() == ErrorCode::bad_input;
        }
    };
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    constexpr double infinite = std::numeric_limits<double>::infinity();
    const ClipCandidate good{{1, 2}, 0.9};
    EXPECT_FALSE(refuses(good, 10));
    for (const double bad : {nan, infinite, -1.0}) {
        EXPECT_TRUE(refuses(good, bad));
        EXPECT_TRUE(refuses({{bad, 2}, 0.9}, 10));
        EXPECT_TRUE(refuses({{1, bad}, 0.9}, 10));
        EXPECT_TRUE(refuses({{1, 2}, bad}, 10));
        EXPECT_TRUE(refuses(good, 10, {.min_probability = bad}));
        EXPECT_TRUE(refuses(good, 10, {.min_segment = bad}));
        EXPECT_TRUE(refuses(good, 10, {.max_gap = bad}));
        EXPECT_TRUE(refuses(good, 10, {.padding_start = bad}));
        EXPECT_TRUE(refuses(good, 10, {.padding_end = bad}));
        EXPECT_TRUE(refuses(good, 10, {.max_clip_duration = bad}));
    }
    EXPECT_TRUE(refuses({{2, 1}, 0.9}, 10));
    EXPECT_TRUE(refuses(good, 10, {.max_clip_duration = 1e-9}));
}

TEST(BestClip, IsTheSurestThenTheLongestThenTheFirst) {
    const std::vector<PlannedClip> clips{
        {{0, 5}, 0.7, {0}}, {{10, 12}, 0.9, {1}}, {{20, 25}, 0.9, {2}}, {{30, 35}, 0.9, {3}}};
    EXPECT_EQ(best_clip(clips), 2);
    EXPECT_EQ(best_clip(std::span(clips).first(2)), 1);
    EXPECT_EQ(best_clip({}), -1);
}

}  // namespace
}  // namespace eventlens
