#include "server/rate_limit.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace eventlens::server {

RateLimit::RateLimit(double rate, double burst, std::size_t most_clients)
    : rate_(rate),
      burst_(std::max(burst, 1.0)),
      most_clients_(most_clients),
      forget_at_(std::min<std::size_t>(1024, most_clients)) {}

int RateLimit::take(std::string_view client, Clock::time_point now) {
    if (rate_ <= 0) return 0;
    const std::lock_guard lock(mutex_);
    const auto [at, first] = buckets_.try_emplace(std::string(client), Bucket{burst_, now});
    Bucket& bucket = at->second;
    bucket.tokens = tokens_at(bucket, now);
    bucket.filled = now;
    if (bucket.tokens < 1) return std::max(1, static_cast<int>(std::ceil((1 - bucket.tokens) / rate_)));
    bucket.tokens -= 1;
    if (first && buckets_.size() > forget_at_) forget(now);
    return 0;
}

std::size_t RateLimit::clients() const {
    const std::lock_guard lock(mutex_);
    return buckets_.size();
}

double RateLimit::tokens_at(const Bucket& bucket, Clock::time_point now) const {
    const double seconds = std::chrono::duration<double>(now - bucket.filled).count();
    return std::min(burst_, bucket.tokens + std::max(seconds, 0.0) * rate_);
}

void RateLimit::forget(Clock::time_point now) {
    const auto forget_from = [&](double tokens) {
        std::erase_if(buckets_, [&](const auto& known) { return tokens_at(known.second, now) >= tokens; });
    };
    forget_from(burst_);  // a full bucket says no more than none
    if (buckets_.size() > most_clients_ / 2) {
        std::vector<double> tokens;
        tokens.reserve(buckets_.size());
        for (const auto& [client, bucket] : buckets_) tokens.push_back(tokens_at(bucket, now));
        const auto middle = tokens.begin() + static_cast<std::ptrdiff_t>(tokens.size() / 2);
        std::ranges::nth_element(tokens, middle);
        forget_from(*middle);
    }
    forget_at_ = std::min(most_clients_, std::max<std::size_t>(1024, buckets_.size() * 2));
}

}  // namespace eventlens::server
