#include "server/http_message.h"

#include <algorithm>

namespace eventlens::server {

namespace {

char lower(char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

bool same_name(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

std::optional<std::string_view> Headers::get(std::string_view name) const {
    for (const auto& [known, value] : all_) {
        if (same_name(known, name)) return value;
    }
    return std::nullopt;
}

std::size_t Headers::count(std::string_view name) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(all_, [&](const auto& header) { return same_name(header.first, name); }));
}

}  // namespace eventlens::server
