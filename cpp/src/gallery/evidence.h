#pragma once

#include <span>

#include "eventlens/gallery.h"

// Similarities to probabilities; gallery.h says how and why.
namespace eventlens {

// Log of how much likelier this similarity is between two faces of one person than between two people.
double log_likelihood_ratio(double similarity, double quality, double other_quality,
                            const Calibration& calibration, const MatchOptions& options);

// Log prior odds that one given face, of `faces` in all, is the person's.
double log_prior_odds(std::size_t faces, const MatchOptions& options);

double probability_of(double log_odds);

// Log odds that one of mutually exclusive alternatives is true, each against "none of them".
double log_odds_of_any(std::span<const double> log_odds);

}  // namespace eventlens
