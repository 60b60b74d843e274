#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "storage/pages.h"

namespace eventlens::s3 {

// A reply to ListObjectsV2. Nothing for what is no whole page: the reply was cut off, or is something else.
std::optional<Page> parse_page(std::string_view xml);

// What a server says went wrong.
struct Problem {
    std::string code{};     // "NoSuchKey"; letters and digits
    std::string message{};  // of one line
    std::string region{};   // where the bucket is
};

// Empty where the body is no error of S3's.
Problem parse_problem(std::string_view xml);

// "2026-11-22T09:30:00.000Z" in nanoseconds since 1970; nothing for other texts.
std::optional<std::int64_t> parse_iso_time(std::string_view text);

}  // namespace eventlens::s3
