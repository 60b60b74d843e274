#pragma once

#include <array>

#include "eventlens/image.h"
#include "image/warp.h"

namespace eventlens {

// The rotation, uniform scale and shift that brings the five points of `to` closest to the `landmarks` (least
// squares; Umeyama, IEEE PAMI 1991, in closed form for the plane): it maps pixels of an aligned face to
// pixels of the photo. A face without extent, all landmarks in one place, gives a matrix that shows that
// place.
AffineMatrix aligned_to_photo(const std::array<Point, 5>& landmarks, const std::array<Point, 5>& to);

}  // namespace eventlens
