#pragma once

#include <array>

#include "eventlens/image.h"

// Cutting tilted pieces out of a photo: faces by a similarity of their landmarks, text by its four corners.
// Coordinates are those of pixel centres, as in OpenCV's warps: (0, 0) is the middle of the top left pixel.
// Sampling is bilinear in f32; where the piece shrinks, each output pixel averages enough samples not to
// alias. All functions are pure, keep the pixel format, and throw Error(bad_input) for an empty image, a size
// that is not positive, or coordinates that are not finite.
namespace eventlens {

// Row by row: x_in = m[0] * x_out + m[1] * y_out + m[2], y_in = m[3] * x_out + m[4] * y_out + m[5].
using AffineMatrix = std::array<float, 6>;

// Outside of the image lies `border` in every channel.
Image warp_affine(ImageView image, const AffineMatrix& output_to_input, Size out, std::uint8_t border = 0);

// The quadrilateral `corners` (top left, top right, bottom right, bottom left) as an upright picture of size
// `out`; the corners come to lie at (0, 0), (width, 0), (width, height), (0, height). Outside of the image
// its edge is repeated.
Image warp_perspective(ImageView image, const std::array<Point, 4>& corners, Size out);

// The whole image, shrunk or grown by one factor to fit `out`, at the top left; the rest is `border`.
struct Padded {
    Image image;
    float scale =
        1;  // x_padded = scale * x_image, measured from the corner of the image, not from a pixel's centre
};
Padded resize_padded(ImageView image, Size out, std::uint8_t border = 0);

}  // namespace eventlens
