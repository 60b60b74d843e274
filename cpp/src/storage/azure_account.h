#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "storage/azure_access.h"
#include "storage/http.h"
#include "storage/url.h"

namespace eventlens::azure {

// Bytes of a blob.
struct Range {
    std::int64_t first = 0;
    std::optional<std::int64_t> last{};  // inclusive; nothing: to the end
};

// What is asked of the service about a container or one of its blobs.
struct Question {
    std::string method = "GET";
    std::string container{};
    std::string blob{};  // empty: the container itself
    Query query{};
    std::optional<Range> range{};                  // of a GET; nothing: the whole
    std::map<std::string, std::string> headers{};  // names in lower case
    std::span<const std::byte> body{};
    std::filesystem::path body_file{};
};

// One storage account: says who asks in the way that its credentials allow.
class Account {
  public:
    Account(std::string name, Access access) : name_(std::move(name)), access_(std::move(access)) {}

    const std::string& name() const { return name_; }

    // Complete with time, version and proof. `now`: seconds since 1970-01-01 UTC by the service's clock.
    http::Request request(const Question& question, std::int64_t now) const;

    // A URL that reads the blob until `expires`. Throws Error(unsupported) without the account's key: a
    // shared access signature would hand out all that it permits.
    std::string link(const std::string& container, const std::string& blob, std::int64_t expires,
                     const std::string& content_disposition) const;

  private:
    std::string url(const std::string& container, const std::string& blob) const;

    std::string name_;
    Access access_;
};

// What the service says in a refusal: "BlobNotFound", "ServerBusy"; empty when it does not.
std::string error_code(const http::Response& reply);

// The error that a reply which is no success means. `doing`: "cannot read az://account/container/key". Holds
// nothing of what the reply says but its code: the service quotes signatures in its explanations.
// `clock_offset`: how far the service's clock is ahead of this machine's.
Error refusal(const std::string& doing, const http::Response& reply, std::chrono::seconds clock_offset);

}  // namespace eventlens::azure
