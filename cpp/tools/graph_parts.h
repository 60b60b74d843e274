#pragma once

#include <openvino/core/model.hpp>
#include <openvino/op/constant.hpp>
#include <openvino/op/convert.hpp>
#include <openvino/op/parameter.hpp>
#include <openvino/op/transpose.hpp>
#include <vector>

// What both converters build their graphs from.
namespace eventlens {

using Node = ov::Output<ov::Node>;

template <typename Op, typename... Arguments>
Node make(Arguments&&... arguments) {
    return std::make_shared<Op>(std::forward<Arguments>(arguments)...)->output(0);
}

inline Node constant(const std::vector<float>& values, const ov::Shape& shape) {
    return make<ov::op::v0::Constant>(ov::element::f32, shape, values);
}

inline Node integers(const std::vector<std::int64_t>& values) {
    return make<ov::op::v0::Constant>(ov::element::i64, ov::Shape{values.size()}, values);
}

// Batch, height, width, channel → batch, channel, height, width.
inline Node channels_first(const Node& nhwc) {
    return make<ov::op::v1::Transpose>(nhwc, integers({0, 3, 1, 2}));
}

inline Node channels_last(const Node& nchw) {
    return make<ov::op::v1::Transpose>(nchw, integers({0, 2, 3, 1}));
}

inline Node as_float(const Node& bytes) {
    return make<ov::op::v0::Convert>(bytes, ov::element::f32);
}

}  // namespace eventlens
