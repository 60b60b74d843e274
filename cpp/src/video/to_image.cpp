#include "video/to_image.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <utility>
#include <vector>

extern "C" {
#include <libavutil/pixdesc.h>
}

#include "eventlens/error.h"
#include "image/upright.h"

namespace eventlens::av {

namespace {

Size shrunk(Size size, int max_long_side) {
    const int side = std::max(size.width, size.height);
    if (max_long_side <= 0 || side <= max_long_side) return size;
    const auto scaled = [&](int length) {
        return std::max(1, static_cast<int>(std::lround(double(length) * max_long_side / side)));
    };
    return {scaled(size.width), scaled(size.height)};
}

// JPEG's full range was a property of the pixel format once; swscale takes the range separately.
AVPixelFormat without_range(int format) {
    switch (format) {
        case AV_PIX_FMT_YUVJ420P: return AV_PIX_FMT_YUV420P;
        case AV_PIX_FMT_YUVJ422P: return AV_PIX_FMT_YUV422P;
        case AV_PIX_FMT_YUVJ444P: return AV_PIX_FMT_YUV444P;
        case AV_PIX_FMT_YUVJ440P: return AV_PIX_FMT_YUV440P;
        case AV_PIX_FMT_YUVJ411P: return AV_PIX_FMT_YUV411P;
        default: return static_cast<AVPixelFormat>(format);
    }
}

bool is_full_range(const AVFrame& frame) {
    return frame.color_range == AVCOL_RANGE_JPEG || without_range(frame.format) != frame.format;
}

// swscale's number for the coefficients; where the file does not say them, as players assume.
int coefficients_of(const AVFrame& frame) {
    switch (frame.colorspace) {
        case AVCOL_SPC_BT709: return SWS_CS_ITU709;
        case AVCOL_SPC_BT2020_NCL:
        case AVCOL_SPC_BT2020_CL: return SWS_CS_BT2020;
        case AVCOL_SPC_SMPTE240M: return SWS_CS_SMPTE240M;
        case AVCOL_SPC_FCC: return SWS_CS_FCC;
        case AVCOL_SPC_BT470BG:
        case AVCOL_SPC_SMPTE170M: return SWS_CS_ITU601;
        default: return frame.height >= 720 ? SWS_CS_ITU709 : SWS_CS_ITU601;
    }
}

}  // namespace

ToImage::ToImage(const Geometry& geometry, int max_long_side)
    : size_(shrunk(geometry.square, max_long_side)), orientation_(geometry.orientation) {}

void ToImage::prepare(const AVFrame& frame) {
    const Size from{frame.width, frame.height};
    if (scaler_ && from == from_ && frame.format == format_ && frame.colorspace == colorspace_ &&
        frame.color_range == range_) {
        return;
    }
    // Averaging shrinks without aliasing. Without scaling, the flag does nothing.
    const int how = size_.width < from.width || size_.height < from.height ? SWS_AREA : SWS_BILINEAR;
    scaler_.reset(sws_getContext(from.width, from.height, without_range(frame.format), size_.width,
                                 size_.height, AV_PIX_FMT_RGB24, how, nullptr, nullptr, nullptr));
    if (!scaler_) throw Error(ErrorCode::unsupported, "cannot convert the video's pixels to RGB");
    constexpr int neutral = 1 << 16;
    // Fails for sources that are RGB or grey already: they have no coefficients.
    sws_setColorspaceDetails(scaler_.get(), sws_getCoefficients(coefficients_of(frame)), is_full_range(frame),
                             sws_getCoefficients(SWS_CS_DEFAULT), 1, 0, neutral, neutral);
    from_ = from;
    format_ = frame.format;
    colorspace_ = frame.colorspace;
    range_ = frame.color_range;
}

Image ToImage::operator()(const AVFrame& frame) {
    prepare(frame);
    Image image(size_, PixelFormat::rgb8);
    const std::ptrdiff_t row = std::ptrdiff_t{size_.width} * 3;
    // swscale writes whole vectors: the end of a row may spill over into the next one, and that of the last
    // row beyond the image. Rows of full vectors are written in place, others through a padded copy.
    constexpr int vector_pixels = 32;
    std::vector<std::uint8_t> padded;
    std::uint8_t* out = image.pixels().data();
    std::ptrdiff_t stride = row;
    if (size_.width % vector_pixels != 0) {
        stride = (std::ptrdiff_t{size_.width} / vector_pixels + 2) * vector_pixels * 3;
        padded.resize(static_cast<std::size_t>(stride) * static_cast<std::size_t>(size_.height));
        out = padded.data();
    }
    std::uint8_t* const planes[4] = {out};
    const int strides[4] = {static_cast<int>(stride)};
    check(sws_scale(scaler_.get(), frame.data, frame.linesize, 0, frame.height, planes, strides),
          "convert a frame to RGB");
    if (!padded.empty()) {
        for (int y = 0; y < size_.height; ++y) {
            std::memcpy(image.pixels().data() + y * row, padded.data() + y * stride,
                        static_cast<std::size_t>(row));
        }
    }
    return turn_upright(std::move(image), orientation_);
}

}  // namespace eventlens::av
