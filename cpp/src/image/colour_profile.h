#pragma once

#include <cstddef>
#include <span>

namespace eventlens {

// Whether these bytes look like an ICC profile that says what RGB pixels mean, and one worth carrying along.
// Only its head is read.
bool describes_rgb(std::span<const std::byte> profile);

}  // namespace eventlens
