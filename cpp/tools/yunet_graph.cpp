#include "tools/yunet_graph.h"

#include <openvino/core/except.hpp>
#include <openvino/op/add.hpp>
#include <openvino/op/concat.hpp>
#include <openvino/op/convolution.hpp>
#include <openvino/op/group_conv.hpp>
#include <openvino/op/interpolate.hpp>
#include <openvino/op/max_pool.hpp>
#include <openvino/op/multiply.hpp>
#include <openvino/op/relu.hpp>
#include <openvino/op/sigmoid.hpp>
#include <openvino/op/sqrt.hpp>

#include "eventlens/error.h"
#include "tools/elf_file.h"
#include "tools/graph_parts.h"

namespace eventlens {

namespace {

constexpr std::size_t layer_count = 53;

// One convolution of the table. Pointwise weights are [out][in], depthwise ones [ky * 3 + kx][channel].
struct Layer {
    std::size_t in = 0;
    std::size_t out = 0;
    bool depthwise = false;
    bool relu = false;
    std::vector<float> weights;
    std::vector<float> biases;
};

// The table is an array of the library's
// struct { int in; int out; bool depthwise; bool pointwise; bool relu; float* weights; float* biases; };
std::vector<Layer> read_layers(const ElfFile& library) {
    constexpr std::uint64_t entry_bytes = 32;
    std::uint64_t entry = library.address_of("param_pConvInfo");
    std::vector<Layer> layers(layer_count);
    for (Layer& layer : layers) {
        const auto in = library.value_at<std::int32_t>(entry);
        const auto out = library.value_at<std::int32_t>(entry + 4);
        if (in < 1 || in > 1024 || out < 1 || out > 1024) {
            throw Error(ErrorCode::bad_input, "the library's table is not the one of YuNet: a layer has " +
                                                  std::to_string(in) + " inputs and " + std::to_string(out) +
                                                  " outputs");
        }
        layer.in = static_cast<std::size_t>(in);
        layer.out = static_cast<std::size_t>(out);
        layer.depthwise = library.value_at<std::uint8_t>(entry + 8) != 0;
        layer.relu = library.value_at<std::uint8_t>(entry + 10) != 0;
        layer.weights =
            library.floats_at(library.pointer_at(entry + 16), layer.in * (layer.depthwise ? 9 : layer.out));
        layer.biases = library.floats_at(library.pointer_at(entry + 24), layer.out);
        entry += entry_bytes;
    }
    return layers;
}

Node max_pool(const Node& input) {
    return make<ov::op::v1::MaxPool>(input, ov::Strides{2, 2}, ov::Shape{0, 0}, ov::Shape{0, 0},
                                     ov::Shape{2, 2});
}

Node twice_as_large(const Node& input) {
    ov::op::v11::Interpolate::InterpolateAttrs how;
    how.mode = ov::op::v11::Interpolate::InterpolateMode::NEAREST;
    how.shape_calculation_mode = ov::op::v11::Interpolate::ShapeCalcMode::SCALES;
    how.coordinate_transformation_mode = ov::op::v11::Interpolate::CoordinateTransformMode::ASYMMETRIC;
    how.nearest_mode = ov::op::v11::Interpolate::NearestMode::FLOOR;
    return make<ov::op::v11::Interpolate>(input, constant({2, 2}, {2}), integers({2, 3}), how);
}

Node add(const Node& a, const Node& b) {
    return make<ov::op::v1::Add>(a, b);
}

// The network's building blocks, named by the table's index of their first layer.
class YuNet {
  public:
    explicit YuNet(std::vector<Layer> layers) : layers_(std::move(layers)) {}

    ov::OutputVector heads(const Node& image) const {
        Node x = first(image);
        x = max_pool(separable(x, 1));
        x = unit(x, 3);
        x = unit(x, 7);
        x = max_pool(x);
        Node fine = unit(x, 11);
        Node middle = unit(max_pool(fine), 15);
        Node coarse = unit(max_pool(middle), 19);
        coarse = separable(coarse, 27);
        middle = separable(add(twice_as_large(coarse), middle), 25);
        fine = separable(add(twice_as_large(middle), fine), 23);
        return {head(fine, 0), head(middle, 1), head(coarse, 2)};
    }

