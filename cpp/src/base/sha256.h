#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

namespace eventlens {

std::array<std::byte, 32> sha256(std::span<const std::byte> bytes);

// 64 lower-case hex digits.
std::string sha256_hex(std::span<const std::byte> bytes);

// Of a file's contents. Throws Error(not_found) when it cannot be opened or read.
std::string sha256_hex_of_file(const std::filesystem::path& path);

}  // namespace eventlens
