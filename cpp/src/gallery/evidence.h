#pragma once

#include <span>

#include "eventlens/gallery.h"

// Similarities to probabilities; gallery.h says how and why.
namespace eventlens {

// Share of its evidence that a face of this quality keeps, 0..1.
double trust(float quality, const MatchOptions& options);

// Log prior odds that one given face, of `faces` in all, is the person's.
double log_prior_odds(std::size_t faces, const MatchOptions& options);

double probability_of(double log_odds);

// Log odds that one of mutually exclusive alternatives is true, each against "none of them".
double log_odds_of_any(std::span<const double> log_odds);

}  // namespace eventlens
