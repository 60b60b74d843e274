#include "image/warp.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "eventlens/error.h"

namespace eventlens {

namespace {

enum class Outside { constant, repeat };

// Reads between pixels of an image with C channels.
template <int C, Outside outside>
struct Sampler {
    ImageView image;
    float border = 0;

    // Adds the colour at (x, y) to `sum`.
    void add(float x, float y, std::array<float, C>& sum) const {
        const auto last_x = static_cast<float>(image.size.width - 1);
        const auto last_y = static_cast<float>(image.size.height - 1);
        if constexpr (outside == Outside::repeat) {
            x = x > 0 ? std::min(x, last_x) : 0;  // so that NaN becomes a position too
            y = y > 0 ? std::min(y, last_y) : 0;
        } else if (!(x > -1 && y > -1 && x < last_x + 1 && y < last_y + 1)) {
            for (float& channel : sum) channel += border;
            return;
        }
        const int x0 = static_cast<int>(x + 1) - 1;  // floor, as x > -1; std::floor would be a call into libm
        const int y0 = static_cast<int>(y + 1) - 1;
        const float right = x - static_cast<float>(x0);
        const float lower = y - static_cast<float>(y0);
        if (x0 >= 0 && y0 >= 0 && x0 + 1 < image.size.width && y0 + 1 < image.size.height) {
            const std::uint8_t* above = at(x0, y0);
            const std::uint8_t* below = above + image.row_bytes;
            for (std::size_t c = 0; c < C; ++c) {
                sum[c] += mix(mix(above[c], above[c + C], right), mix(below[c], below[c + C], right), lower);
            }
            return;
        }
        for (std::size_t c = 0; c < C; ++c) {
            sum[c] += mix(mix(near_edge(x0, y0, c), near_edge(x0 + 1, y0, c), right),
                          mix(near_edge(x0, y0 + 1, c), near_edge(x0 + 1, y0 + 1, c), right), lower);
        }
    }

  private:
    static float mix(float a, float b, float share) { return a + share * (b - a); }

    const std::uint8_t* at(int x, int y) const {
        return image.pixels + y * image.row_bytes + std::ptrdiff_t{x} * C;
    }

