#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "eventlens/catalog.h"

namespace eventlens::server {

// Who may what: keys, organisations and events, as they were at one moment.
struct Directory {
    struct HashOfHash {
        std::size_t operator()(const std::array<std::byte, 32>& hash) const;
    };

    std::int64_t counter = 0;  // Catalog::access_counter()
    std::unordered_map<std::array<std::byte, 32>, ApiKey, HashOfHash> keys;
    std::unordered_map<OrganisationId, Organisation> organisations;
    std::unordered_map<EventId, EventInfo> events;

    // By the SHA-256 of the key: keys are never compared byte by byte, so that time tells nothing of them.
    const ApiKey* key(std::string_view key) const;
    const EventInfo* event(EventId event) const;
};

// The directory, read anew when any process has changed what it speaks of. Thread safe.
class Access {
  public:
    explicit Access(const Catalog& catalog) : catalog_(catalog) {}

    std::shared_ptr<const Directory> directory();

  private:
    const Catalog& catalog_;
    std::mutex mutex_;
    std::shared_ptr<const Directory> directory_;
};

// What a participant's page shows instead of a key: that the bearer may search one event for a while.
struct VisitorToken {
    OrganisationId organisation = 0;
    EventId event = 0;
    std::int64_t expires = 0;  // seconds since 1970
    std::string name;          // random: tells one bearer from another
};
std::string make_token(const VisitorToken& token, std::span<const std::byte> secret);
// Nothing for a token that was not made with this secret, or has expired.
std::optional<VisitorToken> read_token(std::string_view text, std::span<const std::byte> secret,
                                       std::int64_t now);

// Whether two texts are equal, in a time that does not depend on where they differ.
bool same_secret(std::string_view a, std::string_view b);

}  // namespace eventlens::server
