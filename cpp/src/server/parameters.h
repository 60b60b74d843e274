#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "server/http_message.h"

// What a request asks for, checked. Mistakes are collected and answered together, as 422 with a message like
// "query.page: Input should be a valid integer; query.page_size: Input should be less than or equal to 100".
namespace eventlens::server {

// The bytes that percent-encoded text stands for; nothing when a '%' is not followed by two hex digits.
std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_space = false);

bool is_utf8(std::string_view text);

// Of text that is UTF-8.
std::size_t characters_in(std::string_view text);

// "Application/JSON; charset=utf-8" -> "application/json"
std::string media_type_of(std::string_view content_type);

// A whole decimal number within 64 bits.
std::optional<std::int64_t> integer_of(std::string_view text);

class Mistakes {
  public:
    void add(std::string where, std::string what) { all_.emplace_back(std::move(where), std::move(what)); }
    bool any() const { return !all_.empty(); }

    // Throws Refusal(422) if there are any.
    void refuse() const;

  private:
    std::vector<std::pair<std::string, std::string>> all_;
};

// The query of a URL. Of a name given twice the last counts.
class Query {
  public:
    // What is not decodable is a mistake.
    Query(std::string_view text, Mistakes& mistakes);

    std::optional<std::string_view> get(std::string_view name) const;

    // The number, `otherwise` if it is absent. One that is none or out of range is a mistake, and so is one
    // that is absent without an `otherwise`.
    std::int64_t integer(std::string_view name, std::optional<std::int64_t> otherwise, std::int64_t least,
                         std::int64_t greatest, Mistakes& mistakes) const;

    // A number that must be there, with a fraction or without.
    double number(std::string_view name, Mistakes& mistakes) const;

  private:
    std::vector<std::pair<std::string, std::string>> all_;
};

// A part of a list, by pages that count from 1.
struct Page {
    std::int64_t number = 1;
    std::int64_t size = 32;

    // The place of its first item in a list of `total`; `total` behind the end.
    std::int64_t offset(std::int64_t total) const;
};

// "page" and "page_size".
Page page_of(const Query& query, std::int64_t default_size, std::int64_t greatest_size, Mistakes& mistakes);

// The contract's PaginationInfo.
nlohmann::json pagination_of(const Page& page, std::int64_t total);

// An integer in the path: Refusal(422) for anything else.
std::int64_t path_integer(const Request& request, std::string_view name);

// A UUID in lower case: Refusal(400) for anything else.
std::string uuid_of(std::string_view text, std::string_view name);

// The body as a JSON object. Refusal(422) for what is none, is not UTF-8, holds a zero byte or a key twice in
// one object, or is nested more than 32 deep; Refusal(415) for another content type.
nlohmann::json json_body(const Request& request);

}  // namespace eventlens::server
