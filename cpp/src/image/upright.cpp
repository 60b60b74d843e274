#include "image/upright.h"

#include <algorithm>
#include <cstring>

namespace eventlens {

Size upright_size(Size stored, int orientation) {
    return orientation >= 5 ? Size{stored.height, stored.width} : stored;
}

Image turn_upright(Image stored, int orientation) {
    if (orientation <= 1 || orientation > 8) return stored;
    const bool exchanged = orientation >= 5;
    // Where the upright picture's first pixel is stored: mirrored sideways, upside down, or both.
    const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    const bool from_bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    constexpr std::ptrdiff_t pixel = 3;
    const ImageView from = stored.view();
    const std::ptrdiff_t along_row = from_right ? -pixel : pixel;
    const std::ptrdiff_t along_column = from_bottom ? -from.row_bytes : from.row_bytes;
    const std::uint8_t* origin = from.pixels + (from_right ? (from.size.width - 1) * pixel : 0) +
                                 (from_bottom ? (from.size.height - 1) * from.row_bytes : 0);
    const std::ptrdiff_t step_x = exchanged ? along_column : along_row;
    const std::ptrdiff_t step_y = exchanged ? along_row : along_column;

    Image upright(upright_size(stored.size(), orientation), stored.format());
    const Size size = upright.size();
    const std::ptrdiff_t row_bytes = size.width * pixel;
    // In squares, because walking down whole columns of a large picture misses the cache at every pixel.
    constexpr int side = 32;
    for (int top = 0; top < size.height; top += side) {
        for (int left = 0; left < size.width; left += side) {
            for (int y = top; y < std::min(top + side, size.height); ++y) {
                const std::uint8_t* in = origin + left * step_x + y * step_y;
                std::uint8_t* out = upright.pixels().data() + y * row_bytes + left * pixel;
                for (int x = left; x < std::min(left + side, size.width); ++x, in += step_x, out += pixel) {
                    std::memcpy(out, in, pixel);
                }
            }
        }
    }
    return upright;
}

}  // namespace eventlens
