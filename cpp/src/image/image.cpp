#include "eventlens/image.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "eventlens/error.h"

namespace eventlens {

namespace {

std::size_t checked_bytes(Size size, PixelFormat format) {
    if (size.width <= 0 || size.height <= 0)
        throw Error(ErrorCode::bad_input, "an image needs a positive size");
    return static_cast<std::size_t>(size.width) * static_cast<std::size_t>(size.height) *
           static_cast<std::size_t>(channels_of(format));
}

}  // namespace

Image::Image(Size size, PixelFormat format)
    : size_(size), format_(format), pixels_(checked_bytes(size, format)) {}

ImageView Image::view() const noexcept {
    return {pixels_.data(), size_, std::ptrdiff_t{size_.width} * channels_of(format_), format_};
}

Size size_within(Size size, int long_side) {
    const int longest = std::max(size.width, size.height);
    if (longest <= long_side) return size;
    const double scale = static_cast<double>(long_side) / longest;
    const auto shrunk = [&](int side) { return std::max(1, static_cast<int>(std::lround(side * scale))); };
    return {shrunk(size.width), shrunk(size.height)};
}

Image crop_image(ImageView image, Rect box) {
    // Clamped before the conversion: a float may be far outside of what an int can hold. NaN comes out as 0.
    const auto clamped = [](float position, int end) {
        return position > 0 ? static_cast<int>(std::lround(std::min(position, static_cast<float>(end)))) : 0;
    };
    const int left = clamped(box.x, image.size.width);
    const int top = clamped(box.y, image.size.height);
    const int right = clamped(box.x + box.width, image.size.width);
    const int bottom = clamped(box.y + box.height, image.size.height);
    if (!image.pixels || right <= left || bottom <= top) {
        throw Error(ErrorCode::bad_input, "the box lies outside of the image");
    }
    Image cropped({right - left, bottom - top}, image.format);
    const auto bytes = static_cast<std::size_t>(channels_of(image.format));
    const std::size_t row = static_cast<std::size_t>(right - left) * bytes;
    std::uint8_t* out = cropped.pixels().data();
    for (int y = top; y < bottom; ++y, out += row) {
        std::memcpy(out, image.pixels + y * image.row_bytes + static_cast<std::size_t>(left) * bytes, row);
    }
    return cropped;
}

}  // namespace eventlens
