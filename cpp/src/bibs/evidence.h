#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "eventlens/bibs.h"

namespace eventlens {

// What supports a read, and how it lies in BibRead::evidence. The catalog keeps it: a change of layout needs
// a new `layout` number, and photos stored before it are then read again.
struct Evidence {
    int place = 0;               // looks of the same place in the photo share a number
    float detector_score = 0;    // 0..1
    bool near_face = false;      // where a runner's bib would be below one of the faces
    bool at_photo_edge = false;  // the photo may end within the text

    static constexpr float layout = 1;

    std::vector<float> packed() const {
        return {layout, static_cast<float>(place), detector_score, near_face ? 1.0F : 0.0F,
                at_photo_edge ? 1.0F : 0.0F};
    }

    // Throws Error(bad_input) for another layout.
    static Evidence of(const BibRead& read);
};

}  // namespace eventlens
