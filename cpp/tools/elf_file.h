#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "eventlens/error.h"

namespace eventlens {

// Data inside a shared library for 64-bit x86, read from the file without loading it: none of its code runs,
// and any machine can do it. Addresses are the library's own, as its symbols give them. Every method throws
// Error(bad_input) where the file is not such a library or ends too early.
class ElfFile {
  public:
    // Throws Error(not_found) when the file cannot be opened or read.
    explicit ElfFile(const std::filesystem::path& path);

    // The address of an exported symbol.
    std::uint64_t address_of(std::string_view symbol) const;

    // The pointer that the loader would write at `address`.
    std::uint64_t pointer_at(std::uint64_t address) const;

    template <typename T>
    T value_at(std::uint64_t address) const {
        static_assert(std::is_trivially_copyable_v<T>);
        T value;
        std::memcpy(&value, bytes_at(address, sizeof value).data(), sizeof value);
        return value;
    }

    std::vector<float> floats_at(std::uint64_t address, std::size_t count) const;

  private:
    struct Segment {
        std::uint64_t address;
        std::uint64_t offset;
        std::uint64_t size;
    };

    [[noreturn]] void complain(const std::string& what) const;
    std::span<const std::byte> file_bytes(std::uint64_t offset, std::uint64_t size) const;
    std::span<const std::byte> bytes_at(std::uint64_t address, std::uint64_t size) const;
    void read_segments();
    void read_sections();

    std::string name_;
    std::vector<std::byte> bytes_;
    std::vector<Segment> segments_;
    std::map<std::string, std::uint64_t, std::less<>> symbols_;
    std::map<std::uint64_t, std::uint64_t> pointers_;  // where the loader writes → what it writes
};

}  // namespace eventlens
