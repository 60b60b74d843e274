#include "image/upright.h"

#include <opencv2/core.hpp>

#include "image/mat.h"

namespace eventlens {

Size upright_size(Size stored, int orientation) {
    return orientation >= 5 ? Size{stored.height, stored.width} : stored;
}

Image turn_upright(Image stored, int orientation) {
    if (orientation <= 1 || orientation > 8) return stored;
    Image upright(upright_size(stored.size(), orientation), stored.format());
    const cv::Mat from = mat_of(stored);
    cv::Mat to = mat_of(upright);
    switch (orientation) {
        case 2: cv::flip(from, to, 1); break;
        case 3: cv::rotate(from, to, cv::ROTATE_180); break;
        case 4: cv::flip(from, to, 0); break;
        case 5: cv::transpose(from, to); break;
        case 6: cv::rotate(from, to, cv::ROTATE_90_CLOCKWISE); break;
        case 7:
            cv::transpose(from, to);
            cv::rotate(to, to, cv::ROTATE_180);
            break;
        default: cv::rotate(from, to, cv::ROTATE_90_COUNTERCLOCKWISE); break;
    }
    return upright;
}

}  // namespace eventlens
