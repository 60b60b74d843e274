#pragma once

#include <cstddef>
#include <span>

namespace eventlens {

// Fills `bytes` with the system's own random numbers: nobody can foretell them. Throws Error(internal) when
// there are none to be had.
void fill_random(std::span<std::byte> bytes);

}  // namespace eventlens
