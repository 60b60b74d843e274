#pragma once

#include <span>
#include <vector>

#include "bibs/geometry.h"

namespace eventlens {

// A line of text that a detector found.
struct TextBox {
    Corners corners{};
    float score = 0;  // 0..1, the mean of the map inside
};

// Differentiable binarization (Liao et al., AAAI 2020), as PaddleOCR post-processes it: `map` holds how
// likely each pixel is inside of a line of text that was shrunk, row after row; each connected patch above
// `least_score` - 0.1 whose box has a mean of `least_score` becomes a line, grown back to the text's size.
// Corners are in pixels of the map, measured from its corner. At most 1000 lines.
std::vector<TextBox> boxes_in_map(std::span<const float> map, Size size, float least_score);

}  // namespace eventlens
