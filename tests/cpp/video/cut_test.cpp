#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <random>
#include <utility>

#include "clip_files.h"
#include "video_files.h"

namespace eventlens {
namespace {

namespace fs = std::filesystem;

constexpr double millisecond = 0.001;

ErrorCode code_of(const std::function<void()>& call) {
    try {
        call();
    } catch (const Error& error) {
        return error.code();
    }
    ADD_FAILURE() << "nothing was thrown";
    return ErrorCode::internal;
}

int entries_in(const fs::path& folder) {
    return static_cast<int>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

// The frames that a span shows: the one shown at its start, and those that begin before its end.
struct Frames {
    int first;
    int last;
};
Frames frames_of(TimeSpan span, const std::function<double(int)>& time_of, int frames) {
    Frames found{0, 0};
    for (int n = 0; n < frames; ++n) {
        if (time_of(n) <= span.start + millisecond / 2) found.first = n;
        if (time_of(n) < span.end - millisecond / 2) found.last = n;
    }
    return {found.first, std::max(found.first, found.last)};
}

double constant_rate(int frame) {
    return frame / frame_rate;
}

// The clip holds the span's frames and no others, each at its time.
void expect_exact(const Clip& clip, TimeSpan span, int frames,
                  const std::function<double(int)>& time_of = constant_rate) {
    const Frames want = frames_of(span, time_of, frames);
    std::vector<int> numbers(static_cast<std::size_t>(want.last - want.first + 1));
    std::iota(numbers.begin(), numbers.end(), want.first);
    EXPECT_EQ(numbers_in_file(clip.path), numbers);
    EXPECT_EQ(clip.frames, std::ssize(numbers));
    EXPECT_NEAR(clip.shown.start, time_of(want.first), millisecond);

    const std::vector<double> times = frame_times(clip.path);
    ASSERT_EQ(times.size(), numbers.size());
    for (std::size_t i = 0; i < times.size(); ++i) {
        EXPECT_NEAR(times[i], time_of(numbers[i]) - time_of(want.first), 1.5 * millisecond)
            << "frame " << numbers[i];
    }
    EXPECT_TRUE(index_is_first(clip.path));
    EXPECT_EQ(clip.bytes, static_cast<std::int64_t>(fs::file_size(clip.path)));
}

void expect_clicks_in_step(const Clip& clip) {
    constexpr double in_step = 0.040;
    ASSERT_TRUE(clip.audio);
    std::vector<double> expected;
    for (double second = std::ceil(clip.shown.start); second < clip.shown.end - in_step; ++second) {
        if (second - clip.shown.start > 0.003) expected.push_back(second - clip.shown.start);
    }
    std::vector<double> heard = click_times(clip.path);
    // A click right at an edge may be cut into.
    std::erase_if(heard, [&](double at) { return at < 0.003 || at > clip.shown.length() - in_step; });
    ASSERT_EQ(heard.size(), expected.size());
    for (std::size_t i = 0; i < heard.size(); ++i) EXPECT_NEAR(heard[i], expected[i], in_step);
}

// ---------------------------------------------------------------- every codec, every group of pictures

struct SourceKind {
    const char* name;
    const char* file;
    const char* arguments;
    int entry_distance;  // frames from one picture that can be cut at to the next; 0: none
    int gap = 0;         // frames that the first one is shown for longer, as ffmpeg writes this format
};

constexpr const char* x264 = "-c:v libx264 -preset veryfast -pix_fmt yuv420p -c:a aac ";

const SourceKind h264_sources[] = {
    {"Group12", "a.mp4", "-g 12 -sc_threshold 0 -bf 3", 12},
    {"Group60", "a.mp4", "-g 60 -sc_threshold 0 -bf 3", 60},
    {"Group60WithoutB", "a.mp4", "-g 60 -sc_threshold 0 -bf 0", 60},
    {"Group60ManyReferences", "a.mp4",
     "-g 60 -sc_threshold 0 -bf 8 -refs 6 -x264-params b-pyramid=normal:weightp=2", 60},
    {"Group600", "a.mp4", "-g 600 -sc_threshold 0 -bf 3", 600},
    {"OpenGroup30", "a.mp4", "-g 30 -sc_threshold 0 -bf 3 -x264-params open-gop=1", 600},
    {"Baseline", "a.mov", "-g 25 -sc_threshold 0 -profile:v baseline", 25},
    {"Matroska", "a.mkv", "-g 60 -sc_threshold 0 -bf 3", 60},
    {"TransportStream", "a.ts", "-g 60 -sc_threshold 0 -bf 3", 60},
    {"IntraRefresh", "a.mp4", "-g 60 -sc_threshold 0 -x264-params intra-refresh=1", 600},
};

const SourceKind other_sources[] = {
    {"Hevc", "a.mp4",
     "-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=60 -pix_fmt yuv420p -c:a aac", 0},
    {"Vp9", "a.webm", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 60 -pix_fmt yuv420p -c:a libopus",
     0},
    {"Av1", "a.mp4",
     "-c:v libsvtav1 -preset 12 -g 60 -svtav1-params enable-overlays=0 -pix_fmt yuv420p -c:a aac", 0},
    {"Mpeg4", "a.avi", "-c:v mpeg4 -q:v 2 -g 60 -c:a mp3", 0, 1},
    {"Mpeg4Reordered", "a.avi", "-c:v mpeg4 -q:v 2 -g 60 -bf 2 -c:a mp3", 0},
    {"MotionJpeg", "a.mov", "-c:v mjpeg -q:v 3 -pix_fmt yuvj422p -c:a pcm_s16le", 0},
    {"TenBits", "a.mp4", "-c:v libx264 -preset veryfast -pix_fmt yuv420p10le -g 60 -c:a aac", 0},
    {"Interlaced", "a.ts",
     "-c:v mpeg2video -q:v 2 -flags +ildct+ilme -vf setfield=tff -g 12 -pix_fmt yuv420p -c:a mp2", 0},
    {"InterlacedH264", "a.mp4",
     "-c:v libx264 -preset veryfast -x264-params tff=1 -vf setfield=tff -g 60 -pix_fmt yuv420p -c:a aac", 0},
};

class ExactCut : public testing::TestWithParam<SourceKind> {};

void cut_random_spans(const SourceKind& kind, const std::string& arguments, int spans) {
    constexpr int frames = 300;
    const VideoFolder folder;
    make_video(folder / kind.file, clicking_sound(frames / frame_rate) + " " + arguments, frames);
    const auto source = source_of(folder / kind.file);
    const auto time_of = [&](int n) { return n == 0 ? 0 : (n + kind.gap) / frame_rate; };
    std::mt19937 random(7);
    for (int i = 0; i < spans; ++i) {
        const double start = std::uniform_real_distribution(0.0, 7.0)(random);
        const double length = std::uniform_real_distribution(0.2, 2.9)(random);
        const TimeSpan span{start, start + length};
        SCOPED_TRACE(testing::Message() << span.start << " to " << span.end);
        const Clip clip = cut_clip(source, span, folder / "clip.mp4");
        expect_exact(clip, span, frames, time_of);
        expect_clicks_in_step(clip);
        EXPECT_EQ(video_property(clip.path, "codec_name,profile,pix_fmt").substr(0, 5), "h264,");
        EXPECT_EQ(clip.codec, "h264");

        const Frames shown = frames_of(span, time_of, frames);
        bool can_enter = false;
        for (int entry = 0; kind.entry_distance > 0 && entry <= shown.last; entry += kind.entry_distance) {
            can_enter = can_enter || entry >= shown.first;
        }
        EXPECT_EQ(clip.method, can_enter ? CutMethod::smart : CutMethod::encoded) << clip.note;
        EXPECT_EQ(clip.note.empty(), can_enter);
    }
    EXPECT_EQ(entries_in(folder / "."), 3) << "source, its log, clip: nothing else is left";
}

TEST_P(ExactCut, ShowsTheSpanAndNothingElse) {
    cut_random_spans(GetParam(), GetParam().arguments, 2);
}

class ExactCutOfH264 : public ExactCut {};

TEST_P(ExactCutOfH264, ShowsTheSpanAndNothingElse) {
    cut_random_spans(GetParam(), x264 + std::string(GetParam().arguments), 4);
}

std::string kind_name(const testing::TestParamInfo<SourceKind>& info) {
    return info.param.name;
}
INSTANTIATE_TEST_SUITE_P(H264, ExactCutOfH264, testing::ValuesIn(h264_sources), kind_name);
INSTANTIATE_TEST_SUITE_P(Others, ExactCut, testing::ValuesIn(other_sources), kind_name);

// ---------------------------------------------------------------- where spans begin and end

class CutSpan : public testing::Test {
  protected:
    static constexpr int frames = 120;

    void SetUp() override {
        make_video(folder / "a.mp4", clicking_sound(4) + " " + x264 + "-g 30 -sc_threshold 0 -bf 3", frames);
        source = source_of(folder / "a.mp4");
    }

    VideoFolder folder;
    std::shared_ptr<MemorySource> source;
};

TEST_F(CutSpan, AtEveryFrameOfAGroup) {
    for (int first = 27; first <= 34; ++first) {
        for (int count = 31; count <= 36; ++count) {
            const TimeSpan span{first / frame_rate, (first + count) / frame_rate};
            SCOPED_TRACE(testing::Message() << "frames " << first << " to " << first + count - 1);
            const Clip clip = cut_clip(source, span, folder / "clip.mp4");
            std::vector<int> numbers(static_cast<std::size_t>(count));
            std::iota(numbers.begin(), numbers.end(), first);
            ASSERT_EQ(numbers_in_file(clip.path), numbers);
            EXPECT_EQ(clip.method, CutMethod::smart) << clip.note;
        }
    }
}

TEST_F(CutSpan, IsCutToTheVideo) {
    for (const TimeSpan span : {TimeSpan{-5, 1.01}, {3.3, 900}, {0, 4}, {-1, 5}, {3.99, 4.5}, {0, 0.001}}) {
        SCOPED_TRACE(testing::Message() << span.start << " to " << span.end);
        expect_exact(cut_clip(source, span, folder / "clip.mp4"), span, frames);
    }
}

TEST_F(CutSpan, ShorterThanAFrameGivesTheFrameShown) {
    const Clip clip = cut_clip(source, {1.51, 1.511}, folder / "clip.mp4");
    EXPECT_EQ(numbers_in_file(clip.path), std::vector<int>{45});
    EXPECT_NEAR(clip.shown.length(), 1 / frame_rate, millisecond);
}

TEST_F(CutSpan, AtEveryQuality) {
    std::int64_t bytes = std::numeric_limits<std::int64_t>::max();
    for (const int quality : {0, 20, 51}) {
        SCOPED_TRACE(quality);
        for (const bool smart : {true, false}) {
            const CutOptions options{.quality = quality, .allow_smart = smart};
            const Clip clip = cut_clip(source, {0.5, 2.5}, folder / "clip.mp4", options);
            EXPECT_EQ(numbers_in_file(clip.path).size(), 60u);
            if (!smart) {
                EXPECT_LT(clip.bytes, std::exchange(bytes, clip.bytes)) << "worse pictures are smaller";
            }
        }
    }
    EXPECT_EQ(code_of([&] {
                  cut_clip(source, {0, 1}, folder / "clip.mp4", {.quality = 52});
              }),
              ErrorCode::bad_input);
}

TEST_F(CutSpan, NeighboursShareNoFrame) {
    const Clip before = cut_clip(source, {0.5, 1.6}, folder / "before.mp4");
    const Clip behind = cut_clip(source, {1.6, 2.7}, folder / "behind.mp4");
    EXPECT_EQ(numbers_in_file(before.path).back() + 1, numbers_in_file(behind.path).front());
}

TEST_F(CutSpan, OutsideOrEmptyIsRefused) {
    for (const TimeSpan span : {TimeSpan{4.01, 5}, {100, 110}, {-3, 0}, {1, 1}, {2, 1}, {std::nan(""), 1}}) {
        SCOPED_TRACE(testing::Message() << span.start << " to " << span.end);
        for (const CutMode mode : {CutMode::exact, CutMode::copy}) {
            const CutOptions options{.mode = mode};
            EXPECT_EQ(code_of([&] { cut_clip(source, span, folder / "clip.mp4", options); }),
                      ErrorCode::bad_input);
        }
    }
    EXPECT_EQ(entries_in(folder / "."), 2) << "the source and its log";
}

TEST_F(CutSpan, SoundThatLacksIsSilence) {
    make_video(folder / "b.mp4", clicking_sound(2.5) + " " + x264 + "-g 30 -sc_threshold 0", frames);
    const Clip clip = cut_clip(source_of(folder / "b.mp4"), {1.5, 3.5}, folder / "clip.mp4");
    ASSERT_TRUE(clip.audio);
    const std::vector<double> clicks = click_times(clip.path);
    ASSERT_EQ(clicks.size(), 1u);
    EXPECT_NEAR(clicks[0], 0.5, 0.04);
    const Clip silent = cut_clip(source_of(folder / "b.mp4"), {2.8, 3.5}, folder / "silent.mp4");
    EXPECT_FALSE(silent.audio);
}

// ---------------------------------------------------------------- clocks and pictures of all kinds

TEST(CutClip, KeepsVariableFrameRates) {
    constexpr int frames = 200;
    const VideoFolder folder;
    // 20 ms, 60 ms, and a stop of half a second at every fiftieth frame.
    const auto time_of = [](int n) { return 0.040 * n + (n % 2 ? -0.020 : 0) + 0.5 * (n / 50); };
    make_video(
        folder / "a.mp4",
        "-vf \"settb=1/1000,setpts=40*N-20*mod(N\\,2)+500*floor(N/50)\" -vsync passthrough "
        "-enc_time_base 1/1000 -an -c:v libx264 -preset veryfast -pix_fmt yuv420p -g 40 -sc_threshold 0",
        frames);
    for (const TimeSpan span : {TimeSpan{0.5, 3.1}, {1.7, 2.3}, {2.2, 6.05}, {8.3, 9.4}}) {
        SCOPED_TRACE(testing::Message() << span.start << " to " << span.end);
        const Clip clip = cut_clip(source_of(folder / "a.mp4"), span, folder / "clip.mp4");
        expect_exact(clip, span, frames, time_of);
        EXPECT_FALSE(clip.audio);
    }
}

TEST(CutClip, CountsFromTheFirstFrameWhateverTheFilesClock) {
    constexpr int frames = 150;
    const VideoFolder folder;
    for (const char* file : {"a.mkv", "a.ts", "a.mp4"}) {
        SCOPED_TRACE(file);
        make_video(
            folder / file,
            clicking_sound(5) + " " + x264 + "-g 30 -sc_threshold 0 -output_ts_offset 1000 -muxdelay 0",
            frames);
        const TimeSpan span{1.52, 3.3};
        const Clip clip = cut_clip(source_of(folder / file), span, folder / "clip.mp4");
        expect_exact(clip, span, frames);
        expect_clicks_in_step(clip);
        EXPECT_EQ(clip.method, CutMethod::smart) << clip.note;
    }
}

TEST(CutClip, CountsFromTheFirstFrameThatAnEditListShows) {
    constexpr int frames = 150;
    const VideoFolder folder;
    make_video(folder / "whole.mp4", clicking_sound(5) + " " + x264 + "-g 30 -sc_threshold 0 -bf 3", frames);
    // Copied from frame 40 on: the file begins at frame 30, and its edit list hides ten frames.
    run_ffmpeg("-ss 1.333 -i '" + (folder / "whole.mp4").string() + "' -c copy '" +
               (folder / "a.mp4").string() + "'");
    for (const TimeSpan span : {TimeSpan{0, 1.2}, {0.3, 2.05}}) {
        SCOPED_TRACE(testing::Message() << span.start << " to " << span.end);
        const Clip clip = cut_clip(source_of(folder / "a.mp4"), span, folder / "clip.mp4");
        const std::vector<int> numbers = numbers_in_file(clip.path);
        ASSERT_FALSE(numbers.empty());
        EXPECT_EQ(numbers.front(), 40 + static_cast<int>(span.start * frame_rate));
        EXPECT_EQ(std::ssize(numbers), std::lround(std::ceil(span.length() * frame_rate)));
        EXPECT_TRUE(std::ranges::is_sorted(numbers));
    }
}

TEST(CutClip, KeepsRotationShapeAndColours) {
    const VideoFolder folder;
    make_video(
        folder / "flat.mp4",
        std::string("-an ") + x264 +
            "-g 30 -sc_threshold 0 -vf setsar=4/3 -color_primaries bt709 -color_trc bt709 -colorspace bt709",
        90);
    run_ffmpeg("-i '" + (folder / "flat.mp4").string() + "' -c copy -metadata:s:v rotate=90 '" +
               (folder / "a.mp4").string() + "'");
    const auto source = source_of(folder / "a.mp4");
    const VideoInfo info = VideoReader::open(source).info();
    ASSERT_NE(info.rotation, 0);
    for (const CutOptions& options :
         {CutOptions{}, CutOptions{.allow_smart = false}, CutOptions{.mode = CutMode::copy}}) {
        const Clip clip = cut_clip(source, {0.5, 2.5}, folder / "clip.mp4", options);
        const VideoInfo cut = VideoReader::open(source_of(clip.path)).info();
        EXPECT_EQ(cut.rotation, info.rotation);
        EXPECT_EQ(cut.size, info.size);
        EXPECT_EQ(clip.size, info.size);
        EXPECT_EQ(video_property(clip.path, "sample_aspect_ratio,color_space,color_transfer,color_primaries"),
                  "4:3,bt709,bt709,bt709");
    }
}

TEST(CutClip, EncodesWhenParametersChangeMidway) {
    const VideoFolder folder;
    make_video(folder / "1.ts", std::string("-an ") + x264 + "-g 20 -sc_threshold 0 -bf 0", 60);
    make_video(folder / "2.ts",
               std::string("-an ") + x264 + "-g 20 -sc_threshold 0 -refs 5 -bf 0 -output_ts_offset 2", 60,
               60);
    run_ffmpeg("-i 'concat:" + (folder / "1.ts").string() + "|" + (folder / "2.ts").string() +
               "' -c copy -copyts '" + (folder / "a.ts").string() + "'");
    const TimeSpan span{1.01, 3.4};
    const Clip clip = cut_clip(source_of(folder / "a.ts"), span, folder / "clip.mp4");
    expect_exact(clip, span, 120);
    EXPECT_EQ(clip.method, CutMethod::encoded);
    EXPECT_NE(clip.note.find("parameter sets change"), std::string::npos) << clip.note;
}

TEST(CutClip, EncodesWhereTheSourceIsDamaged) {
    const VideoFolder folder;
    make_video(folder / "a.mp4", std::string("-an ") + x264 + "-g 30 -sc_threshold 0 -bf 0", 120);
    std::vector<std::byte> bytes = bytes_of(folder / "a.mp4");
    // The middle of the pictures, which are the bulk of the file.
    for (std::size_t i = bytes.size() / 2; i < bytes.size() / 2 + 600; ++i) bytes[i] = std::byte{0x55};
    const Clip clip = cut_clip(std::make_shared<MemorySource>(bytes), {0.5, 3.5}, folder / "clip.mp4");
    EXPECT_EQ(clip.method, CutMethod::encoded);
    EXPECT_FALSE(clip.note.empty());
    const std::vector<int> numbers = numbers_in_file(clip.path);
    ASSERT_FALSE(numbers.empty());
    EXPECT_EQ(numbers.front(), 15);
    EXPECT_EQ(numbers.back(), 104);
}

// ---------------------------------------------------------------- copying

TEST(CopiedCut, StartsAtTheKeyframeBeforeAndSaysSo) {
    constexpr int frames = 150;
    const VideoFolder folder;
    make_video(folder / "a.mp4", clicking_sound(5) + " " + x264 + "-g 30 -sc_threshold 0 -bf 3", frames);
    const Clip clip =
        cut_clip(source_of(folder / "a.mp4"), {1.5, 3.3}, folder / "clip.mp4", {.mode = CutMode::copy});
    EXPECT_EQ(clip.method, CutMethod::copied);
    EXPECT_NEAR(clip.shown.start, 1.0, millisecond);
    EXPECT_NE(clip.note.find("0.50 s before"), std::string::npos) << clip.note;
    const std::vector<int> numbers = numbers_in_file(clip.path);
    ASSERT_EQ(std::ssize(numbers), clip.frames);
    EXPECT_EQ(numbers.front(), 30);
    EXPECT_NEAR(clip.shown.end, (numbers.back() + 1) / frame_rate, millisecond);
    EXPECT_GE(numbers.back(), 98);
    EXPECT_LE(numbers.back(), 98 + 4) << "frames that those of the span need, and no more";
    const std::vector<double> times = frame_times(clip.path);
    EXPECT_EQ(times.size(), numbers.size()) << "no edit list hides frames";
    EXPECT_NEAR(times.front(), 0, millisecond);
    expect_clicks_in_step(clip);
}

TEST(CopiedCut, LeavesOutFramesThatCannotBeDecoded) {
    const VideoFolder folder;
    make_video(folder / "a.mp4",
               std::string("-an ") + x264 + "-g 30 -sc_threshold 0 -bf 3 -x264-params open-gop=1", 150);
    const Clip clip =
        cut_clip(source_of(folder / "a.mp4"), {2.0, 3.3}, folder / "clip.mp4", {.mode = CutMode::copy});
    const std::vector<int> numbers = numbers_in_file(clip.path);
    ASSERT_EQ(std::ssize(numbers), clip.frames);
    EXPECT_EQ(std::ranges::count(numbers, -1), 0);
    EXPECT_NEAR(clip.shown.start, numbers.front() / frame_rate, millisecond);
}

TEST(CopiedCut, TakesWhatFitsIntoAnMp4AndWarnsOfIt) {
    const VideoFolder folder;
    for (const SourceKind& kind : other_sources) {
        const std::string name = kind.name;
        if (name != "Hevc" && name != "Vp9" && name != "MotionJpeg") continue;
        SCOPED_TRACE(name);
        make_video(folder / kind.file, clicking_sound(3) + " " + kind.arguments, 90);
        const Clip clip =
            cut_clip(source_of(folder / kind.file), {1.0, 2.0}, folder / "clip.mp4", {.mode = CutMode::copy});
        EXPECT_EQ(std::ssize(numbers_in_file(clip.path)), clip.frames);
        EXPECT_NE(clip.note.find("every browser"), std::string::npos) << clip.note;
        EXPECT_TRUE(clip.audio);
    }
    make_video(folder / "a.webm", "-an -c:v libvpx -deadline realtime -cpu-used 8", 30);
    EXPECT_EQ(code_of([&] {
                  cut_clip(source_of(folder / "a.webm"), {0, 1}, folder / "b.mp4", {.mode = CutMode::copy});
              }),
              ErrorCode::unsupported);
}

// ---------------------------------------------------------------- how much is read

TEST(CutClip, ReadsLittleOfALongVideo) {
    const VideoFolder folder;
    // Noise, so that a second is worth bytes.
    const std::string whole = (folder / "a.mp4").string();
    run_ffmpeg(
        "-f lavfi -i \"testsrc2=s=320x180:r=5:d=600,noise=alls=60\" -an -c:v libx264 -preset ultrafast "
        "-b:v 400k -g 10 -pix_fmt yuv420p '" +
        whole + "'");
    for (const char* file : {"a.mp4", "a.mkv", "a.ts"}) {
        SCOPED_TRACE(file);
        if (folder / file != whole)
            run_ffmpeg("-i '" + whole + "' -c copy '" + (folder / file).string() + "'");
        const auto source = source_of(folder / file);
        const Clip clip = cut_clip(source, {400.5, 405.5}, folder / "clip.mp4");
        EXPECT_EQ(clip.frames, 26) << "the one shown at the start, and 25";
        EXPECT_LT(source->bytes_read, 6 * 1024 * 1024) << "of " << source->size();
        EXPECT_GT(source->size(), 20 * 1024 * 1024);
    }
}

// ---------------------------------------------------------------- what can go wrong

class FailingCut : public CutSpan {
  protected:
    void expect_nothing_left(const fs::path& where) const {
        for (const auto& entry : fs::directory_iterator(where)) {
            const std::string name = entry.path().filename().string();
            EXPECT_TRUE(name == "a.mp4" || name == "a.mp4.log" || name == "kept.mp4") << name << " is left";
        }
    }
};

TEST_F(FailingCut, LeavesNoFileWhenCancelled) {
    struct Cancelled {};
    for (const double at : {0.0, 0.6, 1.0}) {  // while writing, before checking, before the file appears
        const CutOptions options{.allow_smart = false, .progress = [at](double part) {
                                     if (part >= at) throw Cancelled();
                                 }};
        EXPECT_THROW(cut_clip(source, {0.5, 3.5}, folder / "clip.mp4", options), Cancelled);
        expect_nothing_left(folder / ".");
    }
}

TEST_F(FailingCut, TellsProgressThatOnlyGrows) {
    std::vector<double> told;
    const CutOptions options{.allow_smart = false, .progress = [&](double part) { told.push_back(part); }};
    cut_clip(source, {0.5, 3.5}, folder / "clip.mp4", options);
    ASSERT_FALSE(told.empty());
    EXPECT_TRUE(std::ranges::is_sorted(told));
    EXPECT_GE(told.front(), 0);
    EXPECT_EQ(told.back(), 1);
}

TEST_F(FailingCut, RefusesPathsThatCannotBeWritten) {
    fs::create_directory(folder / "kept.mp4");
    for (const char* path : {"none/clip.mp4", "a.mp4/clip.mp4", "kept.mp4", "kept.mp4/"}) {
        EXPECT_EQ(code_of([&] { cut_clip(source, {1, 2}, folder / path); }), ErrorCode::bad_input) << path;
    }
    expect_nothing_left(folder / ".");
}

// The limit on the size of files stands for a full disk: both refuse to write on.
TEST_F(FailingCut, LeavesTheOldFileWhenTheDiskIsFull) {
    std::signal(SIGXFSZ, SIG_IGN);
    cut_clip(source, {0, 1}, folder / "kept.mp4");
    const auto size_before = fs::file_size(folder / "kept.mp4");
    rlimit before{};
    ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
    for (const rlim_t limit : {0u, 3000u, 15000u}) {
        const rlimit small{limit, before.rlim_max};
        ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
        const ErrorCode code = code_of([&] { cut_clip(source, {0.5, 3.9}, folder / "kept.mp4"); });
        ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
        EXPECT_EQ(code, ErrorCode::overloaded) << limit;
        EXPECT_EQ(fs::file_size(folder / "kept.mp4"), size_before);
        expect_nothing_left(folder / ".");
    }
}

TEST_F(FailingCut, PassesOnWhatTheSourceThrows) {
    source->fails_from = source->size() / 2;
    EXPECT_EQ(code_of([&] { cut_clip(source, {0.5, 3.9}, folder / "clip.mp4"); }), ErrorCode::overloaded);
    expect_nothing_left(folder / ".");
}

TEST_F(FailingCut, WritesWithTheUsualPermissions) {
    const Clip clip = cut_clip(source, {1, 2}, folder / "clip.mp4");
    struct stat status {};
    ASSERT_EQ(stat(clip.path.c_str(), &status), 0);
    const mode_t mask = umask(0);
    umask(mask);
    EXPECT_EQ(status.st_mode & 0777, 0666 & ~mask);
}

}  // namespace
}  // namespace eventlens