    float near_edge(int x, int y, std::size_t channel) const {
        if constexpr (outside == Outside::repeat) {
            x = std::min(x, image.size.width - 1);
            y = std::min(y, image.size.height - 1);
        } else if (x < 0 || y < 0 || x >= image.size.width || y >= image.size.height) {
            return border;
        }
        return at(x, y)[channel];
    }
};

// Samples per output pixel along one axis when a step of one output pixel is `step` input pixels. A bilinear
// sample covers two pixels, so this many leave no gap; the bound keeps absurd reductions from taking seconds.
int samples_for(float step) {
    return std::clamp(static_cast<int>(std::ceil(step / 1.5F)), 1, 16);
}

// Fills `out` with `sampler` at `place(x, y)`, the input position of an output position.
template <int C, Outside outside, typename Place>
void fill(Image& out, const Sampler<C, outside>& sampler, const Place& place, int across, int down) {
    std::uint8_t* pixel = out.pixels().data();
    const float share = 1.0F / static_cast<float>(across * down);
    for (int y = 0; y < out.size().height; ++y) {
        for (int x = 0; x < out.size().width; ++x) {
            std::array<float, C> sum{};
            for (int j = 0; j < down; ++j) {
                const float sub_y = (static_cast<float>(j) + 0.5F) / static_cast<float>(down) - 0.5F;
                for (int i = 0; i < across; ++i) {
                    const float sub_x = (static_cast<float>(i) + 0.5F) / static_cast<float>(across) - 0.5F;
                    const Point from = place(static_cast<float>(x) + sub_x, static_cast<float>(y) + sub_y);
                    sampler.add(from.x, from.y, sum);
                }
            }
            for (const float channel : sum) *pixel++ = static_cast<std::uint8_t>(channel * share + 0.5F);
        }
    }
}

template <Outside outside, typename Place>
Image sample(ImageView image, Size out, float border, const Place& place, float step_x, float step_y) {
    Image warped(out, image.format);
    if (image.format == PixelFormat::gray8) {
        fill(warped, Sampler<1, outside>{image, border}, place, samples_for(step_x), samples_for(step_y));
    } else {
        fill(warped, Sampler<3, outside>{image, border}, place, samples_for(step_x), samples_for(step_y));
    }
    return warped;
}

// The part of the image that the output shows, with `margin` around it; never empty.
struct Part {
    int left, top, width, height;
};
template <typename Place>
Part part_shown(Size size, Size out, const Place& place, float margin) {
    const auto right_edge = static_cast<float>(out.width);
    const auto lower_edge = static_cast<float>(out.height);
    const std::array corners{place(0, 0), place(right_edge, 0), place(0, lower_edge),
                             place(right_edge, lower_edge)};
    const auto [min_x, max_x] = std::ranges::minmax(corners, {}, &Point::x);
    const auto [min_y, max_y] = std::ranges::minmax(corners, {}, &Point::y);
    const auto inside = [](float position, int last) {
        return position > 0 ? static_cast<int>(std::min(position, static_cast<float>(last))) : 0;
    };
    const int left = inside(min_x.x - margin, size.width - 1);
    const int top = inside(min_y.y - margin, size.height - 1);
    const int right = inside(max_x.x + margin, size.width - 1);
    const int bottom = inside(max_y.y + margin, size.height - 1);
    return {left, top, std::max(right - left, 0) + 1, std::max(bottom - top, 0) + 1};
}

// `place(x, y)` is the input position of an output position; a step of one output pixel is `step_x` or
// `step_y` input pixels long. What shrinks to half or less is first shrunk by averaging: each input pixel is
// then looked at once, where samples alone would either miss most or cost a hundred for each output pixel.
template <Outside outside, typename Place>
Image warp(ImageView image, Size out, float border, const Place& place, float step_x, float step_y) {
    const float factor = std::min({step_x, step_y, 64.0F});
    if (!(factor >= 2)) return sample<outside>(image, out, border, place, step_x, step_y);

    const Part part = part_shown(image.size, out, place, 2 * factor + 1);
    const ImageView shown{
        image.pixels + part.top * image.row_bytes + std::ptrdiff_t{part.left} * channels_of(image.format),
        {part.width, part.height},
        image.row_bytes,
        image.format};
    const auto shrunk = [&](int length) {
        return std::max(1, static_cast<int>(std::lround(static_cast<float>(length) / factor)));
    };
    const Image small = resize_image(shown, {shrunk(part.width), shrunk(part.height)});
    const float scale_x = static_cast<float>(small.size().width) / static_cast<float>(part.width);
    const float scale_y = static_cast<float>(small.size().height) / static_cast<float>(part.height);
    const auto place_in_small = [&](float x, float y) {
        const Point from = place(x, y);
        return Point{(from.x - static_cast<float>(part.left) + 0.5F) * scale_x - 0.5F,
                     (from.y - static_cast<float>(part.top) + 0.5F) * scale_y - 0.5F};
    };
    return sample<outside>(small.view(), out, border, place_in_small, step_x * scale_x, step_y * scale_y);
}

void require_image(ImageView image) {
    if (!image.pixels || image.size.width <= 0 || image.size.height <= 0) {
        throw Error(ErrorCode::bad_input, "cannot warp an empty image");
    }
}

float distance(Point a, Point b) {
    return std::hypot(a.x - b.x, a.y - b.y);
}

}  // namespace

Image warp_affine(ImageView image, const AffineMatrix& m, Size out, std::uint8_t border) {
    require_image(image);
    if (!std::ranges::all_of(m, [](float number) { return std::isfinite(number); })) {
        throw Error(ErrorCode::bad_input, "the matrix of a warp is not finite");
    }
    const auto place = [&](float x, float y) {
        return Point{m[0] * x + m[1] * y + m[2], m[3] * x + m[4] * y + m[5]};
    };
    return warp<Outside::constant>(image, out, border, place, std::hypot(m[0], m[3]), std::hypot(m[1], m[4]));
}

Image warp_perspective(ImageView image, const std::array<Point, 4>& corners, Size out) {
    require_image(image);
    for (const Point& corner : corners) {
        if (!std::isfinite(corner.x) || !std::isfinite(corner.y)) {
            throw Error(ErrorCode::bad_input, "the corners of a warp are not finite");
        }
    }
    if (out.width <= 0 || out.height <= 0)
        throw Error(ErrorCode::bad_input, "an image needs a positive size");

    // The projective map of the unit square to four points in closed form (Heckbert, "Fundamentals of texture
    // mapping and image warping", 1989, section 2.2.3), in double: the corners of a long text line are nearly
    // parallel.
    const Point tl = corners[0];
    const Point tr = corners[1];
    const Point br = corners[2];
    const Point bl = corners[3];
    const double dx1 = double{tr.x} - br.x;
    const double dx2 = double{bl.x} - br.x;
    const double dx3 = double{tl.x} - tr.x + br.x - bl.x;
    const double dy1 = double{tr.y} - br.y;
    const double dy2 = double{bl.y} - br.y;
    const double dy3 = double{tl.y} - tr.y + br.y - bl.y;
    const double area = dx1 * dy2 - dx2 * dy1;
    if (area == 0 || !std::isfinite(area))
        throw Error(ErrorCode::bad_input, "the corners of a warp lie on one line");
    const double g = (dx3 * dy2 - dx2 * dy3) / area;
    const double h = (dx1 * dy3 - dx3 * dy1) / area;
    const double a = tr.x - tl.x + g * tr.x;
    const double b = bl.x - tl.x + h * bl.x;
    const double d = tr.y - tl.y + g * tr.y;
    const double e = bl.y - tl.y + h * bl.y;
    const auto place = [&](float x, float y) {
        const double u = double{x} / out.width;
        const double v = double{y} / out.height;
        const double w = g * u + h * v + 1;
        // A point on the horizon of an absurd quadrilateral: any colour will do, but it must be a position.
        if (std::abs(w) < 1e-9) return tl;
        return Point{static_cast<float>((a * u + b * v + tl.x) / w),
                     static_cast<float>((d * u + e * v + tl.y) / w)};
    };
    const float step_x = std::max(distance(tl, tr), distance(bl, br)) / static_cast<float>(out.width);
    const float step_y = std::max(distance(tl, bl), distance(tr, br)) / static_cast<float>(out.height);
    return warp<Outside::repeat>(image, out, 0, place, step_x, step_y);
}

Padded resize_padded(ImageView image, Size out, std::uint8_t border) {
    require_image(image);
    Padded padded{Image(out, image.format), 1};
    padded.scale = std::min(static_cast<float>(out.width) / static_cast<float>(image.size.width),
                            static_cast<float>(out.height) / static_cast<float>(image.size.height));
    const auto scaled = [&](int length, int most) {
        return std::clamp(static_cast<int>(std::lround(static_cast<float>(length) * padded.scale)), 1, most);
    };
    const Image resized =
        resize_image(image, {scaled(image.size.width, out.width), scaled(image.size.height, out.height)});
    std::ranges::fill(padded.image.pixels(), border);
    const auto bytes = static_cast<std::size_t>(channels_of(image.format));
    const std::size_t row = static_cast<std::size_t>(resized.size().width) * bytes;
    for (int y = 0; y < resized.size().height; ++y) {
        const auto line = static_cast<std::size_t>(y);
        std::memcpy(padded.image.pixels().data() + line * static_cast<std::size_t>(out.width) * bytes,
                    resized.pixels().data() + line * row, row);
    }
    return padded;
}

}  // namespace eventlens
