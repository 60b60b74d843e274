#include "storage/sigv4.h"

#include <algorithm>
#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "base/hmac.h"
#include "base/sha256.h"
#include "storage/http_date.h"
#include "storage/url.h"

namespace eventlens::s3 {

namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

std::string hex(std::span<const std::byte> bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const std::byte byte : bytes) {
        text += digits[std::to_integer<unsigned>(byte) >> 4];
        text += digits[std::to_integer<unsigned>(byte) & 15];
    }
    return text;
}

// "20261122T093000Z"
std::string compact_time(std::int64_t seconds) {
    std::string time = iso_time(seconds);
    std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
    return time;
}

// Without spaces around it and with one for many in it.
std::string trimmed(std::string_view value) {
    std::string text;
    for (const char c : value) {
        const bool space = c == ' ' || c == '\t';
        if (space && (text.empty() || text.back() == ' ')) continue;
        text += space ? ' ' : c;
    }
    if (text.ends_with(' ')) text.pop_back();
    return text;
}

struct UrlParts {
    std::string base;  // with scheme and host
    std::string host;
    std::string path;
    std::vector<std::string> query;  // encoded, in order
};

UrlParts taken_apart(const std::string& url) {
    UrlParts parts;
    const std::size_t host = url.find("://") + 3;
    const std::size_t path = std::min(url.find_first_of("/?", host), url.size());
    const std::size_t query = std::min(url.find('?', path), url.size());
    parts.base = url.substr(0, path);
    parts.host = url.substr(host, path - host);
    parts.path = query > path ? url.substr(path, query - path) : "/";
    std::string_view rest = std::string_view(url).substr(query);
    while (!rest.empty()) {
        rest.remove_prefix(1);  // '?' or '&'
        const std::string_view part = rest.substr(0, rest.find('&'));
        rest.remove_prefix(part.size());
        if (!part.empty())
            parts.query.push_back(std::string(part) + (part.find('=') == std::string_view::npos ? "=" : ""));
    }
    return parts;
}

std::string joined(std::vector<std::string> query) {
    // Names count before values, and '=' is greater than some characters of names ('-', '.', digits).
    std::ranges::sort(query, {}, [](const std::string& part) {
        const std::size_t equals = part.find('=');
        return std::pair(part.substr(0, equals), part.substr(equals + 1));
    });
    std::string text;
    for (const std::string& part : query) text += (text.empty() ? "" : "&") + part;
    return text;
}

// Headers with their names in lower case, in order.
using SignedHeaders = std::map<std::string, std::string>;

std::string names_of(const SignedHeaders& headers) {
    std::string names;
    for (const auto& [name, value] : headers) names += (names.empty() ? "" : ";") + name;
    return names;
}

std::string scope_of(const Signer& signer) {
    return compact_time(signer.now).substr(0, 8) + "/" + signer.region + "/s3/aws4_request";
}

std::string signature_of(const Signer& signer, const std::string& method, const UrlParts& url,
                         const SignedHeaders& headers, const std::string& payload_hash) {
    std::string request = method + "\n" + url.path + "\n" + joined(url.query) + "\n";
    for (const auto& [name, value] : headers) request += name + ":" + value + "\n";
    request += "\n" + names_of(headers) + "\n" + payload_hash;

    const std::string time = compact_time(signer.now);
    const std::string text =
        "AWS4-HMAC-SHA256\n" + time + "\n" + scope_of(signer) + "\n" + sha256_hex(bytes_of(request));
    const auto day_key = hmac_sha256(bytes_of("AWS4" + signer.keys.secret_key), time.substr(0, 8));
    const auto region_key = hmac_sha256(day_key, signer.region);
    const auto service_key = hmac_sha256(region_key, "s3");
    return hex(hmac_sha256(hmac_sha256(service_key, "aws4_request"), text));
}

}  // namespace

void Signer::sign(http::Request& request, const std::string& payload_hash) const {
    request.headers.emplace_back("x-amz-date", compact_time(now));
    request.headers.emplace_back("x-amz-content-sha256", payload_hash);
    if (!keys.session_token.empty()) request.headers.emplace_back("x-amz-security-token", keys.session_token);
    const UrlParts url = taken_apart(request.url);
    SignedHeaders headers{{"host", url.host}};
    for (const auto& [name, value] : request.headers) {
        std::string lower = name;
        std::ranges::transform(lower, lower.begin(),
                               [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
        headers[lower] = trimmed(value);
    }
    const std::string signature = signature_of(*this, request.method, url, headers, payload_hash);
    request.headers.emplace_back("Authorization",
                                 "AWS4-HMAC-SHA256 Credential=" + keys.access_key + "/" + scope_of(*this) +
                                     ", SignedHeaders=" + names_of(headers) + ", Signature=" + signature);
}

std::string Signer::presigned(const std::string& url, std::chrono::seconds lasts) const {
    UrlParts parts = taken_apart(url);
    const auto add = [&](const char* name, const std::string& value) {
        parts.query.push_back(std::string(name) + "=" + percent_encoded(value));
    };
    add("X-Amz-Algorithm", "AWS4-HMAC-SHA256");
    add("X-Amz-Credential", keys.access_key + "/" + scope_of(*this));
    add("X-Amz-Date", compact_time(now));
    add("X-Amz-Expires", std::to_string(lasts.count()));
    add("X-Amz-SignedHeaders", "host");
    if (!keys.session_token.empty()) add("X-Amz-Security-Token", keys.session_token);
    const std::string signature = signature_of(*this, "GET", parts, {{"host", parts.host}}, unsigned_payload);
    return parts.base + parts.path + "?" + joined(parts.query) + "&X-Amz-Signature=" + signature;
}

}  // namespace eventlens::s3
