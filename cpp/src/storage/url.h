#pragma once

#include <map>
#include <string>
#include <string_view>

namespace eventlens {

// As in RFC 3986: everything but unreserved characters and those of `keep` becomes %XX, so that any bytes
// make printable ASCII.
std::string percent_encoded(std::string_view text, std::string_view keep = "");

// The other way round; '+' is itself. Throws Error(bad_input) for a '%' without two hex digits behind it and
// for zero bytes.
std::string percent_decoded(std::string_view text);

// Names and values, decoded, in the byte order of names.
using Query = std::map<std::string, std::string>;

// "a=1&b=%20" with names in order; ':' and '/' in values stay, for URLs in them to be read.
std::string query_text(const Query& query);

// Throws Error(bad_input) for a name that comes twice, and as percent_decoded().
Query parse_query(std::string_view text);

// "s3://bucket/day%201/?region=auto", taken apart.
struct Location {
    std::string scheme;     // "s3"; empty: a path
    std::string authority;  // "bucket", as it is written
    std::string path;       // what follows it, decoded, with its leading '/': "/day 1/"
    Query query;
};

// Throws Error(bad_input) as the above and for a user before the authority, with a message that begins
// "cannot open". No message holds the query, or what may be a user's password.
Location parse_location(std::string_view location);

}  // namespace eventlens
