#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace eventlens {

// Base64 as in RFC 4648, with '+', '/' and padding.
std::string base64_text(std::span<const std::byte> bytes);

// Nothing when `text` is not exactly what base64_text() writes.
std::optional<std::vector<std::byte>> parse_base64(std::string_view text);

}  // namespace eventlens
