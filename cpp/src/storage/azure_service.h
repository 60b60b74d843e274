#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "storage/azure_account.h"
#include "storage/http.h"

namespace eventlens::azure {

// Asks the service on behalf of an account.
// Thread safety: all methods are const and may run on many threads at once.
class Service {
  public:
    Service(Account account, const StorageOptions& options)
        : account_(std::move(account)), client_(http::Settings::from(options)) {}

    const Account& account() const { return account_; }
    std::int64_t retries() const { return client_.retries(); }
    std::chrono::seconds clock_offset() const { return client_.clock_offset(); }

    // Seconds since 1970-01-01 UTC, by the service's clock.
    std::int64_t now() const;

    // The last reply, whatever its status, when it was asked as often as it makes sense. `garbled` says of a
    // successful reply whether it must be asked for again. Throws as http::Client::send().
    http::Response ask(const std::string& doing, const Question& question, std::int64_t max_body = 1 << 20,
                       const std::function<bool(const http::Response&)>& garbled = {}) const;

    // Throws what a reply means that is no success.
    void require_success(const std::string& doing, const http::Response& reply) const;

  private:
    http::Request request(const Question& question, const http::Resume& resume) const;

    Account account_;
    http::Client client_;
};

}  // namespace eventlens::azure
