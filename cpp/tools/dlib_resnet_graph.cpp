#include "tools/dlib_resnet_graph.h"

#include <algorithm>
#include <fstream>
#include <openvino/op/add.hpp>
#include <openvino/op/avg_pool.hpp>
#include <openvino/op/convolution.hpp>
#include <openvino/op/matmul.hpp>
#include <openvino/op/max_pool.hpp>
#include <openvino/op/multiply.hpp>
#include <openvino/op/pad.hpp>
#include <openvino/op/reduce_mean.hpp>
#include <openvino/op/relu.hpp>
#include <openvino/op/subtract.hpp>
#include <utility>

#include "eventlens/error.h"
#include "tools/dlib_resnet_network.h"
#include "tools/graph_parts.h"

namespace eventlens {

namespace {

// A convolution with the affine layer after it folded in; filters are [out][in][ky][kx].
struct Convolution {
    std::size_t out = 0;
    std::size_t in = 0;
    std::size_t kernel = 0;
    std::size_t stride = 0;
    std::size_t padding = 0;
    std::vector<float> filters;
    std::vector<float> biases;
};

struct Weights {
    std::vector<Convolution> convolutions;  // input first
    std::vector<float> projection;          // [256][128]
};

std::vector<float> floats_of(const dlib::tensor& tensor) {
    return {tensor.begin(), tensor.end()};
}

// Visits the layers from the output to the input, so an affine layer comes before the convolution that it
// scales. dlib copies its visitor: the state is held by reference.
class Collector {
  public:
    explicit Collector(Weights& weights) : weights_(&weights) {}

    template <long out, long rows, long columns, int stride_y, int stride_x, int padding_y, int padding_x,
              typename Below>
    void operator()(std::size_t,
                    dlib::add_layer<dlib::con_<out, rows, columns, stride_y, stride_x, padding_y, padding_x>,
                                    Below>& layer) const {
        const std::vector<float> parameters = floats_of(layer.layer_details().get_layer_params());
        Convolution& convolution = weights_->convolutions.back();
        if (convolution.filters.size() != out) {
            throw Error(ErrorCode::bad_input,
                        "not dlib's face recognition network: it does not scale by channel");
        }
        convolution.out = out;
        convolution.kernel = rows;
        convolution.stride = stride_y;
        convolution.padding = padding_y;
        convolution.in = (parameters.size() - out) / (out * rows * columns);
        const std::size_t each = convolution.in * rows * columns;
        for (std::size_t i = 0; i < out; ++i) {
            const float gamma = convolution.filters[i];  // left there by the affine layer
            convolution.biases[i] += gamma * parameters[out * each + i];
        }
        std::vector<float> filters(out * each);
        for (std::size_t i = 0; i < filters.size(); ++i)
            filters[i] = parameters[i] * convolution.filters[i / each];
        convolution.filters = std::move(filters);
    }

    template <typename Below>
    void operator()(std::size_t, dlib::add_layer<dlib::affine_, Below>& layer) const {
        Convolution convolution;
        const auto gamma = layer.layer_details().get_gamma();
        const auto beta = layer.layer_details().get_beta();
        convolution.filters = floats_of(gamma);
        convolution.biases = floats_of(beta);
        weights_->convolutions.push_back(std::move(convolution));
    }

    template <unsigned long outputs, typename Below>
    void operator()(std::size_t, dlib::add_layer<dlib::fc_<outputs, dlib::FC_NO_BIAS>, Below>& layer) const {
        weights_->projection = floats_of(layer.layer_details().get_layer_params());
    }

    template <typename Other>
    void operator()(std::size_t, Other&) const {}  // carries no weights

  private:
    Weights* weights_;
};

Weights read_weights(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw Error(ErrorCode::not_found, "cannot open " + path.string());
    dlib_resnet::Network network;
    try {
        deserialize(network, file);
    } catch (const std::exception& error) {  // broken lengths surface as allocation failures too
        throw Error(ErrorCode::bad_input,
                    path.string() + " is not dlib's face recognition network: " + error.what());
    }
    Weights weights;
    dlib::visit_layers(network, Collector(weights));
    std::ranges::reverse(weights.convolutions);
    return weights;
}

Node add(const Node& a, const Node& b) {
    return make<ov::op::v1::Add>(a, b);
}

Node relu(const Node& x) {
    return make<ov::op::v0::Relu>(x);
}

// Builds the layers in order, keeping track of what is read and of the shape, which decides how dlib pads.
class Builder {
  public:
    explicit Builder(Weights weights) : weights_(std::move(weights)) {}

