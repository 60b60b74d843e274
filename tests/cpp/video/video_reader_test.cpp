#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <numeric>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "eventlens/error.h"
#include "eventlens/video.h"
#include "video_files.h"

namespace eventlens {
namespace {

namespace fs = std::filesystem;
using Source = std::shared_ptr<const ByteSource>;

struct Seen {
    double time = 0;
    double duration = 0;
    int number = 0;
    bool operator==(const Seen&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Seen& seen) {
    return out << seen.number << " at " << seen.time << " for " << seen.duration;
}

void append_frames(VideoReader& reader, const FrameGroup& group, double fps, std::vector<Seen>& seen) {
    reader.frames(group, fps, [&](VideoFrame&& frame) {
        seen.push_back({frame.time, frame.duration, number_in(frame.image)});
    });
}

std::vector<Seen> all_frames(VideoReader& reader, double fps = 0) {
    std::vector<Seen> seen;
    while (const auto group = reader.next_group()) append_frames(reader, *group, fps, seen);
    return seen;
}

std::vector<int> numbers_of(const std::vector<Seen>& seen) {
    std::vector<int> numbers;
    for (const Seen& frame : seen) numbers.push_back(frame.number);
    return numbers;
}

std::vector<int> counting(int count, int first = 0) {
    std::vector<int> numbers(static_cast<std::size_t>(count));
    std::iota(numbers.begin(), numbers.end(), first);
    return numbers;
}

// Frame n of those that make_video() writes is shown n / 30 s after the first.
void expect_right_times(const std::vector<Seen>& seen, int first = 0) {
    for (const Seen& frame : seen) {
        EXPECT_NEAR(frame.time, (frame.number - first) / frame_rate, 0.0011) << "frame " << frame.number;
        EXPECT_NEAR(frame.duration, 1 / frame_rate, 0.0021) << "frame " << frame.number;
    }
}

ErrorCode code_of_opening(const Source& source, std::string* message = nullptr,
                          const VideoOptions& options = {}) {
    try {
        VideoReader::open(source, options);
    } catch (const Error& error) {
        if (message) *message = error.what();
        return error.code();
    }
    ADD_FAILURE() << "it was opened";
    return ErrorCode::internal;
}

class VideoReaderTest : public ::testing::Test {
  protected:
    Source made(const std::string& name, const std::string& arguments, int frames) const {
        make_video(folder_ / name, arguments, frames);
        return source_of(folder_ / name);
    }

