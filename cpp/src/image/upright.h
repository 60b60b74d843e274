#pragma once

#include "eventlens/image.h"

namespace eventlens {

// What EXIF's orientations 1..8 mean for a stored RGB picture: 5 to 8 exchange width and height.
Size upright_size(Size stored, int orientation);
Image turn_upright(Image stored, int orientation);

}  // namespace eventlens
