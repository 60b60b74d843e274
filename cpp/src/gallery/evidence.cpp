#include "gallery/evidence.h"

#include <algorithm>
#include <cmath>

namespace eventlens {

double log_likelihood_ratio(double similarity, double quality, double other_quality,
                            const Calibration& calibration, const MatchOptions& options) {
    const double lacking = (1 - quality) + (1 - other_quality);
    return calibration.slope * similarity + calibration.offset + options.quality_evidence * lacking;
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
