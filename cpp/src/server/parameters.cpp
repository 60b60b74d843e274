#include "server/parameters.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <set>

#include <nlohmann/json.hpp>

#include "base/uuid.h"
#include "server/replies.h"

namespace eventlens::server {

namespace {

using nlohmann::json;

constexpr std::size_t deepest_json = 32;

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool is_json(std::string_view content_type) {
    const std::string type = media_type_of(content_type);
    return type == "application/json" || (type.starts_with("application/") && type.ends_with("+json"));
}

// Refuses what a parser would quietly accept: the same key twice, and nesting that eats the stack.
class StrictJson {
  public:
    bool operator()(int depth, json::parse_event_t event, json& value) {
        if (static_cast<std::size_t>(depth) > deepest_json)
            throw Refusal(422, "body: JSON is nested too deeply");
        if (event == json::parse_event_t::object_start) keys_.emplace_back();
        if (event == json::parse_event_t::object_end) keys_.pop_back();
        if (event == json::parse_event_t::key && !keys_.back().insert(value.get<std::string>()).second)
            throw Refusal(422, "body: the same key is given twice");
        return true;
    }

  private:
    std::vector<std::set<std::string>> keys_;
};

}  // namespace

std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_space) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%') {
            if (i + 2 >= text.size()) return std::nullopt;
            const int high = hex_digit(text[i + 1]);
            const int low = hex_digit(text[i + 2]);
            if (high < 0 || low < 0) return std::nullopt;
            decoded.push_back(static_cast<char>(high * 16 + low));
            i += 2;
        } else {
            decoded.push_back(plus_is_space && text[i] == '+' ? ' ' : text[i]);
        }
    }
    return decoded;
}

std::string media_type_of(std::string_view content_type) {
    const std::string_view type = content_type.substr(0, content_type.find(';'));
    const std::size_t end = type.find_last_not_of(" \t");
    std::string lower(type.substr(0, end == std::string_view::npos ? 0 : end + 1));
    std::ranges::transform(lower, lower.begin(), [](char c) {
        return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    });
    return lower;
}

bool is_utf8(std::string_view text) {
    // nlohmann's own check: shortest forms only, no surrogates, nothing above U+10FFFF.
    try {
        (void)json(text).dump();
        return true;
    } catch (const json::type_error&) {
        return false;
    }
}

std::size_t characters_in(std::string_view text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::optional<std::int64_t> integer_of(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

void Mistakes::refuse() const {
    if (all_.empty()) return;
    std::string message;
    for (const auto& [where, what] : all_) {
        if (!message.empty()) message += "; ";
        message += where;
        message += ": ";
        message += what;
    }
    throw Refusal(422, message);
}

Query::Query(std::string_view text, Mistakes& mistakes) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('&'), text.size());
        const std::string_view pair = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (pair.empty()) continue;
        const std::size_t equals = std::min(pair.find('='), pair.size());
        auto name = percent_decoded(pair.substr(0, equals), true);
        auto value = percent_decoded(pair.substr(std::min(equals + 1, pair.size())), true);
        if (!name || !value || !is_utf8(*name) || !is_utf8(*value)) {
            mistakes.add("query", "Input should be percent-encoded UTF-8");
            continue;
        }
        all_.emplace_back(*std::move(name), *std::move(value));
    }
}

std::optional<std::string_view> Query::get(std::string_view name) const {
    for (auto pair = all_.rbegin(); pair != all_.rend(); ++pair) {
        if (pair->first == name) return pair->second;
    }
    return std::nullopt;
}

std::int64_t Query::integer(std::string_view name, std::optional<std::int64_t> otherwise, std::int64_t least,
                            std::int64_t greatest, Mistakes& mistakes) const {
    const std::string where = "query." + std::string(name);
    const auto text = get(name);
    if (!text) {
        if (!otherwise) mistakes.add(where, "Field required");
        return otherwise.value_or(0);
    }
    const auto value = integer_of(*text);
    if (!value) {
        mistakes.add(where, "Input should be a valid integer");
    } else if (*value < least) {
        mistakes.add(where, "Input should be greater than or equal to " + std::to_string(least));
    } else if (*value > greatest) {
        mistakes.add(where, "Input should be less than or equal to " + std::to_string(greatest));
    }
    return value.value_or(0);
}

double Query::number(std::string_view name, Mistakes& mistakes) const {
    const std::string where = "query." + std::string(name);
    const auto text = get(name);
    if (!text) {
        mistakes.add(where, "Field required");
        return 0;
    }
    double value = 0;
    const auto [end, failed] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (failed != std::errc{} || end != text->data() + text->size() || !std::isfinite(value)) {
        mistakes.add(where, "Input should be a valid number");
        return 0;
    }
    return value;
}

std::int64_t Page::offset(std::int64_t total) const {
    if (number - 1 > total / size) return total;  // also keeps the product within 64 bits
    return std::min((number - 1) * size, total);
}

Page page_of(const Query& query, std::int64_t default_size, std::int64_t greatest_size, Mistakes& mistakes) {
    Page page;
    page.number = query.integer("page", 1, 1, std::numeric_limits<std::int64_t>::max(), mistakes);
    page.size = query.integer("page_size", default_size, 1, greatest_size, mistakes);
    return page;
}

json pagination_of(const Page& page, std::int64_t total) {
    if (total == 0) {
        return {{"total", 0},           {"currentPage", 0},         {"totalPages", 0},
                {"hasNextPage", false}, {"hasPreviousPage", false}, {"page_size", page.size}};
    }
    const std::int64_t pages = (total + page.size - 1) / page.size;
    return {{"total", total},
            {"currentPage", page.number},
            {"totalPages", pages},
            {"hasNextPage", page.number < pages},
            {"hasPreviousPage", page.number > 1},
            {"page_size", page.size}};
}

std::int64_t path_integer(const Request& request, std::string_view name) {
    const auto value = integer_of(request.parameter(name));
    if (!value) throw Refusal(422, "path." + std::string(name) + ": Input should be a valid integer");
    return *value;
}

std::string uuid_of(std::string_view text, std::string_view name) {
    const auto uuid = parse_uuid(text);
    if (!uuid) throw Refusal(400, std::string(name) + " is not a valid UUID");
    return uuid_text(*uuid);
}

json json_body(const Request& request) {
    const auto type = request.headers.get("Content-Type");
    if (!type || !is_json(*type)) throw Refusal(415, "The body must be application/json");
    StrictJson strict;
    // The parser takes a zero byte for the end of its input, whatever follows.
    if (request.body.find('\0') != std::string::npos) throw Refusal(422, "body: Input should be valid JSON");
    json value = json::parse(request.body, std::ref(strict), false);
    if (value.is_discarded()) throw Refusal(422, "body: Input should be valid JSON");
    if (!value.is_object()) throw Refusal(422, "body: Input should be an object");
    return value;
}

}  // namespace eventlens::server
