#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <string_view>

#include "eventlens/error.h"
#include "image/codec.h"

namespace eventlens {

namespace {

constexpr std::size_t largest_file = 20'000'000;  // bytes
constexpr std::int64_t most_pixels = 50'000'000;
constexpr std::size_t sizes_kept = 4;

// Ready to be added to pixels that leave room for it: colours are multiplied by alpha, so that shrinking
// mixes no colour of an invisible pixel into its neighbours.
struct Layer {
    Image colours;  // RGB
    Image alpha;    // grey
};

std::uint8_t multiplied(unsigned a, unsigned b) {
    return static_cast<std::uint8_t>((a * b + 127) / 255);
}

Layer layer_of(const Artwork& artwork) {
    Layer layer{Image(artwork.size, PixelFormat::rgb8), Image(artwork.size, PixelFormat::gray8)};
    const std::uint8_t* from = artwork.rgba.data();
    std::uint8_t* colour = layer.colours.pixels().data();
    for (std::uint8_t& alpha : layer.alpha.pixels()) {
        alpha = from[3];
        for (int c = 0; c < 3; ++c) *colour++ = multiplied(from[c], alpha);
        from += 4;
    }
    return layer;
}

Layer scaled(const Layer& layer, Size size, double opacity) {
    Layer result{resize_image(layer.colours.view(), size), resize_image(layer.alpha.view(), size)};
    const auto share = static_cast<unsigned>(std::lround(opacity * 255));
    for (Image* image : {&result.colours, &result.alpha})
        for (std::uint8_t& value : image->pixels()) value = multiplied(value, share);
    return result;
}

void require(bool fine, const char* what) {
    if (!fine) throw Error(ErrorCode::bad_input, what);
}

// Where something of `length` begins between 0 and `end`: 0 near the start, 1 in the middle, 2 near the end.
int begin_of(int part, int length, int margin, int end) {
    if (part == 0) return margin;
    return part == 1 ? (end - length) / 2 : end - margin - length;
}

}  // namespace

struct Watermark::Impl {
    Impl(Layer of_artwork, const WatermarkLayout& wanted) : layer(std::move(of_artwork)), layout(wanted) {}

    const Layer layer;
    const WatermarkLayout layout;
    std::mutex mutex;
    std::map<std::pair<int, int>, std::shared_ptr<const Layer>> by_size;  // as laid over recent photos

    std::shared_ptr<const Layer> of_size(Size size) {
        {
            const std::lock_guard lock(mutex);
            if (const auto known = by_size.find({size.width, size.height}); known != by_size.end())
                return known->second;
        }
        auto made = std::make_shared<const Layer>(scaled(layer, size, layout.opacity));
        const std::lock_guard lock(mutex);
        if (by_size.size() >= sizes_kept) by_size.clear();
        by_size.emplace(std::pair(size.width, size.height), made);
        return made;
    }
};

Watermark::Watermark(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Watermark::Watermark(Watermark&&) noexcept = default;
Watermark& Watermark::operator=(Watermark&&) noexcept = default;
Watermark::~Watermark() = default;

Watermark Watermark::open(std::span<const std::byte> png, const WatermarkLayout& layout) {
    require(layout.width > 0 && layout.width <= 1, "a watermark's width is a share of the photo, 0 to 1");
    require(layout.margin >= 0 && layout.margin <= 0.4, "a watermark's margin is a share, 0 to 0.4");
    require(layout.opacity >= 0 && layout.opacity <= 1, "a watermark's opacity is 0 to 1");
    require(png.size() <= largest_file, "the watermark's file is larger than 20 MB");
    constexpr std::string_view signature = "\x89PNG\r\n\x1A\n";
    const std::string_view head(reinterpret_cast<const char*>(png.data()),
                                std::min(png.size(), signature.size()));
    if (head != signature) throw Error(ErrorCode::unsupported, "the watermark is not a PNG file");
    return Watermark(
        std::make_unique<Impl>(layer_of(decode_png_artwork(png, {.max_pixels = most_pixels})), layout));
}

Rect Watermark::place_on(Size photo) const {
    const WatermarkLayout& layout = impl_->layout;
    const Size art = impl_->layer.alpha.size();
    const int margin = static_cast<int>(std::lround(std::min(photo.width, photo.height) * layout.margin));
    const double room_x = std::max(1, photo.width - 2 * margin);
    const double room_y = std::max(1, photo.height - 2 * margin);
    const double scale =
        std::min({photo.width * layout.width / art.width, room_x / art.width, room_y / art.height});
    const auto length = [&](int of_art, double room) {
        return static_cast<int>(std::clamp(std::round(of_art * scale), 1.0, room));
    };
    const int width = length(art.width, room_x);
    const int height = length(art.height, room_y);
    const int place = static_cast<int>(layout.place);
    return {static_cast<float>(begin_of(place % 3, width, margin, photo.width)),
            static_cast<float>(begin_of(place / 3, height, margin, photo.height)), static_cast<float>(width),
            static_cast<float>(height)};
}

void Watermark::lay_over(Image& photo) const {
    require(photo.format() == PixelFormat::rgb8 && photo.size().width > 0, "a watermark needs an RGB photo");
    const Rect box = place_on(photo.size());
    const Size size{static_cast<int>(box.width), static_cast<int>(box.height)};
    const std::shared_ptr<const Layer> layer = impl_->of_size(size);
    const std::uint8_t* colour = layer->colours.pixels().data();
    const std::uint8_t* alpha = layer->alpha.pixels().data();
    const std::ptrdiff_t row_bytes = std::ptrdiff_t{photo.size().width} * 3;
    std::uint8_t* row = photo.pixels().data() + static_cast<std::ptrdiff_t>(box.y) * row_bytes +
                        static_cast<std::ptrdiff_t>(box.x) * 3;
    for (int y = 0; y < size.height; ++y, row += row_bytes) {
        std::uint8_t* pixel = row;
        for (int x = 0; x < size.width; ++x, pixel += 3, colour += 3) {
            const unsigned free = 255U - *alpha++;
            for (int c = 0; c < 3; ++c)
                pixel[c] = static_cast<std::uint8_t>(colour[c] + multiplied(pixel[c], free));
        }
    }
}

}  // namespace eventlens
