#pragma once

#include <array>
#include <vector>

#include "eventlens/image.h"

namespace eventlens {

// A frame in few numbers, to be compared with others.
struct SceneLook {
    static constexpr int width = 32;
    static constexpr int height = 18;

    std::vector<float> grey;        // width x height
    std::vector<float> relief;      // the same less its surroundings: edges and spots
    std::array<float, 64> tints{};  // share of pixels of each tint, brightness aside
    float brightness = 0;           // mean, 0..255
    float contrast = 0;             // standard deviation of the brightness
};

SceneLook look_at_scene(ImageView frame);

// What two looks have in common. The camera may have turned between them by up to half a picture: the
// greatest correlation over all shifts that leave enough overlap.
struct SceneLikeness {
    float grey = 0;    // -1..1
    float relief = 0;  // -1..1
    float tints = 0;   // 0..1, shared part of the histograms
};

SceneLikeness compare(const SceneLook& before, const SceneLook& now);

}  // namespace eventlens
