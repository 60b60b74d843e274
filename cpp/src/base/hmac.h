#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

namespace eventlens {

// HMAC-SHA256 (RFC 2104): what requests to storage services are signed with.
std::array<std::byte, 32> hmac_sha256(std::span<const std::byte> key, std::string_view message);

}  // namespace eventlens
