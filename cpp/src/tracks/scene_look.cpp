#include "tracks/scene_look.h"

#include <algorithm>
#include <cmath>

namespace eventlens {

namespace {

constexpr int width = SceneLook::width;
constexpr int height = SceneLook::height;
constexpr int most_aside = width / 2;
constexpr int most_down = height / 2;

constexpr std::size_t place_of(int x, int y) {
    return static_cast<std::size_t>(y) * width + static_cast<std::size_t>(x);
}

float at(const std::vector<float>& values, int x, int y) {
    return values[place_of(x, y)];
}

// Correlation of what both show when `now` is `before` moved by (dx, dy).
float correlation(const std::vector<float>& before, const std::vector<float>& now, int dx, int dy) {
    double sum_a = 0;
    double sum_b = 0;
    double sum_aa = 0;
    double sum_bb = 0;
    double sum_ab = 0;
    const int left = std::max(0, dx);
    const int right = std::min(width, width + dx);
    const int top = std::max(0, dy);
    const int bottom = std::min(height, height + dy);
    for (int y = top; y < bottom; ++y) {
        for (int x = left; x < right; ++x) {
            const auto a = static_cast<double>(at(before, x - dx, y - dy));
            const auto b = static_cast<double>(at(now, x, y));
            sum_a += a;
            sum_b += b;
            sum_aa += a * a;
            sum_bb += b * b;
            sum_ab += a * b;
        }
    }
    const double count = (right - left) * (bottom - top);
    const double spread_a = sum_aa - sum_a * sum_a / count;
    const double spread_b = sum_bb - sum_b * sum_b / count;
    if (spread_a < count || spread_b < count) return 0;  // a grey level of noise is no picture
    return static_cast<float>((sum_ab - sum_a * sum_b / count) / std::sqrt(spread_a * spread_b));
}

std::vector<float> relief_of(const std::vector<float>& grey) {
    std::vector<float> relief(grey.size());
    for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
            float sum = 0;
            float count = 0;
            for (int v = std::max(0, y - 2); v <= std::min(height - 1, y + 2); ++v) {
                for (int u = std::max(0, x - 2); u <= std::min(width - 1, x + 2); ++u) {
                    sum += at(grey, u, v);
                    ++count;
                }
            }
            relief[place_of(x, y)] = at(grey, x, y) - sum / count;
        }
    }
    return relief;
}

// One of 64 tints: how far red and blue stand out from grey, for the brightness there is.
std::size_t tint_of(float red, float green, float blue) {
    const float sum = red + green + blue + 24;  // dark pixels have no tint
    const auto step = [&](float part) {
        return static_cast<std::size_t>(std::clamp(std::floor((part / sum - 1.0F / 3) * 24 + 4), 0.0F, 7.0F));
    };
    return step(red + 8) * 8 + step(blue + 8);
}

}  // namespace

SceneLook look_at_scene(ImageView frame) {
    const Image small = resize_image(frame, {width, height});
    const auto channels = static_cast<std::size_t>(channels_of(small.format()));
    const std::size_t middle = channels / 2;
    constexpr std::size_t pixels = static_cast<std::size_t>(width) * height;
    SceneLook look;
    look.grey.resize(pixels);
    for (std::size_t i = 0; i < pixels; ++i) {
        const auto* pixel = small.pixels().data() + i * channels;
        const auto red = static_cast<float>(pixel[0]);
        const auto green = static_cast<float>(pixel[middle]);
        const auto blue = static_cast<float>(pixel[channels - 1]);
        look.grey[i] = 0.299F * red + 0.587F * green + 0.114F * blue;
        look.tints[tint_of(red, green, blue)] += 1.0F / static_cast<float>(pixels);
    }
    double sum = 0;
    double squares = 0;
    for (const float value : look.grey) {
        sum += static_cast<double>(value);
        squares += static_cast<double>(value) * static_cast<double>(value);
    }
    const double mean = sum / static_cast<double>(pixels);
    look.brightness = static_cast<float>(mean);
    look.contrast =
        static_cast<float>(std::sqrt(std::max(0.0, squares / static_cast<double>(pixels) - mean * mean)));
    look.relief = relief_of(look.grey);
    return look;
}

SceneLikeness compare(const SceneLook& before, const SceneLook& now) {
    SceneLikeness alike{-1, -1, 0};
    for (int dy = -most_down; dy <= most_down; ++dy) {
        for (int dx = -most_aside; dx <= most_aside; ++dx) {
            if ((width - std::abs(dx)) * (height - std::abs(dy)) < width * height / 2) continue;
            alike.grey = std::max(alike.grey, correlation(before.grey, now.grey, dx, dy));
            alike.relief = std::max(alike.relief, correlation(before.relief, now.relief, dx, dy));
        }
    }
    for (std::size_t i = 0; i < before.tints.size(); ++i) {
        alike.tints += std::min(before.tints[i], now.tints[i]);
    }
    return alike;
}

}  // namespace eventlens
