#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "eventlens/image.h"
#include "image/exif.h"

// One decoder per format, each around its own library. decode_photo() picks one by the file's first bytes and
// turns the result upright. Each throws Error(bad_input) for broken, cut short or oversized input and
// Error(unsupported) for kinds of its format that it cannot read, checks the size before it allocates pixels,
// prints nothing and keeps no state: safe to call from many threads.
namespace eventlens {

struct Decoded {
    Image image;     // RGB, as stored (not yet turned by EXIF)
    Size full_size;  // of the stored picture, before any reduction
    ExifFields exif;
    std::vector<std::byte> colour_profile;  // whatever the file holds; decode_photo() looks at it
    bool upright =
        false;  // the format has turned the pixels itself; EXIF's orientation is only informational
};

Decoded decode_jpeg(std::span<const std::byte> encoded, const DecodeOptions& options);
Decoded decode_png(std::span<const std::byte> encoded, const DecodeLimits& limits);
Decoded decode_webp(std::span<const std::byte> encoded, const DecodeLimits& limits);
Decoded decode_tiff(std::span<const std::byte> encoded, const DecodeLimits& limits);
Decoded decode_heic(std::span<const std::byte> encoded, const DecodeLimits& limits);

// A PNG's pixels with straight (not premultiplied) alpha; without a transparent pixel it is 255 throughout.
struct Artwork {
    Size size;
    std::vector<std::uint8_t> rgba;
};
Artwork decode_png_artwork(std::span<const std::byte> encoded, const DecodeLimits& limits);

// Returns the size as Size when it is positive and within the limits; else throws Error(bad_input).
Size checked_size(std::uint64_t width, std::uint64_t height, const DecodeLimits& limits);

// Writes `rgba`, `count` pixels of straight (not premultiplied) alpha, over white as RGB.
void blend_over_white(const std::uint8_t* rgba, std::size_t count, std::uint8_t* rgb);

}  // namespace eventlens