    VideoFolder folder_;
};

// --- every kind of file: each frame once, in order, at its time, wherever reading begins
// ------------------------------

struct Kind {
    std::string name;
    std::string file;
    std::string arguments;
    int frames = 100;
    std::string container;
    std::string codec;
};

class EveryKind : public ::testing::TestWithParam<Kind> {
  protected:
    VideoFolder folder_;
};

TEST_P(EveryKind, GivesEachFrameOnceInOrderAtItsTime) {
    const Kind& kind = GetParam();
    make_video(folder_ / kind.file, kind.arguments, kind.frames);
    const auto source = source_of(folder_ / kind.file);
    VideoReader reader = VideoReader::open(source);
    EXPECT_EQ(reader.info().container, kind.container);
    EXPECT_EQ(reader.info().codec, kind.codec);
    EXPECT_EQ(reader.info().size, (Size{frame_width, frame_height}));
    EXPECT_NEAR(reader.info().duration, kind.frames / frame_rate, 0.05);
    const std::vector<Seen> seen = all_frames(reader);
    EXPECT_EQ(numbers_of(seen), counting(kind.frames));
    expect_right_times(seen);
    EXPECT_EQ(reader.damaged_frames(), 0);

    // Sampled at 4 a second: evenly, and the same frames from whatever group reading begins at.
    VideoReader sampling = VideoReader::open(source);
    std::vector<FrameGroup> groups;
    std::vector<Seen> sampled;
    while (auto group = sampling.next_group()) {
        EXPECT_DOUBLE_EQ(group->span.start, groups.empty() ? 0 : groups.back().span.end);
        append_frames(sampling, *group, 4, sampled);
        groups.push_back(*std::move(group));
    }
    EXPECT_NEAR(static_cast<double>(sampled.size()), kind.frames / frame_rate * 4, 1);
    for (std::size_t i = 1; i < sampled.size(); ++i) {
        EXPECT_GT(sampled[i].time - sampled[i - 1].time, 0.12);
        EXPECT_LT(sampled[i].time - sampled[i - 1].time, 0.38);
    }
    for (std::size_t i = 0; i < groups.size(); i += 1 + groups.size() / 5) {
        if (!groups[i].starts_at_keyframe) continue;
        const double start = groups[i].span.start;
        VideoReader resumed = VideoReader::open(source);
        resumed.seek(start);
        const auto group = resumed.next_group();
        ASSERT_TRUE(group) << "at " << start;
        EXPECT_EQ(group->span, groups[i].span);
        const auto key = resumed.keyframe(*group);
        ASSERT_TRUE(key);
        EXPECT_NEAR(key->time, number_in(key->image) / frame_rate, 0.0011);
        for (const double fps : {0.0, 4.0}) {
            resumed.seek(start + 0.01);
            std::vector<Seen> expected = fps == 0 ? seen : sampled;
            std::erase_if(expected, [&](const Seen& frame) { return frame.time < start; });
            EXPECT_EQ(all_frames(resumed, fps), expected) << "from " << start << " at " << fps;
        }
    }

    for (const int number : {0, kind.frames / 2, kind.frames - 1})
        EXPECT_EQ(number_in(read_frame(source, number / frame_rate + 0.01).image), number);
}

std::string x264(const std::string& parameters) {
    return "-c:v libx264 -preset veryfast -pix_fmt yuv420p -x264-params scenecut=0:" + parameters;
}
std::string x265(const std::string& parameters) {
    return "-c:v libx265 -preset ultrafast -pix_fmt yuv420p -x265-params log-level=none:scenecut=0:pools=1:" +
           parameters;
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, EveryKind,
    ::testing::Values(
        Kind{"H264Gop12", "a.mp4", x264("keyint=12:bframes=3"), 100, "mov", "h264"},
        Kind{"H264Gop60", "a.mov", x264("keyint=60:bframes=3:b-pyramid=2"), 200, "mov", "h264"},
        Kind{"H264Gop600", "a.mkv", x264("keyint=600:min-keyint=600:bframes=3"), 650, "matroska", "h264"},
        Kind{"H264NoBFrames", "a.mp4", x264("keyint=30:bframes=0"), 100, "mov", "h264"},
        Kind{"H264OpenMp4", "a.mp4", x264("keyint=15:bframes=3:open-gop=1"), 100, "mov", "h264"},
        Kind{"H264OpenMkv", "a.mkv", x264("keyint=15:bframes=3:open-gop=1"), 100, "matroska", "h264"},
        Kind{"H264OpenTs", "a.ts", x264("keyint=15:bframes=3:open-gop=1"), 100, "mpegts", "h264"},
        Kind{"H264Ts", "a.ts", x264("keyint=25:bframes=2"), 100, "mpegts", "h264"},
        Kind{"H264Flv", "a.flv", x264("keyint=25:bframes=2"), 100, "flv", "h264"},
        Kind{"H264Avi", "a.avi", x264("keyint=25:bframes=2"), 100, "avi", "h264"},
        Kind{"H264AllKeys", "a.mp4", x264("keyint=1"), 100, "mov", "h264"},
        Kind{"H264Interlaced", "a.mp4", x264("keyint=25:bframes=2:tff=1"), 100, "mov", "h264"},
        Kind{"H264TenBit", "a.mkv", "-c:v libx264 -preset veryfast -g 25 -pix_fmt yuv420p10le", 100,
             "matroska", "h264"},
        Kind{"H264Fragmented", "a.mp4", x264("keyint=25:bframes=2") + " -movflags frag_keyframe+empty_moov",
             100, "mov", "h264"},
        Kind{"H264LateStart", "a.ts", x264("keyint=25:bframes=2") + " -output_ts_offset 5000", 100, "mpegts",
             "h264"},
        Kind{"H264LateStartMkv", "a.mkv", x264("keyint=25:bframes=2") + " -output_ts_offset 3", 100,
             "matroska", "h264"},
        Kind{"HevcOpenMp4", "a.mp4", x265("keyint=15:bframes=3:open-gop=1"), 100, "mov", "hevc"},
        Kind{"HevcOpenTs", "a.ts", x265("keyint=15:bframes=3:open-gop=1"), 100, "mpegts", "hevc"},
        Kind{"HevcOpenMkv", "a.mkv", x265("keyint=15:bframes=3:open-gop=1"), 100, "matroska", "hevc"},
        Kind{"HevcClosed", "a.mp4", x265("keyint=25:bframes=3:open-gop=0"), 100, "mov", "hevc"},
        Kind{"Vp9", "a.webm", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 25 -pix_fmt yuv420p", 60,
             "matroska", "vp9"},
        Kind{"Av1", "a.mp4", "-c:v libsvtav1 -preset 12 -g 25 -pix_fmt yuv420p", 60, "mov", "av1"},
        Kind{"Mpeg4Avi", "a.avi", "-c:v mpeg4 -q:v 3 -bf 2 -g 20 -pix_fmt yuv420p", 100, "avi", "mpeg4"},
        Kind{"Mpeg4Mp4", "a.mp4", "-c:v mpeg4 -q:v 3 -bf 2 -g 20 -pix_fmt yuv420p", 100, "mov", "mpeg4"},
        Kind{"Mpeg2Ts", "a.ts", "-c:v mpeg2video -q:v 3 -bf 2 -g 15 -pix_fmt yuv420p", 100, "mpegts",
             "mpeg2video"},
        Kind{"MjpegAvi", "a.avi", "-c:v mjpeg -q:v 3 -pix_fmt yuvj420p", 100, "avi", "mjpeg"},
        Kind{"MjpegMov", "a.mov", "-c:v mjpeg -q:v 3 -pix_fmt yuvj422p", 100, "mov", "mjpeg"},
        Kind{"ProRes", "a.mov", "-c:v prores -pix_fmt yuv422p10le", 60, "mov", "prores"}),
    [](const auto& kind) { return kind.param.name; });

// --- times
// ------------------------------------------------------------------------------------------------------------

TEST_F(VideoReaderTest, KeepsTheTimesOfAVariableFrameRate) {
    // Every third frame is missing, and then all for two seconds.
    const Source source = made(
        "a.mp4", "-vf \"select='mod(n,3)*not(between(n,30,90))'\" -vsync vfr " + x264("keyint=20:bframes=2"),
        150);
    VideoReader reader = VideoReader::open(source);
    const std::vector<Seen> seen = all_frames(reader);
    std::vector<int> expected;
    for (int n = 0; n < 150; ++n) {
        if (n % 3 != 0 && (n < 30 || n > 90)) expected.push_back(n);
    }
    EXPECT_EQ(numbers_of(seen), expected);
    for (const Seen& frame : seen) EXPECT_NEAR(frame.time, (frame.number - 1) / frame_rate, 0.001);
    EXPECT_NEAR(seen[19].duration, (91 - 29) / frame_rate, 0.001);
    EXPECT_EQ(number_in(read_frame(source, 2).image), 29);  // in the gap
}

TEST_F(VideoReaderTest, AnEditListSaysWhatTheFirstFrameIs) {
    make_video(folder_ / "whole.mp4", x264("keyint=60:bframes=3"), 150);
    run_ffmpeg("-ss 1.2333 -i " + (folder_ / "whole.mp4").string() + " -c copy " +
               (folder_ / "cut.mp4").string());
    VideoReader reader = VideoReader::open(source_of(folder_ / "cut.mp4"));
    const auto group = reader.next_group();
    ASSERT_TRUE(group);
    EXPECT_EQ(group->span.start, 0);
    const auto key = reader.keyframe(*group);
    ASSERT_TRUE(key);
    EXPECT_EQ(number_in(key->image), 37);  // not the hidden keyframe before
    std::vector<Seen> seen;
    append_frames(reader, *group, 0, seen);
    const std::vector<Seen> rest = all_frames(reader);
    seen.insert(seen.end(), rest.begin(), rest.end());
    EXPECT_EQ(numbers_of(seen), counting(113, 37));
    expect_right_times(seen, 37);
    EXPECT_NEAR(reader.info().duration, 113 / frame_rate, 0.02);
}

TEST_F(VideoReaderTest, TimesThatJumpBackGoOn) {
    make_video(folder_ / "a.ts", x264("keyint=25:bframes=2") + " -output_ts_offset 500", 100);
    make_video(folder_ / "b.ts", x264("keyint=25:bframes=2"), 100, 1000);
    std::vector<std::byte> joined = bytes_of(folder_ / "a.ts");
    const std::vector<std::byte> second = bytes_of(folder_ / "b.ts");
    joined.insert(joined.end(), second.begin(), second.end());
    VideoReader reader = VideoReader::open(std::make_shared<MemorySource>(joined));
    const std::vector<Seen> seen = all_frames(reader);
    // At the seam the counter of the packets jumps, which marks the last packet before it as damaged.
    EXPECT_GT(reader.damaged_frames(), 0);
    EXPECT_LE(reader.damaged_frames(), 3);
    const auto kept = static_cast<int>(100 - reader.damaged_frames());
    std::vector<int> expected = counting(kept);
    for (const int n : counting(100, 1000)) expected.push_back(n);
    EXPECT_EQ(numbers_of(seen), expected);
    for (std::size_t i = 1; i < seen.size(); ++i) EXPECT_GT(seen[i].time, seen[i - 1].time);
    EXPECT_NEAR(seen.back().time, 199 / frame_rate, 0.2);
}

TEST_F(VideoReaderTest, TheClockOfATransportStreamWraps) {
    // 33 bits of 90 kHz end at 95,443.7 s.
    const Source source = made("a.ts", x264("keyint=25:bframes=2") + " -output_ts_offset 95440", 100);
    VideoReader reader = VideoReader::open(source);
    const std::vector<Seen> seen = all_frames(reader);
    EXPECT_EQ(numbers_of(seen), counting(100));
    expect_right_times(seen);
}

TEST_F(VideoReaderTest, MeasuresADurationThatTheFileDoesNotSay) {
    make_video(folder_ / "a.mkv", x264("keyint=25:bframes=2") + " -f matroska -live 1", 100);
    VideoReader reader = VideoReader::open(source_of(folder_ / "a.mkv"));
    EXPECT_NEAR(reader.info().duration, 100 / frame_rate, 0.05);
    reader.seek(2);
    EXPECT_EQ(all_frames(reader).front().number, 50);
}

TEST_F(VideoReaderTest, AHeaderThatSaysNoFrameRateIsEnough) {
    make_video(folder_ / "a.avi", "-c:v mjpeg -q:v 3 -pix_fmt yuvj420p", 20);
    std::vector<std::byte> bytes = bytes_of(folder_ / "a.avi");
    const std::string name = "strh";
    const auto header = std::search(bytes.begin(), bytes.end(), name.begin(), name.end(),
                                    [](std::byte b, char c) { return static_cast<char>(b) == c; });
    ASSERT_NE(header, bytes.end());
    std::fill_n(header + 8 + 24, 4, std::byte{});  // dwRate
    VideoReader reader = VideoReader::open(std::make_shared<MemorySource>(bytes));
    const std::vector<Seen> seen = all_frames(reader);
    EXPECT_EQ(numbers_of(seen), counting(20));
    for (std::size_t i = 1; i < seen.size(); ++i) EXPECT_GT(seen[i].time, seen[i - 1].time);
}

TEST_F(VideoReaderTest, OneFrameIsAVideo) {
    const Source source = made("a.mp4", x264("keyint=25"), 1);
    VideoReader reader = VideoReader::open(source);
    const std::vector<Seen> seen = all_frames(reader, 4);
    ASSERT_EQ(seen.size(), 1u);
    EXPECT_EQ(seen[0].time, 0);
    EXPECT_NEAR(seen[0].duration, 1 / frame_rate, 0.001);
    EXPECT_EQ(number_in(read_frame(source, 0).image), 0);
}

// --- groups
// -----------------------------------------------------------------------------------------------------------

TEST_F(VideoReaderTest, ALongGroupComesInParts) {
    const Source source = made("a.mp4", x264("keyint=600:min-keyint=600:bframes=3"), 300);
    VideoOptions options;
    options.longest_group = 2;
    VideoReader reader = VideoReader::open(source, options);
    std::vector<bool> starts;
    std::vector<Seen> seen;
    double end = 0;
    while (const auto group = reader.next_group()) {
        starts.push_back(group->starts_at_keyframe);
        EXPECT_LE(group->span.length(), 2.3);
        EXPECT_DOUBLE_EQ(group->span.start, end);
        end = group->span.end;
        EXPECT_EQ(reader.keyframe(*group).has_value(), group->starts_at_keyframe);
        append_frames(reader, *group, 0, seen);
    }
    EXPECT_EQ(std::count(starts.begin(), starts.end(), true), 1);
    EXPECT_GE(starts.size(), 4u);
    EXPECT_EQ(numbers_of(seen), counting(300));
    expect_right_times(seen);

    options.longest_group = 1e9;
    options.max_group_bytes = 20'000;
    VideoReader by_bytes = VideoReader::open(source, options);
    std::size_t parts = 0;
    while (by_bytes.next_group()) ++parts;
    EXPECT_GE(parts, 2u);
}

TEST_F(VideoReaderTest, DecodingStartsAfreshAfterGroupsThatWereLeftOut) {
    for (const char* open_gop : {"open-gop=0", "open-gop=1"}) {
        const Source source = made("a.mp4", x264("keyint=15:bframes=3:") + open_gop, 100);
        VideoReader reader = VideoReader::open(source);
        for (int i = 0; const auto group = reader.next_group(); ++i) {
            if (i % 2 == 0) continue;
            std::vector<Seen> seen;
            append_frames(reader, *group, 0, seen);
            const auto first = static_cast<int>(std::lround(group->span.start * frame_rate));
            const auto count = static_cast<int>(std::lround(group->span.length() * frame_rate));
            EXPECT_EQ(numbers_of(seen), counting(count, first)) << open_gop;
        }
        EXPECT_EQ(reader.damaged_frames(), 0);
    }
}

TEST_F(VideoReaderTest, WhatTheReceiverThrowsLeavesAndReadingGoesOn) {
    VideoReader reader = VideoReader::open(made("a.mp4", x264("keyint=25:bframes=2"), 75));
    const auto group = reader.next_group();
    EXPECT_THROW(reader.frames(*group, 0, [](VideoFrame&&) { throw std::runtime_error("enough"); }),
                 std::runtime_error);
    EXPECT_EQ(numbers_of(all_frames(reader)), counting(50, 25));
}

// --- pictures
// ---------------------------------------------------------------------------------------------------------

TEST_F(VideoReaderTest, TurnsPicturesUpright) {
    // Stored turned by `transpose`. The command line takes the tag counter-clockwise, as its own autorotation
    // and ffprobe show.
    for (const auto& [filter, degrees] :
         {std::pair{"transpose=2", 90}, {"hflip,vflip", 180}, {"transpose=1", 270}}) {
        make_video(folder_ / "stored.mp4", "-vf " + std::string(filter) + " " + x264("keyint=25"), 10);
        run_ffmpeg("-i " + (folder_ / "stored.mp4").string() + " -c copy -metadata:s:v rotate=" +
                   std::to_string(360 - degrees) + " " + (folder_ / "a.mp4").string());
        const Source source = source_of(folder_ / "a.mp4");
        VideoReader reader = VideoReader::open(source);
        EXPECT_EQ(reader.info().rotation, degrees);
        EXPECT_EQ(reader.info().size, (Size{frame_width, frame_height}));
        EXPECT_EQ(numbers_of(all_frames(reader)), counting(10)) << degrees;
    }
}

TEST_F(VideoReaderTest, MakesPixelsSquareAndShrinks) {
    const Source source = made("a.mp4", "-vf setsar=4/3 " + x264("keyint=25"), 5);
    VideoOptions options;
    options.max_long_side = 100;
    VideoReader reader = VideoReader::open(source, options);
    EXPECT_EQ(reader.info().size, (Size{213, 120}));
    const auto frame = reader.keyframe(*reader.next_group());
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->image.size(), (Size{100, 56}));
    EXPECT_EQ(number_in(frame->image), 0);
    EXPECT_EQ(read_frame(source, 0, 50).image.size(), (Size{50, 28}));
    EXPECT_EQ(read_frame(source, 0).image.size(), (Size{213, 120}));
}

TEST_F(VideoReaderTest, ColoursAreThoseThatWereFilmed) {
    for (const std::string matrix : {"bt709", "bt601", "bt2020"}) {
        for (const std::string range : {"tv", "pc"}) {
            for (const std::string format : {"yuv420p", "yuv422p10le", "yuv444p"}) {
                const std::string tag = matrix == "bt601"    ? "smpte170m"
                                        : matrix == "bt2020" ? "bt2020nc"
                                                             : matrix;
                run_ffmpeg(
                    "-f lavfi -i color=0xC83C1E:size=64x64:rate=10:duration=0.3,format=rgb24 -vf "
                    "scale=out_color_matrix=" +
                    matrix + ":out_range=" + range + ",format=" + format +
                    " -c:v libx264 -qp 4 -colorspace " + tag + " -color_range " + range + " " +
                    (folder_ / "a.mp4").string());
                const Image image = read_frame(source_of(folder_ / "a.mp4"), 0).image;
                const auto middle = image.pixels().subspan((32 * 64 + 32) * 3, 3);
                EXPECT_NEAR(middle[0], 0xC8, 4) << matrix << range << format;
                EXPECT_NEAR(middle[1], 0x3C, 4) << matrix << range << format;
                EXPECT_NEAR(middle[2], 0x1E, 4) << matrix << range << format;
            }
        }
    }
}

TEST_F(VideoReaderTest, AResolutionThatChangesGivesFramesOfOneSize) {
    make_video(folder_ / "a.ts", x264("keyint=25:bframes=2"), 50);
    make_video(folder_ / "b.ts",
               "-vf scale=320:240 " + x264("keyint=25:bframes=2") + " -output_ts_offset 1.66667", 50, 50);
    std::vector<std::byte> joined = bytes_of(folder_ / "a.ts");
    const std::vector<std::byte> second = bytes_of(folder_ / "b.ts");
    joined.insert(joined.end(), second.begin(), second.end());
    VideoReader reader = VideoReader::open(std::make_shared<MemorySource>(joined));
    std::vector<int> numbers;
    while (const auto group = reader.next_group()) {
        reader.frames(*group, 0, [&](VideoFrame&& frame) {
            EXPECT_EQ(frame.image.size(), (Size{frame_width, frame_height}));
            numbers.push_back(number_in(frame.image));
        });
    }
    const auto kept = static_cast<int>(50 - reader.damaged_frames());  // the seam costs the frames at it
    EXPECT_GE(kept, 47);
    std::vector<int> expected = counting(kept);
    for (const int n : counting(50, 50)) expected.push_back(n);
    EXPECT_EQ(numbers, expected);
}

TEST_F(VideoReaderTest, SaysWhatTheFileSays) {
    run_ffmpeg(
        "-f lavfi -i testsrc=size=160x120:rate=25:duration=2 -f lavfi -i sine=duration=2 -f lavfi -i "
        "sine=duration=2 "
        "-map 1 -map 2 -map 0 -c:v libx264 -c:a aac -metadata creation_time=2026-05-03T09:12:44.5Z " +
        (folder_ / "a.mp4").string());
    const VideoInfo info = VideoReader::open(source_of(folder_ / "a.mp4")).info();
    EXPECT_EQ(info.audio_tracks, 2);
    EXPECT_NEAR(info.frame_rate, 25, 0.001);
    EXPECT_NEAR(info.duration, 2, 0.001);
    ASSERT_TRUE(info.recorded_utc);
    EXPECT_EQ(*info.recorded_utc / 1000, 1'777'799'564);

    make_video(folder_ / "never_set.mp4", x264("keyint=25") + " -metadata creation_time=1970-01-01T00:00:00Z",
               5);
    EXPECT_FALSE(VideoReader::open(source_of(folder_ / "never_set.mp4")).info().recorded_utc);
}

// --- bad input
// --------------------------------------------------------------------------------------------------------

TEST_F(VideoReaderTest, RefusesWhatIsNoVideoInPlainWords) {
    const auto message_of = [](std::vector<std::byte> bytes) {
        std::string message;
        EXPECT_EQ(code_of_opening(std::make_shared<MemorySource>(std::move(bytes)), &message),
                  ErrorCode::bad_input);
        return message;
    };
    EXPECT_NE(message_of({}).find("empty"), std::string::npos);
    EXPECT_NE(message_of(std::vector<std::byte>(5000)).find("not a video"), std::string::npos);

    run_ffmpeg("-f lavfi -i testsrc=size=160x120:duration=0.04 -frames:v 1 " +
               (folder_ / "photo.jpg").string());
    EXPECT_NE(message_of(bytes_of(folder_ / "photo.jpg")).find("not a video"), std::string::npos);
    run_ffmpeg("-f lavfi -i testsrc=size=160x120:duration=0.04 -frames:v 1 " +
               (folder_ / "photo.png").string());
    EXPECT_NE(message_of(bytes_of(folder_ / "photo.png")).find("not a video"), std::string::npos);

    run_ffmpeg("-f lavfi -i sine=duration=1 -i " + (folder_ / "photo.jpg").string() +
               " -map 0 -map 1 -c:a aac -c:v mjpeg -disposition:v attached_pic " +
               (folder_ / "sound.mp4").string());
    EXPECT_NE(message_of(bytes_of(folder_ / "sound.mp4")).find("no video"), std::string::npos);

    make_video(folder_ / "whole.mp4", x264("keyint=25"), 50);  // the index comes last
    std::vector<std::byte> headless = bytes_of(folder_ / "whole.mp4");
    headless.resize(headless.size() / 2);
    EXPECT_NE(message_of(headless).find("index"), std::string::npos);

    make_video(folder_ / "secret.mp4",
               x264("keyint=25") +
                   " -encryption_scheme cenc-aes-ctr -encryption_key 76a6c65c5ea762046bd749a2e632ccbb "
                   "-encryption_kid a7e61c373e219033c21091fa607bf3b8",
               20);
    EXPECT_NE(message_of(bytes_of(folder_ / "secret.mp4")).find("encrypted"), std::string::npos);

    const std::string playlist =
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n";
    const auto* text = reinterpret_cast<const std::byte*>(playlist.data());
    EXPECT_NE(message_of({text, text + playlist.size()}).find("not a video"), std::string::npos);
}

TEST_F(VideoReaderTest, RefusesMorePixelsThanAllowed) {
    const Source source = made("a.mp4", x264("keyint=25"), 5);
    VideoOptions options;
    options.max_pixels = 160 * 120 - 1;
    std::string message;
    EXPECT_EQ(code_of_opening(source, &message, options), ErrorCode::bad_input);
    EXPECT_NE(message.find("160 x 120"), std::string::npos) << message;
    options.max_pixels = 160 * 128;
    EXPECT_NO_THROW(VideoReader::open(source, options));
}

TEST_F(VideoReaderTest, TimesOutsideTheVideoAreRefused) {
    const Source source = made("a.mp4", x264("keyint=25:bframes=2"), 30);
    EXPECT_THROW(read_frame(source, -0.1), Error);
    EXPECT_THROW(read_frame(source, 1.01), Error);
    EXPECT_THROW(read_frame(source, std::nan("")), Error);
}

// Of a file cut short anywhere, what is whole is read, and nothing else is given.
TEST_F(VideoReaderTest, ATruncatedFileGivesWhatCanBeRead) {
    for (const std::string name : {"a.mkv", "a.ts", "a.avi", "a.mp4"}) {
        make_video(folder_ / name,
                   x264("keyint=20:bframes=2") + (name == "a.mp4" ? " -movflags faststart" : ""), 100);
        const std::vector<std::byte> whole = bytes_of(folder_ / name);
        std::size_t most = 0;
        for (std::size_t part = 1; part <= 12; ++part) {
            std::vector<std::byte> bytes = whole;
            bytes.resize(whole.size() * part / 12);
            try {
                VideoReader reader = VideoReader::open(std::make_shared<MemorySource>(bytes));
                const std::vector<Seen> seen = all_frames(reader);
                EXPECT_GE(seen.size(), most);
                most = seen.size();
                for (const Seen& frame : seen) ASSERT_GE(frame.number, 0) << name << " " << part;
                for (std::size_t i = 1; i < seen.size(); ++i) EXPECT_GT(seen[i].number, seen[i - 1].number);
            } catch (const Error& error) {
                EXPECT_EQ(error.code(), ErrorCode::bad_input) << error.what();
                EXPECT_EQ(most, 0u) << name << " " << part << ": " << error.what();
            }
        }
        EXPECT_EQ(most, 100u) << name;
    }
}

// Noise, so that the pictures are most of the file.
const std::string noisy = "-vf noise=alls=40:allf=t ";

TEST_F(VideoReaderTest, DamageIsCountedAndNotShown) {
    for (const std::string name : {"a.mp4", "a.mkv"}) {
        make_video(folder_ / name, noisy + x264("keyint=20:bframes=2"), 100);
        std::vector<std::byte> bytes = bytes_of(folder_ / name);
        // Several packets whole: a decoder takes a few changed bits inside of one for another picture.
        const std::size_t middle = bytes.size() / 2;
        for (std::size_t i = 0; i < bytes.size() / 20; ++i) bytes[middle + i] ^= std::byte{0x5a};
        VideoReader reader = VideoReader::open(std::make_shared<MemorySource>(bytes));
        const std::vector<Seen> seen = all_frames(reader);
        if (name != "a.mkv") {  // steps over damage without a word
            EXPECT_GT(reader.damaged_frames(), 0) << name;
        }
        EXPECT_GE(seen.size(), 55u) << name;
        EXPECT_LT(seen.size(), 100u) << name;
        for (const Seen& frame : seen)
            EXPECT_NEAR(frame.time, frame.number / frame_rate, 0.0011) << name << " " << frame.number;
        EXPECT_EQ(seen.back().number, 99) << name;
    }
}

TEST_F(VideoReaderTest, WhatTheSourceThrowsSurfaces) {
    make_video(folder_ / "a.mp4", noisy + x264("keyint=20:bframes=2:qp=10") + " -movflags faststart", 100);
    const auto source = source_of(folder_ / "a.mp4");
    ASSERT_GT(source->size(), 600'000);
    source->fails_from = 1;
    std::string message;
    EXPECT_EQ(code_of_opening(source, &message), ErrorCode::overloaded);
    EXPECT_EQ(message, "the store fails");

    source->fails_from = source->size() - 1000;
    VideoReader reader = VideoReader::open(source);
    try {
        all_frames(reader);
        ADD_FAILURE() << "the failure was swallowed";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::overloaded);
        EXPECT_STREQ(error.what(), "the store fails");
    }
}

TEST_F(VideoReaderTest, ReadsEachByteAboutOnce) {
    for (const std::string name : {"a.mp4", "a.mkv", "a.ts", "a.avi"}) {
        run_ffmpeg(
            "-f lavfi -i testsrc=size=320x240:rate=30:duration=10,noise=alls=60:allf=t -f lavfi -i "
            "sine=duration=10 "
            "-c:v libx264 -preset ultrafast -qp 20 -g 30 -c:a aac " +
            (folder_ / name).string());
        const auto source = source_of(folder_ / name);
        ASSERT_GT(source->size(), 4'000'000) << name;
        VideoReader reader = VideoReader::open(source);
        while (reader.next_group()) {
        }
        EXPECT_LT(static_cast<double>(source->bytes_read), 1.25 * static_cast<double>(source->size()))
            << name;
    }
}

}  // namespace
}  // namespace eventlens
