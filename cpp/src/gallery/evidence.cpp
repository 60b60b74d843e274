#include "gallery/evidence.h"

#include <algorithm>
#include <cmath>

namespace eventlens {

double trust(float quality, const MatchOptions& options) {
    return std::pow(std::clamp(static_cast<double>(quality), 0.0, 1.0), options.quality_exponent);
}

double log_prior_odds(std::size_t faces, const MatchOptions& options) {
    return -std::log1p(static_cast<double>(faces) / options.expected_photos);
}

double probability_of(double log_odds) {
    return 1 / (1 + std::exp(-log_odds));
}

double log_odds_of_any(std::span<const double> log_odds) {
    const double largest = *std::max_element(log_odds.begin(), log_odds.end());
    double sum = 0;
    for (const double x : log_odds) sum += std::exp(x - largest);
    return largest + std::log(sum);
}

}  // namespace eventlens
