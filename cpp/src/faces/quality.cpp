#include "faces/quality.h"

#include <cmath>

#include "faces/align.h"

namespace eventlens {

namespace {

constexpr Size aligned_size{112, 112};
constexpr std::array<Point, 5> aligned_landmarks{Point{38.2946F, 51.6963F},
                                                 {73.5318F, 51.5014F},
                                                 {56.0252F, 71.7366F},
                                                 {41.5493F, 92.3655F},
                                                 {70.7299F, 92.2041F}};

// Of the aligned face: eyebrows to chin, without hair and background.
constexpr int top = 16;
constexpr int bottom = 104;
constexpr int left = 16;
constexpr int right = 96;

float brightness(const std::uint8_t* rgb) {
    return 0.299F * static_cast<float>(rgb[0]) + 0.587F * static_cast<float>(rgb[1]) +
           0.114F * static_cast<float>(rgb[2]);
}

// Mean squared step from pixel to pixel, over the variance: neither light nor contrast changes it.
double detail_of(const Image& aligned) {
    const auto at = [&](int x, int y) {
        return brightness(aligned.pixels().data() +
                          (static_cast<std::ptrdiff_t>(y) * aligned_size.width + x) * 3);
    };
    double sum = 0;
    double squares = 0;
    double steps = 0;
    for (int y = top; y < bottom; ++y) {
        for (int x = left; x < right; ++x) {
            const double here = at(x, y);
            const double to_right = at(x + 1, y) - here;
            const double down = at(x, y + 1) - here;
            sum += here;
            squares += here * here;
            steps += to_right * to_right + down * down;
        }
    }
    constexpr double count = (bottom - top) * (right - left);
    const double variance = squares / count - sum / count * (sum / count);
    return variance > 1e-3 ? steps / count / variance : 0;  // one even colour shows nothing
}

}  // namespace

float face_quality(ImageView rgb, const Detection& face) {
    const Image aligned = warp_affine(rgb, aligned_to_photo(face.landmarks, aligned_landmarks), aligned_size);
    const double detail = detail_of(aligned);
    if (detail <= 0) return 0;
    const double evidence = 1.55 * std::log(detail) + 7.06 * face.confidence - 0.24;
    return static_cast<float>(1 / (1 + std::exp(-evidence)));
}

}  // namespace eventlens
