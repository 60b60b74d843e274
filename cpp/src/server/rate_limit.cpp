#include "server/rate_limit.h"

#include <algorithm>
#include <cmath>

namespace eventlens::server {

RateLimit::RateLimit(double rate, double burst) : rate_(rate), burst_(std::max(burst, 1.0)) {}

int RateLimit::take(std::string_view client, Clock::time_point now) {
    if (rate_ <= 0) return 0;
    const std::lock_guard lock(mutex_);
    const auto [at, first] = buckets_.try_emplace(std::string(client), Bucket{burst_, now});
    Bucket& bucket = at->second;
    const double seconds = std::chrono::duration<double>(now - bucket.filled).count();
    bucket.tokens = std::min(burst_, bucket.tokens + std::max(seconds, 0.0) * rate_);
    bucket.filled = now;
    if (bucket.tokens < 1) return std::max(1, static_cast<int>(std::ceil((1 - bucket.tokens) / rate_)));
    bucket.tokens -= 1;
    if (first && buckets_.size() > forget_at_) forget_full_ones(now);
    return 0;
}

void RateLimit::forget_full_ones(Clock::time_point now) {
    std::erase_if(buckets_, [&](const auto& known) {
        const double seconds = std::chrono::duration<double>(now - known.second.filled).count();
        return known.second.tokens + seconds * rate_ >= burst_;
    });
    forget_at_ = std::max<std::size_t>(1024, buckets_.size() * 2);
}

}  // namespace eventlens::server
