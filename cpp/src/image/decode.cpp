#include <algorithm>
#include <array>
#include <new>
#include <string>
#include <string_view>

#include "eventlens/error.h"
#include "image/codec.h"
#include "image/colour_profile.h"
#include "image/upright.h"

namespace eventlens {

namespace {

enum class Format { jpeg, png, webp, tiff, heic, unknown };

// By the first bytes; names lie.
Format format_of(std::span<const std::byte> encoded) {
    const std::string_view head(reinterpret_cast<const char*>(encoded.data()),
                                std::min<std::size_t>(encoded.size(), 12));
    const auto at = [&](std::size_t begin, std::string_view text) {
        return head.size() >= begin + text.size() && head.substr(begin, text.size()) == text;
    };
    if (at(0, "\xFF\xD8\xFF")) return Format::jpeg;
    if (at(0, "\x89PNG\r\n\x1A\n")) return Format::png;
    if (at(0, "RIFF") && at(8, "WEBP")) return Format::webp;
    // Little and big endian, each classic and with 64-bit offsets.
    if (at(0, {"II*\0", 4}) || at(0, {"MM\0*", 4}) || at(0, {"II+\0", 4}) || at(0, {"MM\0+", 4}))
        return Format::tiff;
    if (at(4, "ftyp")) {
        static constexpr std::array<std::string_view, 8> brands{"heic", "heix", "heim", "heis",
                                                                "hevc", "hevx", "mif1", "msf1"};
        if (std::ranges::any_of(brands, [&](std::string_view brand) { return at(8, brand); }))
            return Format::heic;
    }
    return Format::unknown;
}

Decoded decode(std::span<const std::byte> encoded, const DecodeOptions& options) {
    if (encoded.empty()) throw Error(ErrorCode::bad_input, "the file is empty");
    switch (format_of(encoded)) {
        case Format::jpeg: return decode_jpeg(encoded, options);
        case Format::png: return decode_png(encoded, options.limits);
        case Format::webp: return decode_webp(encoded, options.limits);
        case Format::tiff: return decode_tiff(encoded, options.limits);
        case Format::heic: return decode_heic(encoded, options.limits);
        case Format::unknown: break;
    }
    throw Error(ErrorCode::unsupported, "not a JPEG, PNG, WebP, TIFF or HEIC file");
}

}  // namespace

Size checked_size(std::uint64_t width, std::uint64_t height, const DecodeLimits& limits) {
    constexpr std::uint64_t longest = 1'000'000;  // keeps products and row sizes far from overflow
    if (width == 0 || height == 0) throw Error(ErrorCode::bad_input, "the image has no pixels");
    if (width > longest || height > longest ||
        limits.max_pixels < static_cast<std::int64_t>(width * height)) {
        throw Error(ErrorCode::bad_input, "the image is too large: " + std::to_string(width) + " x " +
                                              std::to_string(height) + " pixels, allowed are " +
                                              std::to_string(limits.max_pixels));
    }
    return {static_cast<int>(width), static_cast<int>(height)};
}

void blend_over_white(const std::uint8_t* rgba, std::size_t count, std::uint8_t* rgb) {
    for (std::size_t i = 0; i < count; ++i, rgba += 4, rgb += 3) {
        const unsigned alpha = rgba[3];
        for (int c = 0; c < 3; ++c) {
            rgb[c] = static_cast<std::uint8_t>((rgba[c] * alpha + 255 * (255 - alpha) + 127) / 255);
        }
    }
}

DecodedPhoto decode_photo(std::span<const std::byte> encoded, const DecodeOptions& options) {
    try {
        Decoded decoded = decode(encoded, options);
        DecodedPhoto photo;
        photo.metadata = interpret(decoded.exif);
        if (decoded.upright) photo.metadata.orientation = 1;
        photo.full_size = upright_size(decoded.full_size, photo.metadata.orientation);
        photo.image = turn_upright(std::move(decoded.image), photo.metadata.orientation);
        if (describes_rgb(decoded.colour_profile)) photo.colour_profile = std::move(decoded.colour_profile);
        return photo;
    } catch (const std::bad_alloc&) {
        throw Error(ErrorCode::overloaded, "no memory for the photo");
    }
}

Image decode_image(std::span<const std::byte> encoded, const DecodeLimits& limits) {
    return decode_photo(encoded, {.limits = limits}).image;
}

}  // namespace eventlens
