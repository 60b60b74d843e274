#pragma once

#include <span>
#include <vector>

#include "bibs/text_map.h"
#include "eventlens/faces.h"

namespace eventlens {

// A line of text to be read, in pixels of the photo.
struct Line {
    TextBox box;
    bool from_torso = false;  // found below a face, not in the whole photo
    int place = 0;            // given by arrange()
    std::size_t found = 0;    // the caller's own number of the line
};

// Leaves out lines that cannot be read (lower than 6 pixels, or of a shape no number has), and of those that
// the torso looks of two neighbours both found, the weaker. Lines that overlap by more than 35 % of the
// smaller, directly or through others, get one `place`.
std::vector<Line> arrange(std::vector<Line> lines);

// Whether text stands where a runner's bib would be: below a face, not too far aside, of a fitting size.
bool is_near_face(const Corners& text, std::span<const Face> faces);

// Whether the photo ends within a third of the text's height.
bool is_at_edge(const Corners& text, Size photo);

}  // namespace eventlens
