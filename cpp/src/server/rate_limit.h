#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace eventlens::server {

// A token bucket for each client (https://en.wikipedia.org/wiki/Token_bucket): `burst` requests at once, then
// `rate` a second. Thread safe.
class RateLimit {
  public:
    using Clock = std::chrono::steady_clock;

    // `rate` 0: no limit. When more than `most_clients` ask within the time that a bucket takes to fill,
    // those who have asked least are forgotten, and begin anew: memory stays bounded, whoever asks much stays
    // limited.
    RateLimit(double rate, double burst, std::size_t most_clients = 100'000);

    // 0: go on. Else how many seconds to wait, at least 1.
    int take(std::string_view client, Clock::time_point now = Clock::now());

    std::size_t clients() const;  // that are remembered

  private:
    struct Bucket {
        double tokens = 0;
        Clock::time_point filled;
    };
    double tokens_at(const Bucket& bucket, Clock::time_point now) const;
    void forget(Clock::time_point now);

    const double rate_;
    const double burst_;
    const std::size_t most_clients_;
    mutable std::mutex mutex_;
    std::unordered_map<std::string, Bucket> buckets_;
    std::size_t forget_at_;  // buckets
};

}  // namespace eventlens::server
