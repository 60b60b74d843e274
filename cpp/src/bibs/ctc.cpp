#include "bibs/ctc.h"

#include <algorithm>

namespace eventlens {

namespace {

// The index of the largest of probabilities that add up to 1: one above a half ends the search.
std::size_t likeliest(std::span<const float> probabilities) {
    std::size_t best = 0;
    for (std::size_t i = 0; i < probabilities.size(); ++i) {
        if (probabilities[i] > 0.5F) return i;
        if (probabilities[i] > probabilities[best]) best = i;
    }
    return best;
}

}  // namespace

char bib_character(std::string_view character) {
    if (character.size() != 1) return 0;
    const char c = character.front();
    if (c >= 'a' && c <= 'z') return static_cast<char>(c - 'a' + 'A');
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? c : '\0';
}

DecodedText decode_ctc(std::span<const float> steps, std::span<const std::string> characters) {
    const std::size_t classes = characters.size() + 1;
    DecodedText decoded;
    std::size_t before = 0;
    for (; steps.size() >= classes; steps = steps.subspan(classes)) {
        const std::size_t now = likeliest(steps.first(classes));
        if (now != before && now != 0) {
            if (const char c = bib_character(characters[now - 1])) {
                decoded.text += c;
                decoded.confidences.push_back(steps[now]);
            }
        }
        before = now;
    }
    return decoded;
}

}  // namespace eventlens
