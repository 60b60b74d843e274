#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace eventlens {

// The character as a bib shows it: A to Z, 0 to 9, letters in upper case; 0 for any other (UTF-8).
char bib_character(std::string_view character);

struct DecodedText {
    std::string text;                // of bib_character(); other characters are left out
    std::vector<float> confidences;  // one for each character of `text`
};

// Greedy CTC (Graves et al., ICML 2006): the likeliest class of each step, runs of one class taken once,
// blanks (class 0) dropped. `steps` holds a probability for each class, step after step; class c stands for
// characters[c - 1]. No class is ruled out: a network that may answer only digits sees digits everywhere.
DecodedText decode_ctc(std::span<const float> steps, std::span<const std::string> characters);

}  // namespace eventlens
