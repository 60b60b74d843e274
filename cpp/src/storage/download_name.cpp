#include "storage/download_name.h"

#include <algorithm>

#include "storage/url.h"

namespace eventlens {

std::string content_disposition(std::string_view download_name) {
    // Quotes and escapes are read differently by different browsers, and a '%' is decoded by some.
    const auto plain = [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\' && c != '%'; };
    std::string ascii(download_name);
    std::ranges::replace_if(
        ascii, [&](char c) { return !plain(c); }, '_');
    std::string header = "attachment; filename=\"" + ascii + '"';
    if (ascii != download_name) header += "; filename*=UTF-8''" + percent_encoded(download_name);
    return header;
}

}  // namespace eventlens
