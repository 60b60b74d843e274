#include "storage/url.h"

#include <optional>

#include "eventlens/error.h"

namespace eventlens {

namespace {

constexpr std::string_view hex_digits = "0123456789ABCDEF";
constexpr std::string_view unreserved = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";

std::optional<unsigned> hex_value(std::string_view text, std::size_t at) {
    if (at >= text.size()) return std::nullopt;
    const char c = text[at];
    const std::size_t value = hex_digits.find(c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c);
    if (value == std::string_view::npos) return std::nullopt;
    return static_cast<unsigned>(value);
}

// "user:password@bucket", or what is left of it where the password holds a '/'.
bool holds_user(std::string_view authority) {
    return authority.find_first_of("@:") != std::string_view::npos;
}

}  // namespace

std::string percent_encoded(std::string_view text, std::string_view keep) {
    std::string encoded;
    encoded.reserve(text.size());
    for (const char c : text) {
        if (unreserved.find(c) != std::string_view::npos || keep.find(c) != std::string_view::npos) {
            encoded += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            encoded += '%';
            encoded += hex_digits[byte >> 4];
            encoded += hex_digits[byte & 15];
        }
    }
    return encoded;
}

std::string percent_decoded(std::string_view text) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%') {
            const auto high = hex_value(text, i + 1);
            const auto low = hex_value(text, i + 2);
            if (!high || !low)
                throw Error(ErrorCode::bad_input,
                            "a '%' must have two hex digits behind it; itself it is %25");
            c = static_cast<char>(*high * 16 + *low);
            i += 2;
        }
        if (c == '\0') throw Error(ErrorCode::bad_input, "a name holds a zero byte");
        decoded += c;
    }
    return decoded;
}

std::string query_text(const Query& query) {
    std::string text;
    for (const auto& [name, value] : query) {
        if (!text.empty()) text += '&';
        text += percent_encoded(name) + '=' + percent_encoded(value, ":/");
    }
    return text;
}

Query parse_query(std::string_view text) {
    Query query;
    while (!text.empty()) {
        const std::string_view part = text.substr(0, text.find('&'));
        text.remove_prefix(part.size());
        if (!text.empty()) text.remove_prefix(1);
        if (part.empty()) continue;
        const std::size_t equals = part.find('=');
        const std::string name = percent_decoded(part.substr(0, equals));
        const auto value = equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1);
        if (!query.emplace(name, percent_decoded(value)).second)
            throw Error(ErrorCode::bad_input, "the parameter " + name + " is given twice");
    }
    return query;
}

Location parse_location(std::string_view location) {
    Location parts;
    const std::string_view before_query = location.substr(0, location.find('?'));
    const std::size_t end = before_query.find("://");
    if (end == std::string_view::npos || before_query.substr(0, end).find('/') != std::string_view::npos) {
        parts.path = location;  // where '%' and '?' are letters like others
        return parts;
    }
    try {
        parts.scheme = before_query.substr(0, end);
        std::string_view rest = before_query.substr(end + 3);
        parts.authority = rest.substr(0, rest.find('/'));
        if (holds_user(parts.authority))
            throw Error(ErrorCode::bad_input, "credentials do not belong into a location");
        parts.path = percent_decoded(rest.substr(parts.authority.size()));
        if (before_query.size() < location.size())
            parts.query = parse_query(location.substr(before_query.size() + 1));
    } catch (const Error& error) {
        const std::string place =
            holds_user(parts.authority) ? parts.scheme + "://..." : std::string(before_query);
        throw Error(error.code(), "cannot open " + place + ": " + error.what());
    }
    return parts;
}

}  // namespace eventlens
