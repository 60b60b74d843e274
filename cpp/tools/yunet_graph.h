#pragma once

#include <filesystem>
#include <memory>
#include <openvino/core/model.hpp>

namespace eventlens {

// YuNet, the face detector of libfacedetection (Wu, Peng, Yu: "YuNet: A Tiny Millisecond-level Face
// Detector", Machine Intelligence Research 2023), rebuilt from the table of weights inside that library's
// file.
//
// Input: uint8, 1 x height x width x 3, RGB; sides must be multiples of 32.
// Outputs, for the strides 8, 16 and 32: f32, 1 x height/stride x width/stride x 15. Of each cell (column,
// row):
//   0       score, 0..1
//   1-4     box: centre is (v + (column, row)) * stride, width and height are exp(v) * stride
//   5-14    five landmarks as (v + (column, row)) * stride: image-left eye, image-right eye, nose tip,
//           image-left mouth corner, image-right mouth corner
//
// Throws Error(not_found) when the file cannot be read, Error(bad_input) when it does not carry the table.
std::shared_ptr<ov::Model> yunet_graph(const std::filesystem::path& library);

}  // namespace eventlens
