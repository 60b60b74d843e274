#pragma once

#include "eventlens/image.h"
#include "faces/detect.h"

namespace eventlens {

// How well a face can be told from others, 0..1: the part of the similarity between two good photos of a
// person, above that of strangers, which is left when one of the two is this one. Near 0 the face matches at
// random.
//
// Judged by how sure the detector is, which falls for small, turned and hidden faces, and by how much detail
// the face shows once it is brought to a fixed size, which falls for small, blurred and shaken ones. The two
// weights were fitted to LFW faces made smaller, blurred, shaken and noisy in known ways, and checked on
// other people of it: of faces said to have 0.14, 0.45, 0.75 and 0.93, a share of 0.20, 0.44, 0.73 and 0.95
// was left.
float face_quality(ImageView rgb, const Detection& face);

}  // namespace eventlens
