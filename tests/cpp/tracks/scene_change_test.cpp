#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "eventlens/tracks.h"

namespace eventlens {
namespace {

constexpr Size frame_size{160, 90};

// A place much larger than a frame: coloured patches of all sizes over a sloping ground.
class Place {
  public:
    explicit Place(unsigned seed) : picture_({640, 360}, PixelFormat::rgb8) {
        std::mt19937 random(seed);
        const auto below = [&](int most) { return std::uniform_int_distribution<int>(0, most - 1)(random); };
        for (int patch = 0; patch < 400; ++patch) {
            const int width = 8 + below(patch < 40 ? 200 : 50);
            const int height = 8 + below(patch < 40 ? 120 : 40);
            const int left = below(640) - width / 2;
            const int top = below(360) - height / 2;
            const int tint = below(3);
            const int grey = below(200);
            for (int y = std::max(0, top); y < std::min(360, top + height); ++y) {
                for (int x = std::max(0, left); x < std::min(640, left + width); ++x) {
                    for (int c = 0; c < 3; ++c)
                        at(x, y, c) = static_cast<std::uint8_t>(grey + (c == tint ? 40 : 0));
                }
            }
        }
    }

    // What a camera sees that looks at (x, y), with light times `light` plus `more`, and noise.
    Image seen(int x, int y, double light = 1, double more = 0, double noise = 3) {
        Image image(frame_size, PixelFormat::rgb8);
        for (int v = 0; v < frame_size.height; ++v) {
            for (int u = 0; u < frame_size.width; ++u) {
                for (int c = 0; c < 3; ++c) {
                    const double value = at(x + u, y + v, c) * light + more + noise * normal_(random_);
                    image.pixels()[static_cast<std::size_t>((v * frame_size.width + u) * 3 + c)] =
                        static_cast<std::uint8_t>(std::clamp(value, 0.0, 255.0));
                }
            }
        }
        return image;
    }

  private:
    std::uint8_t& at(int x, int y, int c) {
        return picture_.pixels()[static_cast<std::size_t>((y * 640 + x) * 3 + c)];
    }
    Image picture_;
    std::mt19937 random_{7};
    std::normal_distribution<double> normal_;
};

int cuts_in(const std::vector<Image>& frames) {
    SceneChange change;
    int cuts = 0;
    double time = 0;
    for (const Image& frame : frames) cuts += change.observe(frame.view(), time += 0.25) ? 1 : 0;
    return cuts;
}

// The places are alike in their colours and differ only in what stands where, which is harder than most cuts.
TEST(SceneChange, TellsACutAtItsFirstFrameAndOnce) {
    int found = 0;
    for (unsigned seed = 0; seed < 20; ++seed) {
        Place one(seed);
        Place other(seed + 100);
        SceneChange change;
        for (int i = 0; i < 8; ++i) {
            const Image frame = i < 4 ? one.seen(200, 100) : other.seen(200, 100);
            const bool cut = change.observe(frame.view(), i * 0.5);
            if (i == 4) {
                found += cut ? 1 : 0;
            } else {
                EXPECT_FALSE(cut) << seed << ' ' << i;
            }
        }
    }
    EXPECT_GE(found, 18);
}

TEST(SceneChange, APanIsNoCut) {
    Place place(1);
    std::vector<Image> frames;
    for (int x = 0; x < 480; x += 40) frames.push_back(place.seen(x, 100 + x / 8));  // a quarter of a frame
    EXPECT_EQ(cuts_in(frames), 0);
}

TEST(SceneChange, APhotoFlashIsNoCut) {
    Place place(2);
    std::vector<Image> frames;
    for (int i = 0; i < 12; ++i)
        frames.push_back(place.seen(200, 100, i % 4 == 2 ? 1.5 : 1, i % 4 == 2 ? 70 : 0));
    EXPECT_EQ(cuts_in(frames), 0);
}

TEST(SceneChange, ExposureThatDriftsIsNoCut) {
    Place place(3);
    std::vector<Image> frames;
    for (int i = 0; i < 12; ++i) frames.push_back(place.seen(200, 100, 0.4 + 0.1 * i));
    EXPECT_EQ(cuts_in(frames), 0);
}

TEST(SceneChange, SomebodyWhoCoversTheCameraForAMomentIsNoCut) {
    Place place(4);
    const std::vector<Image> frames{place.seen(200, 100), place.seen(200, 100), place.seen(200, 100)};
    SceneChange change;
    for (const Image& frame : frames) EXPECT_FALSE(change.observe(frame.view(), 0));
    Image covered({160, 90}, PixelFormat::rgb8);  // black
    EXPECT_FALSE(change.observe(covered.view(), 1));
    EXPECT_FALSE(change.observe(place.seen(200, 100).view(), 1.25));
}

TEST(SceneChange, ACutThroughBlackIsToldBehindIt) {
    Place one(6);
    Place other(7);
    SceneChange change;
    EXPECT_FALSE(change.observe(one.seen(200, 100).view(), 0));
    EXPECT_FALSE(change.observe(one.seen(200, 100, 0, 10).view(), 0.25));
    EXPECT_FALSE(change.observe(one.seen(200, 100, 0, 10).view(), 0.5));
    EXPECT_TRUE(change.observe(other.seen(200, 100).view(), 0.75));
}

TEST(SceneChange, NoiseAloneIsNoScene) {
    SceneChange change;
    std::mt19937 random(1);
    std::normal_distribution<double> normal(60, 12);  // a dark street at night
    for (int i = 0; i < 10; ++i) {
        Image dark(frame_size, PixelFormat::rgb8);
        for (std::uint8_t& value : dark.pixels())
            value = static_cast<std::uint8_t>(std::clamp(normal(random), 0.0, 255.0));
        EXPECT_FALSE(change.observe(dark.view(), i));
    }
}

TEST(SceneChange, ATinyPictureIsNoTrouble) {
    SceneChange change;
    const Image dot({1, 1}, PixelFormat::rgb8);
    const Image grey({3, 2}, PixelFormat::gray8);
    EXPECT_FALSE(change.observe(dot.view(), 0));
    EXPECT_FALSE(change.observe(grey.view(), 1));
}

}  // namespace
}  // namespace eventlens
