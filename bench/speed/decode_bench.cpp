#include <benchmark/benchmark.h>

#include <cmath>
#include <random>
#include <vector>

#include "eventlens/image.h"
#include "image/warp.h"

namespace eventlens {
namespace {

constexpr Size twelve_megapixels{4000, 3000};

// Soft shapes and sensor noise: about as hard to compress as a photo (3 bits a pixel at quality 90).
Image synthetic_photo(Size size) {
    std::mt19937 random(42);
    std::normal_distribution<float> noise(0, 6);
    Image image(size, PixelFormat::rgb8);
    std::uint8_t* channel = image.pixels().data();
    for (int y = 0; y < size.height; ++y) {
        for (int x = 0; x < size.width; ++x) {
            for (int c = 0; c < 3; ++c) {
                const float wave = std::sin(static_cast<float>(x) * 0.01F * static_cast<float>(c + 1)) +
                                   std::cos(static_cast<float>(y) * 0.013F);
                *channel++ =
                    static_cast<std::uint8_t>(std::clamp(127 + 50 * wave + noise(random), 0.0F, 255.0F));
            }
        }
    }
    return image;
}

const Image& photo() {
    static const Image image = synthetic_photo(twelve_megapixels);
    return image;
}

// What one photo costs before anything is recognised: whole, and reduced so that at least so many pixels
// stay.
void decode_jpeg_12mp(benchmark::State& state) {
    const auto encoded = encode_jpeg(photo().view(), 90);
    const DecodeOptions options{.limits = {}, .enough_long_side = static_cast<int>(state.range(0))};
    for (auto _ : state) benchmark::DoNotOptimize(decode_photo(encoded, options));
    state.counters["megabytes"] = static_cast<double>(encoded.size()) / 1e6;
}
BENCHMARK(decode_jpeg_12mp)->ArgName("enough")->Arg(0)->Arg(2000)->Arg(1000)->Unit(benchmark::kMillisecond);

void decode_png_12mp(benchmark::State& state) {
    const auto encoded = encode_png(photo().view());
    for (auto _ : state) benchmark::DoNotOptimize(decode_photo(encoded));
}
BENCHMARK(decode_png_12mp)->Unit(benchmark::kMillisecond);

// To the size the detectors look at.
void shrink(benchmark::State& state) {
    const Image from = resize_image(
        photo().view(), {static_cast<int>(state.range(0)), static_cast<int>(state.range(0) * 3 / 4)});
    const int width = static_cast<int>(state.range(1));
    for (auto _ : state) benchmark::DoNotOptimize(resize_image(from.view(), {width, width * 3 / 4}));
}
BENCHMARK(shrink)
    ->ArgNames({"from", "to"})
    ->Args({4000, 2048})
    ->Args({4000, 960})
    ->Args({2000, 960})
    ->Unit(benchmark::kMillisecond);

// A 112 x 112 face out of a face `size` pixels wide.
void align_face(benchmark::State& state) {
    const float step = static_cast<float>(state.range(0)) / 112;
    const AffineMatrix turned{step * 0.98F, -step * 0.17F, 500, step * 0.17F, step * 0.98F, 400};
    for (auto _ : state) benchmark::DoNotOptimize(warp_affine(photo().view(), turned, {112, 112}));
}
BENCHMARK(align_face)->ArgName("size")->Arg(40)->Arg(112)->Arg(400)->Arg(1600)->Unit(benchmark::kMicrosecond);

// A line of text, 48 pixels high, out of a photo.
void unfold_text(benchmark::State& state) {
    const std::array<Point, 4> corners{Point{500, 400}, {590, 420}, {585, 455}, {496, 436}};
    for (auto _ : state) benchmark::DoNotOptimize(warp_perspective(photo().view(), corners, {160, 48}));
}
BENCHMARK(unfold_text)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace eventlens
