#include "video/check_clip.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

#include "video_files.h"

namespace eventlens::av {
namespace {

// What the files of this test hold, should they be right: 30 frames, 512 ticks each.
constexpr int frames = 30;
constexpr int step = 512;

ExpectedClip expected_clip() {
    ExpectedClip expected;
    expected.time_base = {1, 15360};
    for (int i = 0; i < frames; ++i) expected.pictures[i * step] = {};
    expected.end = frames * step;
    return expected;
}

class CheckClip : public testing::Test {
  protected:
    std::string wrong_with(const std::string& arguments, const ExpectedClip& expected = expected_clip()) {
        make_video(folder / "clip.mp4", arguments, frames);
        return what_is_wrong(folder / "clip.mp4", expected, [](double) {});
    }

    VideoFolder folder;
    const std::string good = "-an -c:v libx264 -pix_fmt yuv420p -g 10 -bf 2 -movflags +faststart ";
};

TEST_F(CheckClip, FindsNothingWrongWithWhatIsRight) {
    EXPECT_EQ(wrong_with(good), "");
}

TEST_F(CheckClip, SeesAnIndexAtTheEnd) {
    EXPECT_EQ(wrong_with("-an -c:v libx264 -pix_fmt yuv420p"), "its index is not at the front");
}

TEST_F(CheckClip, SeesPicturesTooManyAndTooFew) {
    ExpectedClip fewer = expected_clip();
    fewer.pictures.erase(step * (frames - 1));
    EXPECT_EQ(wrong_with(good, fewer), "other pictures are in the file");
    ExpectedClip more = expected_clip();
    more.pictures[step * frames] = {};
    EXPECT_EQ(wrong_with(good, more), "other pictures are in the file");
}

TEST_F(CheckClip, SeesWrongTimes) {
    ExpectedClip expected = expected_clip();
    expected.pictures.erase(step * 7);
    expected.pictures[step * 7 + step / 10] = {};
    EXPECT_EQ(wrong_with(good, expected), "a picture has a wrong time");
}

TEST_F(CheckClip, SeesParameterSetsInThePackets) {
    EXPECT_EQ(wrong_with(good + "-bsf:v dump_extra "), "parameter sets are in-band");
}

TEST_F(CheckClip, SeesSoundMissingAndTooMuch) {
    ExpectedClip sounding = expected_clip();
    sounding.sound = true;
    EXPECT_EQ(wrong_with(good, sounding), "sound is missing, or too much");
    const std::string half =
        "-f lavfi -t 0.5 -i sine -c:a aac -c:v libx264 -pix_fmt yuv420p -movflags +faststart";
    EXPECT_EQ(wrong_with(half), "sound is missing, or too much");
    EXPECT_EQ(wrong_with(half, sounding), "the sound's length is wrong");
}

TEST_F(CheckClip, SeesPicturesThatAnEditListHides) {
    make_video(folder / "whole.mp4", "-an -c:v libx264 -pix_fmt yuv420p -bf 0 -g 40 ", frames + 6);
    run_ffmpeg("-ss 0.2 -i '" + (folder / "whole.mp4").string() + "' -c copy -movflags +faststart '" +
               (folder / "clip.mp4").string() + "'");
    EXPECT_NE(what_is_wrong(folder / "clip.mp4", expected_clip(), [](double) {}), "");
}

TEST_F(CheckClip, SeesOtherPictures) {
    const Frame grey = new_frame();
    grey->format = AV_PIX_FMT_YUV420P;
    grey->width = frame_width;
    grey->height = frame_height;
    ASSERT_GE(av_frame_get_buffer(grey.get(), 0), 0);
    std::fill_n(grey->data[0], std::ptrdiff_t{grey->linesize[0]} * frame_height, std::uint8_t{128});
    ExpectedClip expected = expected_clip();
    expected.pictures[step * 20].look = Look(*grey);
    EXPECT_EQ(wrong_with(good, expected), "a picture looks wrong");
}

TEST_F(CheckClip, SeesDamage) {
    make_video(folder / "clip.mp4", good, frames);
    std::vector<std::byte> bytes = bytes_of(folder / "clip.mp4");
    for (std::size_t i = bytes.size() - bytes.size() / 4; i < bytes.size() - bytes.size() / 5; ++i) {
        bytes[i] = std::byte{0x55};
    }
    std::FILE* file = std::fopen((folder / "clip.mp4").c_str(), "wb");
    ASSERT_NE(file, nullptr);
    std::fwrite(bytes.data(), 1, bytes.size(), file);
    std::fclose(file);
    EXPECT_NE(what_is_wrong(folder / "clip.mp4", expected_clip(), [](double) {}), "");
}

}  // namespace
}  // namespace eventlens::av
