#pragma once

#include <array>
#include <vector>

#include "eventlens/image.h"
#include "models/network.h"

namespace eventlens {

// A face as the detector sees it, in pixels of the view.
struct Detection {
    Rect box;
    std::array<Point, 5> landmarks{};  // positions of pixel centres, in the order of Face::landmarks
    float confidence = 0;
};

// The detector's network, run on views of any size.
//
// A view is shrunk until its long side is at most `max_long_side` (never enlarged) and put at the top left of
// a canvas of one of a few sizes, because each size is a graph of its own to compile and keep. Large views
// are looked at a second time at a quarter of that: a face that fills much of a photo is beyond what the fine
// look recognises.
//
// Thread safety: detect() is const and may run on many threads at once.
class FaceDetector {
  public:
    // How hard to look.
    struct Look {
        float min_confidence = 0;
        int max_long_side = 0;
    };

    // `min_confidence` 0: the threshold of the detector's manifest entry. Throws as Network::load does.
    FaceDetector(const ModelStore& models, double min_confidence, int max_long_side);

    const Look& usual() const { return usual_; }

    // Surest first, without overlaps. The view is RGB.
    std::vector<Detection> detect(ImageView rgb, const Look& how) const;

    // The same, also in a smaller view with a wide border around it: a face that fills the frame, or is cut
    // by it, is missed otherwise.
    std::vector<Detection> detect_close_up(ImageView rgb) const;

  private:
    std::vector<Detection> look(ImageView rgb, const Look& how) const;

    Network network_;
    Look usual_;
};

// The canvas for a view of `size`, both sides at least as long: the smallest of a few shapes (9:16, 11:16,
// 3:4, 1:1, lying or standing) and long sides (512, 1024, then multiples of 512).
Size canvas_for(Size size);

// Of detections that overlap by more than `most` (intersection over union) keeps the surest.
std::vector<Detection> without_overlaps(std::vector<Detection> detections, float most);

}  // namespace eventlens
