#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "storage/url.h"

namespace eventlens::s3 {

// A service that speaks S3, known by the host of its endpoint.
struct Provider {
    std::string_view name;
    std::string_view host;    // "s3.{region}.amazonaws.com"; "*" stands for any label
    std::string_view region;  // what its signatures name; "{region}": what the host says
    bool bucket_in_host;      // https://bucket.host/key rather than https://host/bucket/key
    bool asks_first;  // ignores If-None-Match of a PUT: whether the object is there must be asked before
};

// All that are known. The last one is every other host. docs/storage.md shows the same table.
std::span<const Provider> providers();

// The region that the provider's host names, if the host is one of this provider's.
struct Match {
    const Provider* provider = nullptr;
    std::string region;  // as signatures name it; empty: the host does not say
};
Match provider_of(std::string_view host);

enum class Addressing { automatic, path, virtual_host };

// "path", "virtual", "auto". Throws Error(bad_input) for others.
Addressing parse_addressing(std::string_view text);

// What a location and a profile say of where a bucket is; empty: nothing.
struct Wanted {
    std::string bucket;
    std::string endpoint{};         // "https://host:port"
    std::string region{};           // asked for in so many words: comes before what the host says
    std::string fallback_region{};  // of the environment or a profile: comes behind it
    Addressing addressing = Addressing::automatic;
};

// Where a bucket is.
class Place {
  public:
    // Throws Error(bad_input) for a name that no bucket has and for malformed endpoints.
    explicit Place(const Wanted& wanted);

    const std::string& bucket() const { return bucket_; }
    const std::string& region() const { return region_; }
    const Provider& provider() const { return *provider_; }

    // "https://s3.eu-central-1.amazonaws.com": without what every client does by itself.
    const std::string& endpoint() const { return endpoint_; }
    std::string host() const;
    bool is_encrypted() const { return endpoint_.starts_with("https:"); }

    // Amazon's buckets have one name in the world, wherever they are asked for.
    bool is_amazon() const;

    // Of an object, or of the bucket itself where `key` is empty. `key` is not encoded yet.
    std::string url(std::string_view key, const Query& query = {}) const;

    // The same bucket as another region answers for it.
    Place in_region(const std::string& region) const;

  private:
    std::string bucket_;
    std::string endpoint_;
    std::string region_;
    const Provider* provider_;
    bool named_endpoint_;  // asked for, so that another region does not change it
    bool bucket_in_host_;
};

// "https://HOST[:PORT]" as it is always written: in lower case, without the port that goes without saying.
// Throws Error(bad_input) for what is no such URL.
std::string canonical_endpoint(std::string_view endpoint);

}  // namespace eventlens::s3
