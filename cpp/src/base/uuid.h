#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace eventlens {

using Uuid = std::array<std::uint8_t, 16>;

// A random one (version 4, RFC 4122), from the system's own random numbers: two processes, forked ones too,
// never make the same.
Uuid make_uuid();

// Lower case, with hyphens: "0f6d2c1e-7a55-4c0b-9b1e-5f0f4a3e9d10".
std::string uuid_text(const Uuid& uuid);

// Of any version and in either case; nothing when `text` is not a UUID with its hyphens.
std::optional<Uuid> parse_uuid(std::string_view text);

}  // namespace eventlens
