#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "eventlens/tracks.h"

namespace eventlens {

namespace {

constexpr double further_frames = 0.3;  // what a frame after the surest counts for
constexpr double partial_read = 0.3;    // what a frame that read a part of the text counts for
constexpr double other_text = 1;        // what a frame that read another text counts for

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

// Odds that at least one of these frames is right.
double odds_of(std::vector<double> votes) {
    std::sort(votes.rbegin(), votes.rend());
    double sum = 0;
    for (std::size_t i = 0; i < votes.size(); ++i) sum += votes[i] * (i == 0 ? 1 : further_frames);
    return std::expm1(sum);
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

    std::map<std::string, double> odds;
    for (const auto& [text, candidate] : candidates) {
        std::vector<double> votes = candidate.votes;
        for (const auto& [other, part] : candidates) {
            if (!is_part(other, text)) continue;
            for (const double vote : part.votes) votes.push_back(partial_read * vote);
        }
        odds[text] = odds_of(std::move(votes));
    }

    std::vector<Bib> bibs;
    for (auto& [text, candidate] : candidates) {
        double against = 0;
        for (const auto& [other, other_odds] : odds) {
            if (other != text && !is_part(other, text)) against += other_odds;
        }
        Bib bib = std::move(candidate.bib);
        bib.probability = odds[text] / (1 + odds[text] + other_text * against);
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
