#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "eventlens/storage.h"

namespace eventlens {

// What errno means to our callers. `doing` says what failed: "cannot read x".
Error file_error(int reason, const std::string& doing);

// The path's file, links followed. Nothing for what is neither file nor folder, or for a folder.
// Throws as file_error() says.
std::optional<StoredObject> describe_file(const std::string& path, std::string key);

// The whole file; see Source::read().
std::vector<std::byte> read_file(const std::string& path, std::int64_t max_bytes);

// The same by ranges; see Source::open().
std::shared_ptr<const ByteSource> open_file(const std::string& path);

// Nanoseconds since 1970, of a stat.
template <typename Time>
std::int64_t nanoseconds_of(const Time& time) {
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace eventlens
