#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <vector>

#include "eventlens/error.h"
#include "eventlens/image.h"

// Our own rather than OpenCV's: that one starts a pool of threads behind the caller's back, where the engine
// already keeps every core busy.
namespace eventlens {

namespace {

// How the pixels along one axis are made: output pixel i is the sum of weights[k] * input[first[i] + k -
// begin[i]] for k from begin[i] up to begin[i + 1].
struct Axis {
    std::vector<int> first;
    std::vector<std::size_t> begin{0};
    std::vector<float> weights;

    int count(int i) const {
        return static_cast<int>(begin[static_cast<std::size_t>(i) + 1] - begin[static_cast<std::size_t>(i)]);
    }
    const float* weights_of(int i) const { return weights.data() + begin[static_cast<std::size_t>(i)]; }
};

// Each output pixel averages what it covers, fractions of pixels included.
Axis averaging(int from, int to) {
    Axis axis;
    const double step = static_cast<double>(from) / to;
    for (int i = 0; i < to; ++i) {
        const double left = i * step;
        const double right = std::min((i + 1) * step, static_cast<double>(from));
        const int first = std::min(static_cast<int>(left), from - 1);
        axis.first.push_back(first);
        for (int j = first; j < from && (j == first || j < right); ++j) {
            const double covered = std::min(right, j + 1.0) - std::max(left, static_cast<double>(j));
            axis.weights.push_back(static_cast<float>(covered / step));
        }
        axis.begin.push_back(axis.weights.size());
    }
    return axis;
}

// Each output pixel lies between the middles of two input pixels.
Axis interpolating(int from, int to) {
    Axis axis;
    for (int i = 0; i < to; ++i) {
        const double place = std::clamp((i + 0.5) * from / to - 0.5, 0.0, from - 1.0);
        const int first = static_cast<int>(place);
        const auto share = static_cast<float>(place - first);
        axis.first.push_back(first);
        axis.weights.push_back(1 - share);
        if (first + 1 < from) axis.weights.push_back(share);
        axis.begin.push_back(axis.weights.size());
    }
    return axis;
}

Axis axis_for(int from, int to) {
    return to < from ? averaging(from, to) : interpolating(from, to);
}

// First the rows that make an output row, all channels alike; then, within that, the columns.
template <int C>
void resize_into(Image& to, ImageView from) {
    const Axis columns = axis_for(from.size.width, to.size().width);
    const Axis rows = axis_for(from.size.height, to.size().height);
    const std::size_t length = static_cast<std::size_t>(from.size.width) * C;
    std::vector<float> line(length);
    std::uint8_t* out = to.pixels().data();
    for (int y = 0; y < to.size().height; ++y) {
        std::ranges::fill(line, 0.5F);  // rounds when cut off below: the weights of an axis sum to one
        for (int k = 0; k < rows.count(y); ++k) {
            const std::uint8_t* input =
                from.pixels + (rows.first[static_cast<std::size_t>(y)] + k) * from.row_bytes;
            const float weight = rows.weights_of(y)[k];
            float* sum = line.data();
            for (std::size_t i = 0; i < length; ++i) sum[i] += weight * static_cast<float>(input[i]);
        }
        for (int x = 0; x < to.size().width; ++x) {
            const float* input =
                line.data() + static_cast<std::ptrdiff_t>(columns.first[static_cast<std::size_t>(x)]) * C;
            const float* weights = columns.weights_of(x);
            std::array<float, C> sum{};
            for (int k = 0; k < columns.count(x); ++k, input += C) {
                for (std::size_t c = 0; c < C; ++c) sum[c] += weights[k] * input[c];
            }
            for (const float channel : sum) *out++ = static_cast<std::uint8_t>(channel);
        }
    }
}

}  // namespace

Image resize_image(ImageView image, Size size) {
    Image resized(size, image.format);
    if (!image.pixels || image.size.width <= 0 || image.size.height <= 0) {
        throw Error(ErrorCode::bad_input, "cannot resize an empty image");
    }
    if (image.format == PixelFormat::gray8) {
        resize_into<1>(resized, image);
    } else {
        resize_into<3>(resized, image);
    }
    return resized;
}

}  // namespace eventlens
