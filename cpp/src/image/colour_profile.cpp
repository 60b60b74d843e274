#include "image/colour_profile.h"

#include <cstdint>
#include <cstring>
#include <string_view>

namespace eventlens {

namespace {

// Cameras and phones write 0.5 to 4 kB, printers and scanners up to some hundred.
constexpr std::size_t largest = 1 << 20;

// Of ICC.1, "profile header": 128 bytes, numbers big endian.
constexpr std::size_t header_bytes = 128;
constexpr std::size_t colour_space_at = 16;
constexpr std::size_t signature_at = 36;

}  // namespace

bool describes_rgb(std::span<const std::byte> profile) {
    if (profile.size() < header_bytes || profile.size() > largest) return false;
    const auto has = [&](std::size_t at, std::string_view text) {
        return std::memcmp(profile.data() + at, text.data(), text.size()) == 0;
    };
    std::uint32_t declared_bytes = 0;
    for (std::size_t i = 0; i < 4; ++i)
        declared_bytes = declared_bytes << 8 | std::to_integer<std::uint32_t>(profile[i]);
    return declared_bytes >= header_bytes && declared_bytes <= profile.size() && has(signature_at, "acsp") &&
           has(colour_space_at, "RGB ");
}

}  // namespace eventlens
