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

    // `rate` 0: no limit.
    RateLimit(double rate, double burst);

    // 0: go on. Else how many seconds to wait, at least 1.
    int take(std::string_view client, Clock::time_point now = Clock::now());

  private:
    struct Bucket {
        double tokens = 0;
        Clock::time_point filled;
    };
    void forget_full_ones(Clock::time_point now);

    const double rate_;
    const double burst_;
    std::mutex mutex_;
    std::unordered_map<std::string, Bucket> buckets_;
    std::size_t forget_at_ = 1024;  // buckets: those that are full again say nothing
};

}  // namespace eventlens::server
