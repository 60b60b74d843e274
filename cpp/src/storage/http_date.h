#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace eventlens {

// Times as HTTP headers hold them (RFC 9110): "Sun, 06 Nov 1994 08:49:37 GMT". Seconds since 1970-01-01 UTC.
std::string http_date(std::int64_t seconds);

// Nothing when `text` is no such time.
std::optional<std::int64_t> parse_http_date(std::string_view text);

// "1994-11-06T08:49:37Z"
std::string iso_time(std::int64_t seconds);

}  // namespace eventlens