    Node embeddings(const Node& chips) {
        const std::vector<float> mean{122.782F, 117.001F, 104.298F};
        Node x = make<ov::op::v1::Subtract>(channels_first(as_float(chips)), constant(mean, {1, 3, 1, 1}));
        x = make<ov::op::v1::Multiply>(x, constant({1.0F / 256}, {1}));
        x = relu(convolution(x));
        x = make<ov::op::v1::MaxPool>(x, ov::Strides{2, 2}, ov::Shape{0, 0}, ov::Shape{0, 0},
                                      ov::Shape{3, 3});
        side_ = 35;  // 150 → 72 by the convolution → 35 by the pooling
        for (int i = 0; i < 3; ++i) x = residual(x);
        for (const int residuals : {3, 2, 2, 0}) {
            x = down(x);
            for (int i = 0; i < residuals; ++i) x = residual(x);
        }
        x = make<ov::op::v1::ReduceMean>(x, integers({2, 3}), false);
        return make<ov::op::v0::MatMul>(x, constant(weights_.projection, {channels_, 128}), false, false);
    }

  private:
    Node convolution(const Node& input) {
        const Convolution& layer = weights_.convolutions.at(next_++);
        channels_ = layer.out;
        const auto padding = static_cast<std::ptrdiff_t>(layer.padding);
        const Node sum = make<ov::op::v1::Convolution>(
            input, constant(layer.filters, {layer.out, layer.in, layer.kernel, layer.kernel}),
            ov::Strides{layer.stride, layer.stride}, ov::CoordinateDiff{padding, padding},
            ov::CoordinateDiff{padding, padding}, ov::Strides{1, 1});
        return add(sum, constant(layer.biases, {1, layer.out, 1, 1}));
    }

    // Two convolutions in a row.
    Node block(const Node& input) {
        const Node inner = relu(convolution(input));
        return convolution(inner);
    }

    Node residual(const Node& input) { return relu(add(input, block(input))); }

    // Halves the sides. The convolution of stride 2 is not padded and the pooling rounds down, so the two can
    // differ by a row and a column, and in channels; dlib adds them as if the smaller were followed by zeros.
    Node down(const Node& input) {
        const std::int64_t channels_before = static_cast<std::int64_t>(channels_);
        const Node pooled = make<ov::op::v1::AvgPool>(input, ov::Strides{2, 2}, ov::Shape{0, 0},
                                                      ov::Shape{0, 0}, ov::Shape{2, 2}, true);
        const Node convolved = block(input);
        const std::int64_t pooled_side = side_ / 2;
        const std::int64_t convolved_side = (side_ - 3) / 2 + 1;
        side_ = std::max(pooled_side, convolved_side);
        const auto channels = static_cast<std::int64_t>(channels_);
        return relu(add(followed_by_zeros(pooled, channels - channels_before, side_ - pooled_side),
                        followed_by_zeros(convolved, 0, side_ - convolved_side)));
    }

    static Node followed_by_zeros(const Node& x, std::int64_t channels, std::int64_t rows) {
        if (channels == 0 && rows == 0) return x;
        return make<ov::op::v1::Pad>(x, integers({0, 0, 0, 0}), integers({0, channels, rows, rows}),
                                     constant({0}, {}), ov::op::PadMode::CONSTANT);
    }

    Weights weights_;
    std::size_t next_ = 0;
    std::size_t channels_ = 3;
    std::int64_t side_ = 150;
};

}  // namespace

std::shared_ptr<ov::Model> dlib_resnet_graph(const std::filesystem::path& weights) {
    const auto chips =
        std::make_shared<ov::op::v0::Parameter>(ov::element::u8, ov::PartialShape{-1, 150, 150, 3});
    chips->set_friendly_name("faces");
    Builder builder(read_weights(weights));
    return std::make_shared<ov::Model>(ov::OutputVector{builder.embeddings(chips)},
                                       ov::ParameterVector{chips}, "dlib_resnet");
}

}  // namespace eventlens
