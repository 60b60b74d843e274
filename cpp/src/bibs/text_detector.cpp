#include "bibs/text_detector.h"

#include <algorithm>
#include <cmath>

#include "eventlens/error.h"
#include "image/warp.h"

namespace eventlens {

namespace {

constexpr std::uint8_t padding = 127;

// What the photo is fitted into. Few shapes, so that few graphs are compiled and kept; those of 4:3 and 3:2
// fit closely.
constexpr int long_side = 960;
constexpr std::array<int, 5> short_sides{320, 544, 640, 736, 960};

// The torso look: in faces, how wide, how high, and how far below the top of the face it begins.
constexpr int face_pixels = 64;
constexpr Size torso_size{3 * face_pixels, 9 * face_pixels / 2};
constexpr float torso_top = 1.4F;
constexpr float torso_margin = 0.06F * face_pixels;  // lines closer than this to the edge are likely cut

Size frame_for(Size photo) {
    const auto [shorter, longer] = std::minmax(photo.width, photo.height);
    const double side = static_cast<double>(shorter) * long_side / longer;
    // A frame up to 2 % too narrow is taken; the photo is then seen that little smaller.
    const auto fitting = std::find_if(short_sides.begin(), short_sides.end() - 1,
                                      [&](int candidate) { return side <= 1.02 * candidate; });
    return photo.width >= photo.height ? Size{long_side, *fitting} : Size{*fitting, long_side};
}

bool is_cut(const Corners& corners) {
    const Rect box = box_around(corners);
    return box.x < torso_margin || box.y < torso_margin ||
           box.x + box.width > static_cast<float>(torso_size.width) - torso_margin ||
           box.y + box.height > static_cast<float>(torso_size.height) - torso_margin;
}

}  // namespace

TextDetector::TextDetector(const ModelStore& store, const ModelEntry& entry)
    : network_(Network::load(store, entry)) {}

std::vector<TextBox> TextDetector::find(const Image& input) const {
    const Run run = network_.run(input.pixels(), 1, input.size());
    const TensorView& map = run.outputs().front();
    if (map.values.size() !=
        static_cast<std::size_t>(input.size().width) * static_cast<std::size_t>(input.size().height)) {
        throw Error(ErrorCode::unsupported,
                    "model '" + network_.entry().name + "' does not answer a map of its input's size");
    }
    return boxes_in_map(map.values, input.size(), static_cast<float>(network_.entry().threshold));
}

std::vector<TextBox> TextDetector::find_in_photo(ImageView photo) const {
    const Padded seen = resize_padded(photo, frame_for(photo.size), padding);
    std::vector<TextBox> boxes = find(seen.image);
    for (TextBox& box : boxes) {
        for (Point& corner : box.corners) corner = {corner.x / seen.scale, corner.y / seen.scale};
    }
    return boxes;
}

std::vector<TextBox> TextDetector::find_in_torso(ImageView photo, const Rect& face) const {
    const float scale = face.height / face_pixels;  // pixels of the photo in one of the look
    const float left = face.x + face.width / 2 - scale * torso_size.width / 2;
    const float top = face.y + torso_top * face.height;
    // A look that hardly meets the photo shows nothing.
    const float visible_width =
        std::min(left + scale * torso_size.width, static_cast<float>(photo.size.width)) -
        std::max(left, 0.0F);
    const float visible_height =
        std::min(top + scale * torso_size.height, static_cast<float>(photo.size.height)) -
        std::max(top, 0.0F);
    if (!(visible_width > face.height / 2 && visible_height > face.height / 2)) return {};

    // Positions of pixel centres, hence the halves.
    const float half = scale / 2 - 0.5F;
    const Image look = warp_affine(photo, {scale, 0, left + half, 0, scale, top + half}, torso_size, padding);
    std::vector<TextBox> boxes;
    for (TextBox& box : find(look)) {
        if (is_cut(box.corners)) continue;
        for (Point& corner : box.corners) corner = {left + corner.x * scale, top + corner.y * scale};
        boxes.push_back(box);
    }
    return boxes;
}

}  // namespace eventlens
