#pragma once

#include <vector>

#include "bibs/text_map.h"
#include "models/network.h"

namespace eventlens {

// Finds lines of text with a network that answers a map of its input's size.
// Thread safety: the methods are const and may run on many threads at once.
class TextDetector {
  public:
    TextDetector(const ModelStore& store, const ModelEntry& entry);

    // In the whole photo, seen with a long side of 960 pixels. Corners are in pixels of the photo.
    std::vector<TextBox> find_in_photo(ImageView photo) const;

    // Below a face, seen with the face 64 pixels high: this is where bibs are, and so close even those of
    // runners far away can be told from their folds. Lines cut by the look's edge are left out.
    std::vector<TextBox> find_in_torso(ImageView photo, const Rect& face) const;

  private:
    std::vector<TextBox> find(const Image& input) const;

    Network network_;
};

}  // namespace eventlens
