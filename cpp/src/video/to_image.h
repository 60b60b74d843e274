#pragma once

#include "eventlens/image.h"
#include "video/av.h"
#include "video/describe.h"

namespace eventlens::av {

// Turns decoded frames into upright RGB images of one size, whatever size, pixel format and colours each has.
// High dynamic range is not mapped: such pictures come out flat.
class ToImage {
  public:
    // Images are as large as `geometry` says, shrunk so that the long side is at most `max_long_side` (0:
    // not).
    ToImage(const Geometry& geometry, int max_long_side);

    Image operator()(const AVFrame& frame);

  private:
    void prepare(const AVFrame& frame);

    Size size_;  // before it is turned
    int orientation_;
    // What the scaler was made for.
    Size from_{};
    int format_ = AV_PIX_FMT_NONE;
    int colorspace_ = AVCOL_SPC_UNSPECIFIED;
    int range_ = AVCOL_RANGE_UNSPECIFIED;
    Scaler scaler_;
};

}  // namespace eventlens::av
