#include <gtest/gtest.h>

#include <png.h>

#include <cmath>
#include <thread>

#include "../photo_files.h"
#include "eventlens/error.h"
#include "eventlens/image.h"

namespace eventlens {
namespace {

using namespace eventlens::testing;

using Colour = std::array<int, 3>;

// `colour_of(x, y)` gives red, green, blue and alpha.
template <typename ColourOf>
Bytes rgba_png(Size size, const ColourOf& colour_of) {
    png_image picture{};
    picture.version = PNG_IMAGE_VERSION;
    picture.width = static_cast<png_uint_32>(size.width);
    picture.height = static_cast<png_uint_32>(size.height);
    picture.format = PNG_FORMAT_RGBA;
    std::vector<std::uint8_t> rgba;
    for (int y = 0; y < size.height; ++y) {
        for (int x = 0; x < size.width; ++x) {
            for (const int value : colour_of(x, y)) rgba.push_back(static_cast<std::uint8_t>(value));
        }
    }
    png_alloc_size_t bytes = 0;
    png_image_write_to_memory(&picture, nullptr, &bytes, 0, rgba.data(), 0, nullptr);
    Bytes file(bytes);
    png_image_write_to_memory(&picture, file.data(), &bytes, 0, rgba.data(), 0, nullptr);
    file.resize(bytes);
    return file;
}

Bytes plain_png(Size size, std::array<int, 4> colour) {
    return rgba_png(size, [&](int, int) { return colour; });
}

Image plain_photo(Size size, std::uint8_t value) {
    Image photo(size, PixelFormat::rgb8);
    std::ranges::fill(photo.pixels(), value);
    return photo;
}

Colour colour_at(const Image& image, int x, int y) {
    const std::uint8_t* pixel = image.view().pixels + y * image.view().row_bytes + x * 3;
    return {pixel[0], pixel[1], pixel[2]};
}

// The box of the pixels that differ from `value`; empty when none does.
Rect changed_part(const Image& photo, int value) {
    int left = photo.size().width;
    int top = photo.size().height;
    int right = 0;
    int bottom = 0;
    for (int y = 0; y < photo.size().height; ++y) {
        for (int x = 0; x < photo.size().width; ++x) {
            if (colour_at(photo, x, y) == Colour{value, value, value}) continue;
            left = std::min(left, x);
            top = std::min(top, y);
            right = std::max(right, x + 1);
            bottom = std::max(bottom, y + 1);
        }
    }
    if (right == 0) return {};
    return {static_cast<float>(left), static_cast<float>(top), static_cast<float>(right - left),
            static_cast<float>(bottom - top)};
}

TEST(Watermark, LiesInEachOfNinePlaces) {
    const Bytes art = plain_png({100, 50}, {255, 0, 0, 255});
    // A quarter of 800 is 200 wide, 100 high; the margin is 5 % of 600: 30 pixels.
    const std::array<float, 3> lefts{30, 300, 570};
    const std::array<float, 3> tops{30, 250, 470};
    for (int place = 0; place < 9; ++place) {
        Image photo = plain_photo({800, 600}, 90);
        const auto watermark = Watermark::open(
            art, {.place = static_cast<Place>(place), .width = 0.25, .margin = 0.05, .opacity = 1});
        watermark.lay_over(photo);
        const Rect expected{lefts.at(static_cast<std::size_t>(place % 3)),
                            tops.at(static_cast<std::size_t>(place / 3)), 200, 100};
        EXPECT_EQ(changed_part(photo, 90), expected) << place;
        EXPECT_EQ(watermark.place_on(photo.size()), expected) << place;
    }
    EXPECT_EQ(static_cast<int>(Place::top_right), 2);
    EXPECT_EQ(static_cast<int>(Place::center), 4);
    EXPECT_EQ(static_cast<int>(Place::bottom_right), 8);
}

// Shape is kept where the artwork is too tall, and where the photo is tiny.
TEST(Watermark, StaysBetweenTheMargins) {
    const auto tall = Watermark::open(plain_png({100, 400}, {0, 0, 0, 255}),
                                      {.place = Place::center, .width = 1, .margin = 0.1});
    EXPECT_EQ(tall.place_on({1000, 500}), (Rect{450, 50, 100, 400}));
    EXPECT_EQ(tall.place_on({500, 1000}), (Rect{137, 50, 225, 900}));
    const auto whole = Watermark::open(plain_png({300, 200}, {0, 0, 0, 255}),
                                       {.place = Place::center, .width = 1, .margin = 0});
    EXPECT_EQ(whole.place_on({2048, 1365}), (Rect{0, 0, 2048, 1365}));
    for (const Size tiny : {Size{1, 1}, Size{2, 1}, Size{1, 300}, Size{3, 3}}) {
        for (int place = 0; place < 9; ++place) {
            const auto watermark =
                Watermark::open(plain_png({90, 30}, {255, 0, 0, 255}),
                                {.place = static_cast<Place>(place), .margin = 0.4, .opacity = 1});
            const Rect box = watermark.place_on(tiny);
            EXPECT_GE(box.x, 0);
            EXPECT_GE(box.y, 0);
            EXPECT_GE(box.width, 1);
            EXPECT_GE(box.height, 1);
            EXPECT_LE(box.x + box.width, static_cast<float>(tiny.width));
            EXPECT_LE(box.y + box.height, static_cast<float>(tiny.height));
            Image photo = plain_photo(tiny, 90);
            watermark.lay_over(photo);
            EXPECT_EQ(changed_part(photo, 90), box);
        }
    }
}

// photo * (1 - alpha * opacity) + artwork * alpha * opacity, in the numbers as they are stored.
TEST(Watermark, MixesByAlphaAndOpacity) {
    for (const int alpha : {0, 1, 77, 128, 254, 255}) {
        for (const double opacity : {0.0, 0.3, 0.5, 1.0}) {
            Image photo = plain_photo({64, 64}, 100);
            const auto watermark =
                Watermark::open(plain_png({32, 32}, {250, 10, 130, alpha}),
                                {.place = Place::center, .width = 0.5, .opacity = opacity});
            watermark.lay_over(photo);
            const Colour seen = colour_at(photo, 32, 32);
            const double share = alpha / 255.0 * opacity;
            EXPECT_NEAR(seen[0], 100 * (1 - share) + 250 * share, 1.6) << alpha << " " << opacity;
            EXPECT_NEAR(seen[1], 100 * (1 - share) + 10 * share, 1.6) << alpha << " " << opacity;
            EXPECT_NEAR(seen[2], 100 * (1 - share) + 130 * share, 1.6) << alpha << " " << opacity;
            if (share == 0) {
                EXPECT_EQ(changed_part(photo, 100), Rect{});
            }
        }
    }
}

TEST(Watermark, NeitherOverflowsNorLeavesTheRange) {
    for (const int photo_value : {0, 255}) {
        for (const int art_value : {0, 255}) {
            Image photo = plain_photo({97, 61}, static_cast<std::uint8_t>(photo_value));
            const auto noisy = rgba_png({53, 41}, [&](int x, int y) {
                return std::array{art_value, art_value, art_value, (x * 37 + y * 101) % 256};
            });
            Watermark::open(noisy, {.place = Place::center, .width = 1, .margin = 0, .opacity = 1})
                .lay_over(photo);
            if (photo_value == art_value) {
                for (const std::uint8_t value : photo.pixels()) EXPECT_NEAR(value, photo_value, 1);
            }
        }
    }
}

// What an editor leaves behind full transparency (here: loud green) must not show, however it is scaled.
TEST(Watermark, InvisibleColoursStayInvisible) {
    const Bytes art = rgba_png({200, 200}, [](int x, int y) {
        const bool disc = std::hypot(x - 99.5, y - 99.5) < 70;
        return disc ? std::array{255, 255, 255, 255} : std::array{0, 255, 0, 0};
    });
    for (const double width : {0.11, 0.37, 0.9}) {
        Image photo = plain_photo({500, 500}, 255);
        Watermark::open(art, {.place = Place::center, .width = width, .opacity = 1}).lay_over(photo);
        for (const std::uint8_t value : photo.pixels()) ASSERT_GE(value, 254) << width;
    }
}

// The middle of the artwork's edge is the middle of the photo, within a pixel.
TEST(Watermark, ScalesWithoutMovingAnything) {
    const Bytes art = rgba_png({1000, 500}, [](int x, int) {
        return std::array{x < 500 ? 255 : 0, 0, 0, 255};
    });
    Image photo = plain_photo({640, 480}, 60);
    Watermark::open(art, {.place = Place::center, .width = 0.4, .opacity = 1}).lay_over(photo);
    EXPECT_EQ(changed_part(photo, 60), (Rect{192, 176, 256, 128}));
    EXPECT_EQ(colour_at(photo, 319, 240), (Colour{255, 0, 0}));
    EXPECT_EQ(colour_at(photo, 320, 240), (Colour{0, 0, 0}));
}

TEST(Watermark, TakesEveryKindOfPng) {
    Image grey({20, 10}, PixelFormat::gray8);
    std::ranges::fill(grey.pixels(), std::uint8_t{40});
    Image photo = plain_photo({100, 100}, 200);
    Watermark::open(encode_png(grey.view()), {.place = Place::center, .width = 0.5, .opacity = 1})
        .lay_over(photo);
    EXPECT_EQ(colour_at(photo, 50, 50), (Colour{40, 40, 40}));  // without alpha: covers
    EXPECT_EQ(changed_part(photo, 200), (Rect{25, 37, 50, 25}));
}

template <typename Action>
ErrorCode code_of(const Action& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.code();
    }
    return ErrorCode::internal;
}

TEST(Watermark, RefusesWhatIsNoArtwork) {
    const Bytes art = plain_png({20, 10}, {1, 2, 3, 4});
    const auto opening = [](const Bytes& png, const WatermarkLayout& layout = {}) {
        return code_of([&] { (void)Watermark::open(png, layout); });
    };
    EXPECT_EQ(opening({}), ErrorCode::unsupported);
    EXPECT_EQ(opening(encode_jpeg(plain_photo({8, 8}, 1).view())), ErrorCode::unsupported);
    EXPECT_EQ(opening({art.begin(), art.end() - 20}), ErrorCode::bad_input);
    Bytes huge = art;
    huge.resize(20'000'001);
    EXPECT_EQ(opening(huge), ErrorCode::bad_input);
    EXPECT_EQ(opening(encode_png(Image({10'000, 5'001}, PixelFormat::gray8).view())), ErrorCode::bad_input);
    for (const WatermarkLayout& layout :
         {WatermarkLayout{.width = 0}, WatermarkLayout{.width = 1.01}, WatermarkLayout{.margin = -0.1},
          WatermarkLayout{.margin = 0.41}, WatermarkLayout{.opacity = -0.1}, WatermarkLayout{.opacity = 1.1},
          WatermarkLayout{.opacity = std::nan("")}, WatermarkLayout{.width = std::nan("")}}) {
        EXPECT_EQ(opening(art, layout), ErrorCode::bad_input);
    }
}

TEST(Watermark, GivesTheSameOnManyThreads) {
    const auto watermark = Watermark::open(plain_png({64, 32}, {255, 128, 0, 180}));
    const auto marked = [&](Size size) {
        Image photo = plain_photo(size, 120);
        watermark.lay_over(photo);
        return std::vector<std::uint8_t>(photo.pixels().begin(), photo.pixels().end());
    };
    // More sizes than are kept, so that threads make and forget while others use.
    std::vector<Size> sizes;
    for (int i = 0; i < 7; ++i) sizes.push_back({100 + 40 * i, 90});
    std::vector<std::vector<std::uint8_t>> alone;
    for (const Size size : sizes) alone.push_back(marked(size));
    std::vector<std::thread> threads;
    std::vector<int> same(4);
    for (std::size_t thread = 0; thread < same.size(); ++thread) {
        threads.emplace_back([&, thread] {
            for (std::size_t i = 0; i < 40; ++i) {
                const std::size_t which = (i + thread * 3) % sizes.size();
                same[thread] += marked(sizes[which]) == alone[which];
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(same, std::vector<int>(4, 40));
}

}  // namespace
}  // namespace eventlens
