#pragma once

#include "eventlens/video.h"
#include "video/av.h"

namespace eventlens::av {

// How stored frames become upright ones of square pixels.
struct Geometry {
    Size square;          // the stored frame in square pixels, not turned yet
    int orientation = 1;  // as EXIF counts them, 1..8: what brings it upright
    Size upright;
};

Geometry geometry_of(const Input& input, Size stored);

// Everything but the duration where the file does not say it: that is 0 then. `zero` is the time of the first
// shown frame in the stream's own units.
VideoInfo describe(const Input& input, const Geometry& geometry, std::int64_t zero);

}  // namespace eventlens::av
