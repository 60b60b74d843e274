#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "bibs/evidence.h"
#include "bibs/geometry.h"
#include "bibs/pattern.h"
#include "eventlens/bibs.h"
#include "eventlens/error.h"

namespace eventlens {

namespace {

// Logistic regression on the looks at real race photos, whole and with blur, dark, small text and arms
// painted over bibs; the coefficient of `short_of_four` is set and not fitted, because races differ in how
// long their numbers are.
constexpr double bias = -8.306;
constexpr double per_character_logit = 0.588;
constexpr double per_detector_score = 5.528;
constexpr double if_near_face = 2.892;
constexpr double if_longer_text_seen = -1.978;
constexpr double if_at_photo_edge = -1.382;
constexpr double per_character_short_of_four = -1.0;

constexpr double exact = 0.5;                 // Bib::probability from which on a text counts as exact
constexpr double least_probability = 0.02;    // less is not worth storing or showing
constexpr double roster_completeness = 0.98;  // the share of runners whose bib is on the roster

double logit(double probability) {
    return std::log(probability / (1 - probability));
}

double probability_of(double logit) {
    return 1 / (1 + std::exp(-logit));
}

// The network's confidences saturate; beyond these bounds they tell nothing more.
double character_logit(float confidence) {
    return logit(std::clamp(static_cast<double>(confidence), 0.02, 0.998));
}

float worst_confidence(const BibRead& read) {
    return read.confidences.empty() ? 0 : *std::min_element(read.confidences.begin(), read.confidences.end());
}

bool has_digit(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string upper_case(std::string text) {
    for (char& c : text) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    return text;
}

struct Look {
    const BibRead* read;
    Evidence evidence;
};

bool surer_first(const Bib& a, const Bib& b) {
    return a.probability != b.probability ? a.probability > b.probability : a.text < b.text;
}

}  // namespace

Evidence Evidence::of(const BibRead& read) {
    const auto& packed = read.evidence;
    if (packed.size() != 5 || packed[0] != layout) {
        throw Error(ErrorCode::bad_input,
                    "stored bib reads come from another version; index the photos again");
    }
    return {static_cast<int>(packed[1]), packed[2], packed[3] > 0, packed[4] > 0};
}

struct BibInterpreter::Impl {
    Pattern pattern;
    std::unordered_set<std::string> roster;

    bool is_member(const std::string& text) const { return roster.contains(text); }

    // log(P(member or not | read right) / P(the same | read wrong)), the latter from how many of the texts
    // that differ in one character are members: nearly none when numbers are sparse, nearly all when they are
    // contiguous.
    double roster_evidence(const std::string& text) const {
        if (roster.empty()) return 0;
        double members = 0.5;  // so that no neighbour seen is not a certainty
        double neighbours = 1;
        std::string other = text;
        for (char& c : other) {
            const char kept = c;
            const bool digit = kept >= '0' && kept <= '9';
            for (char instead = digit ? '0' : 'A'; instead <= (digit ? '9' : 'Z'); ++instead) {
                if (instead == kept) continue;
                c = instead;
                members += is_member(other) ? 1 : 0;
                neighbours += 1;
            }
            c = kept;
        }
        const double wrong_is_member = members / neighbours;
        return is_member(text) ? std::log(roster_completeness / wrong_is_member)
                               : std::log((1 - roster_completeness) / (1 - wrong_is_member));
    }

    // The bibs that the looks at one place allow, surest first; their probabilities add up to 1 at most.
    std::vector<Bib> bibs_at(std::span<const Look> looks) const {
        std::map<std::string_view, std::vector<const Look*>> by_text;
        for (const Look& look : looks) by_text[look.read->text].push_back(&look);

        std::vector<Bib> bibs;
        for (const auto& [view, same] : by_text) {
            const std::string text(view);
            if (text.empty() || !(pattern.matches(text) || is_member(text))) continue;
            bibs.push_back(weigh(text, same, looks));
        }
        std::sort(bibs.begin(), bibs.end(), surer_first);
        double left = 1;
        for (Bib& bib : bibs) {
            bib.probability = std::min(bib.probability, left);
            left -= bib.probability;
        }
        return bibs;
    }

    Bib weigh(const std::string& text, std::span<const Look* const> same, std::span<const Look> looks) const {
        const Look& surest = **std::max_element(same.begin(), same.end(), [](const Look* a, const Look* b) {
            return worst_confidence(*a->read) < worst_confidence(*b->read);
        });
        const auto any = [&](auto test) {
            return std::any_of(same.begin(), same.end(),
                               [&](const Look* look) { return test(look->evidence); });
        };
        float detector_score = 0;
        for (const Look* look : same)
            detector_score = std::max(detector_score, look->evidence.detector_score);
        const bool longer_seen = std::any_of(looks.begin(), looks.end(), [&](const Look& look) {
            const std::string& other = look.read->text;
            return other.size() > text.size() && has_digit(other) && other.find(text) != std::string::npos;
        });
        const bool cut = any([](const Evidence& evidence) { return evidence.at_photo_edge; });
        const double short_of_four = std::max(0.0, 4.0 - static_cast<double>(text.size()));

        double odds = bias + per_character_logit * character_logit(worst_confidence(*surest.read)) +
                      per_detector_score * static_cast<double>(detector_score) +
                      per_character_short_of_four * short_of_four + roster_evidence(text);
        if (any([](const Evidence& evidence) { return evidence.near_face; })) odds += if_near_face;
        if (longer_seen) odds += if_longer_text_seen;
        if (cut) odds += if_at_photo_edge;

        Bib bib;
        bib.text = text;
        bib.probability = probability_of(odds);
        bib.partial = longer_seen || cut || short_of_four > 0;  // if it is not exact
        bib.box = box_around(surest.read->corners);
        return bib;
    }
};

BibInterpreter::BibInterpreter(const BibRules& rules) {
    std::unordered_set<std::string> roster;
    for (const std::string& bib : rules.roster) roster.insert(upper_case(bib));
    impl_ = std::make_unique<const Impl>(Impl{Pattern(rules.pattern), std::move(roster)});
}

BibInterpreter::BibInterpreter(BibInterpreter&&) noexcept = default;
BibInterpreter& BibInterpreter::operator=(BibInterpreter&&) noexcept = default;
BibInterpreter::~BibInterpreter() = default;

std::vector<Bib> BibInterpreter::interpret(std::span<const BibRead> reads) const {
    std::map<int, std::vector<Look>> places;
    for (const BibRead& read : reads) {
        const Evidence evidence = Evidence::of(read);
        places[evidence.place].push_back({&read, evidence});
    }
    std::unordered_map<std::string, Bib> surest;  // a number seen in two places is told once
    for (const auto& [place, looks] : places) {
        for (Bib& bib : impl_->bibs_at(looks)) {
            Bib& known = surest[bib.text];
            if (bib.probability > known.probability) known = std::move(bib);
        }
    }
    std::vector<Bib> bibs;
    for (auto& [text, bib] : surest) {
        if (bib.probability < least_probability) continue;
        bib.partial = bib.partial && bib.probability < exact;
        bibs.push_back(std::move(bib));
    }
    std::sort(bibs.begin(), bibs.end(), surer_first);
    return bibs;
}

std::vector<Bib> interpret_bibs(std::span<const BibRead> reads, const BibRules& rules) {
    return BibInterpreter(rules).interpret(reads);
}

}  // namespace eventlens
