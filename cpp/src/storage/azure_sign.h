#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>

namespace eventlens::azure {

// What both signatures name: the strings that are signed are those of this version of the service.
inline constexpr const char* service_version = "2021-12-02";

// A request as it will be sent.
struct Unsigned {
    std::string method;
    std::string path;                            // of the URL, percent-encoded, from its '/' on
    std::map<std::string, std::string> query{};  // decoded; names in lower case
    // Names in lower case. All that begin with "x-ms-" are signed, and of the others those that Azure names:
    // content-length, content-type, if-match, if-none-match and so on. With x-ms-date and x-ms-version.
    std::map<std::string, std::string> headers{};
};

// The value of the header Authorization ("Shared Key authorization").
std::string shared_key(const std::string& account, std::span<const std::byte> key, const Unsigned& request);

// Leave to read one blob.
struct BlobLink {
    std::string account;
    std::string container;
    std::string blob;
    std::int64_t expires = 0;  // seconds since 1970-01-01 UTC
    bool https_only = true;
    std::string content_disposition{};  // what the reply's header is to say; empty: what the blob has
};

// The query of the URL, decoded, that gives it ("service SAS").
std::map<std::string, std::string> blob_sas(std::span<const std::byte> key, const BlobLink& link);

}  // namespace eventlens::azure
