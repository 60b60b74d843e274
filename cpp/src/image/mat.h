#pragma once

#include <opencv2/core.hpp>

#include "eventlens/image.h"

namespace eventlens {

// OpenCV's view of our pixels; borrowed. OpenCV only reads through the first.
inline cv::Mat mat_of(const ImageView& view) {
    return {view.size.height, view.size.width, CV_8UC(channels_of(view.format)),
            const_cast<std::uint8_t*>(view.pixels), static_cast<std::size_t>(view.row_bytes)};
}
inline cv::Mat mat_of(Image& image) {
    return mat_of(image.view());
}

}  // namespace eventlens
