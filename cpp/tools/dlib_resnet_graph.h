#pragma once

#include <filesystem>
#include <memory>
#include <openvino/core/model.hpp>

namespace eventlens {

// dlib's face recognition ResNet (Davis E. King, 2017), rebuilt from
// dlib_face_recognition_resnet_model_v1.dat. Each affine layer is folded into the convolution before it.
//
// Input: uint8, faces x 150 x 150 x 3, RGB. Output: f32, faces x 128, not normalised.
//
// Throws Error(not_found) when the file cannot be opened, Error(bad_input) when it is not that network.
std::shared_ptr<ov::Model> dlib_resnet_graph(const std::filesystem::path& weights);

}  // namespace eventlens
