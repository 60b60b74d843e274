#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "storage/http.h"

namespace eventlens::s3 {

// What proves who asks.
struct Keys {
    std::string access_key{};
    std::string secret_key{};
    std::string session_token{};  // of temporary ones

    bool empty() const { return access_key.empty(); }
};

// AWS Signature Version 4, as S3 wants it: paths as they are sent, whatever they hold.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
struct Signer {
    Keys keys;
    std::string region;
    std::int64_t now = 0;  // seconds since 1970-01-01 UTC, by the server's clock

    // Adds x-amz-date, x-amz-content-sha256, x-amz-security-token and Authorization, in which the headers
    // that the request holds already are signed too. `payload_hash`: SHA-256 of the body, in hex, or
    // unsigned_payload. The URL's path and query must be percent-encoded as percent_encoded() does it.
    void sign(http::Request& request, const std::string& payload_hash) const;

    // The URL of a GET with a signature in its query, for whoever holds it, as long as it lasts.
    std::string presigned(const std::string& url, std::chrono::seconds lasts) const;
};

// Where TLS vouches for the body.
inline constexpr const char* unsigned_payload = "UNSIGNED-PAYLOAD";

}  // namespace eventlens::s3
