#include <cstddef>
#include <cstdint>
#include <span>

#include "eventlens/error.h"
#include "eventlens/image.h"

// Any bytes: a whole, upright photo within the limits, or an Error. Nothing else.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::int64_t max_pixels = 1 << 18;
    // Some byte behind the formats' marks chooses how far a JPEG may be reduced.
    const int enough = size > 20 ? data[20] : 0;
    try {
        const auto photo = eventlens::decode_photo(std::as_bytes(std::span(data, size)),
                                                   {.limits = {max_pixels}, .enough_long_side = enough});
        const auto& [width, height] = photo.full_size;
        if (width <= 0 || height <= 0 || std::int64_t{width} * height > max_pixels) __builtin_trap();
        if (photo.image.size().width > width || photo.image.size().height > height) __builtin_trap();
        for (const char c : photo.metadata.camera) {
            if (c < 0x20 || c > 0x7E) __builtin_trap();
        }
    } catch (const eventlens::Error&) {
    }
    return 0;
}
