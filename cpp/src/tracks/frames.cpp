#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "eventlens/tracks.h"

namespace eventlens {

namespace {

// Measured on 968 frames: 121 race photos, 8 views of each with pans, turns, zooms, blur, shake, noise and
// JPEG as of a video, bibs 9 to 26 pixels high in them, read by the default networks; interpreted in fours
// and in eights, fitted on half of the numbers and checked on the others. The log loss over the others sums
// to 70 here, 98 for the surest frame alone, 130 for frames taken as independent with nothing against each
// other. `other_text` is fitted. `further_frames` is not: these views would have it 1 (a loss of 61), but
// their noise is drawn anew for each, and what hides a number in a video stays. 0.7 is a cautious choice
// until there is labelled footage. Of texts of the others said to be right with 0.05, 0.18, 0.37, 0.62, 0.83
// and 0.98, a share of 0.09, 0.23, 0.63, 0.79, 0.92 and 0.98 were: too cautious in the middle, as single
// frames are there. That a read of a part of the number speaks for the whole was tried and made it no better.
constexpr double further_frames = 0.7;  // what a frame after the surest counts for
constexpr double other_text = 0.5;      // what the odds of another text count for against this one

constexpr double surest = 0.999;            // no frame says more
constexpr double exact = 0.5;               // Bib::probability from which on a text counts as exact
constexpr double least_probability = 0.02;  // less is not worth showing

// The frames that read one text.
struct Candidate {
    Bib bib;                    // of the frame that read it most surely
    std::vector<double> votes;  // -log of the chance that the frame is wrong
};

bool is_part(const std::string& part, const std::string& whole) {
    return part.size() < whole.size() && whole.find(part) != std::string::npos;
}

// Odds, as a logarithm (many frames would overflow them), that at least one of these frames is right.
double log_odds_of(std::vector<double> votes) {
    std::sort(votes.rbegin(), votes.rend());
    double sum = 0;
    for (std::size_t i = 0; i < votes.size(); ++i) sum += votes[i] * (i == 0 ? 1 : further_frames);
    return sum + std::log(-std::expm1(-sum));
}

}  // namespace

std::vector<Bib> interpret_frames(std::span<const TimedRead> reads, const BibInterpreter& interpreter) {
    std::map<double, std::vector<BibRead>> frames;
    for (const TimedRead& read : reads) frames[read.time].push_back(read.read);

    std::map<std::string, Candidate> candidates;
    for (const auto& [time, frame] : frames) {
        for (Bib& bib : interpreter.interpret(frame)) {
            Candidate& candidate = candidates[bib.text];
            candidate.votes.push_back(-std::log1p(-std::min(bib.probability, surest)));
            if (bib.probability > candidate.bib.probability) candidate.bib = std::move(bib);
        }
    }

    std::map<std::string, double> log_odds;
    for (const auto& [text, candidate] : candidates) log_odds[text] = log_odds_of(candidate.votes);

    std::vector<Bib> bibs;
    for (auto& [text, candidate] : candidates) {
        const double own = log_odds[text];
        double against = std::exp(-own);
        for (const auto& [other, others] : log_odds) {
            if (other != text && !is_part(other, text)) against += other_text * std::exp(others - own);
        }
        Bib bib = std::move(candidate.bib);
        bib.probability = 1 / (1 + against);
        if (bib.probability < least_probability) continue;
        bib.partial = bib.partial && bib.probability < exact;
        bibs.push_back(std::move(bib));
    }
    std::sort(bibs.begin(), bibs.end(), [](const Bib& a, const Bib& b) {
        return a.probability != b.probability ? a.probability > b.probability : a.text < b.text;
    });
    return bibs;
}

}  // namespace eventlens