  private:
    Node with_bias(const Node& input, const Layer& layer) const {
        const Node sum = add(input, constant(layer.biases, {1, layer.out, 1, 1}));
        return layer.relu ? make<ov::op::v0::Relu>(sum) : sum;
    }

    // A 3x3 convolution of stride 2, which the table gives as a pointwise one: input (ky * 3 + kx) * 3 +
    // channel in the order BGR, then padding up to 32. Reversing the channels here lets the graph take RGB.
    Node first(const Node& image) const {
        const Layer& layer = layers_[0];
        if (layer.in != 32 || layer.depthwise)
            throw Error(ErrorCode::bad_input, "the library's table is not the one of YuNet: its first layer");
        std::vector<float> weights;
        for (std::size_t out = 0; out < layer.out; ++out)
            for (std::size_t rgb = 0; rgb < 3; ++rgb)
                for (std::size_t tap = 0; tap < 9; ++tap)
                    weights.push_back(layer.weights[out * 32 + tap * 3 + (2 - rgb)]);
        return with_bias(make<ov::op::v1::Convolution>(image, constant(weights, {layer.out, 3, 3, 3}),
                                                       ov::Strides{2, 2}, ov::CoordinateDiff{1, 1},
                                                       ov::CoordinateDiff{1, 1}, ov::Strides{1, 1}),
                         layer);
    }

    Node pointwise(const Node& input, std::size_t index) const {
        const Layer& layer = layers_[index];
        return with_bias(make<ov::op::v1::Convolution>(
                             input, constant(layer.weights, {layer.out, layer.in, 1, 1}), ov::Strides{1, 1},
                             ov::CoordinateDiff{0, 0}, ov::CoordinateDiff{0, 0}, ov::Strides{1, 1}),
                         layer);
    }

    Node depthwise(const Node& input, std::size_t index) const {
        const Layer& layer = layers_[index];
        std::vector<float> weights;
        for (std::size_t channel = 0; channel < layer.in; ++channel)
            for (std::size_t tap = 0; tap < 9; ++tap)
                weights.push_back(layer.weights[tap * layer.in + channel]);
        return with_bias(make<ov::op::v1::GroupConvolution>(input, constant(weights, {layer.in, 1, 1, 3, 3}),
                                                            ov::Strides{1, 1}, ov::CoordinateDiff{1, 1},
                                                            ov::CoordinateDiff{1, 1}, ov::Strides{1, 1}),
                         layer);
    }

    // Two layers: across channels, then across space.
    Node separable(const Node& input, std::size_t index) const {
        if (layers_[index].depthwise || !layers_[index + 1].depthwise)
            throw Error(ErrorCode::bad_input,
                        "the library's table is not the one of YuNet: layer " + std::to_string(index));
        return depthwise(pointwise(input, index), index + 1);
    }

    // Four layers.
    Node unit(const Node& input, std::size_t index) const {
        return separable(separable(input, index), index + 2);
    }

    Node head(const Node& feature, std::size_t level) const {
        const Node known = make<ov::op::v0::Sigmoid>(separable(feature, 29 + 2 * level));
        const Node is_object = make<ov::op::v0::Sigmoid>(separable(feature, 41 + 2 * level));
        const Node score = make<ov::op::v0::Sqrt>(make<ov::op::v1::Multiply>(known, is_object));
        const Node box = separable(feature, 35 + 2 * level);
        const Node landmarks = separable(feature, 47 + 2 * level);
        return channels_last(make<ov::op::v0::Concat>(ov::OutputVector{score, box, landmarks}, 1));
    }

    std::vector<Layer> layers_;
};

}  // namespace

std::shared_ptr<ov::Model> yunet_graph(const std::filesystem::path& library) {
    const YuNet network(read_layers(ElfFile(library)));
    try {
        const auto image =
            std::make_shared<ov::op::v0::Parameter>(ov::element::u8, ov::PartialShape{1, -1, -1, 3});
        image->set_friendly_name("image");
        return std::make_shared<ov::Model>(network.heads(channels_first(as_float(image))),
                                           ov::ParameterVector{image}, "yunet");
    } catch (const ov::Exception&) {  // the layers' sizes do not fit each other
        throw Error(ErrorCode::bad_input, library.string() + ": its table is not the one of YuNet");
    }
}

}  // namespace eventlens
