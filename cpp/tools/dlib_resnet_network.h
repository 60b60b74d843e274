#pragma once

#include <dlib/dnn.h>

// The type of dlib's face recognition network, as its author publishes it with the weights (dlib,
// examples/dnn_face_recognition_ex.cpp, released into the public domain). Only this type can read the file.
namespace eventlens::dlib_resnet {

template <int N, int stride, typename Below>
using Block = dlib::affine<
    dlib::con<N, 3, 3, 1, 1, dlib::relu<dlib::affine<dlib::con<N, 3, 3, stride, stride, Below>>>>>;

template <int N, typename Below>
using Residual = dlib::relu<dlib::add_prev1<Block<N, 1, dlib::tag1<Below>>>>;

template <int N, typename Below>
using Down = dlib::relu<
    dlib::add_prev2<dlib::avg_pool<2, 2, 2, 2, dlib::skip1<dlib::tag2<Block<N, 2, dlib::tag1<Below>>>>>>>;

template <typename Below>
using Level4 = Residual<32, Residual<32, Residual<32, Below>>>;
template <typename Below>
using Level3 = Residual<64, Residual<64, Residual<64, Down<64, Below>>>>;
template <typename Below>
using Level2 = Residual<128, Residual<128, Down<128, Below>>>;
template <typename Below>
using Level1 = Residual<256, Residual<256, Down<256, Below>>>;
template <typename Below>
using Level0 = Down<256, Below>;

using Network = dlib::loss_metric<dlib::fc_no_bias<
    128, dlib::avg_pool_everything<Level0<Level1<Level2<Level3<Level4<dlib::max_pool<
             3, 3, 2, 2,
             dlib::relu<dlib::affine<dlib::con<32, 7, 7, 2, 2, dlib::input_rgb_image_sized<150>>>>>>>>>>>>>;

}  // namespace eventlens::dlib_resnet
