#include "faces/detect.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "eventlens/error.h"

namespace eventlens {

namespace {

constexpr float most_overlap = 0.45F;    // as the detector's authors suppress
constexpr std::size_t cell_values = 15;  // score, box, landmarks; see tools/yunet_graph.h
constexpr int coarse_look = 4;           // times smaller
constexpr int close_up_side = 256;       // pixels of the long side, in the middle of a canvas twice as long
constexpr int close_up_enough = 1024;    // pixels of the long side when a face takes an eighth of it or more

Rect cut(const Rect& a, const Rect& b) {
    const float left = std::max(a.x, b.x);
    const float top = std::max(a.y, b.y);
    return {left, top, std::max(0.0F, std::min(a.x + a.width, b.x + b.width) - left),
            std::max(0.0F, std::min(a.y + a.height, b.y + b.height) - top)};
}

float area(const Rect& box) {
    return box.width * box.height;
}

// The view at the top left of a black canvas.
Image on_canvas(ImageView rgb, Size canvas) {
    Image padded(canvas, PixelFormat::rgb8);
    for (int y = 0; y < rgb.size.height; ++y) {
        std::memcpy(padded.pixels().data() + static_cast<std::ptrdiff_t>(y) * canvas.width * 3,
                    rgb.pixels + y * rgb.row_bytes, static_cast<std::size_t>(rgb.size.width) * 3);
    }
    return padded;
}

// The view with `border` black pixels on every side.
Image with_border(ImageView rgb, int border) {
    const Size size{rgb.size.width + 2 * border, rgb.size.height + 2 * border};
    Image framed(size, PixelFormat::rgb8);
    for (int y = 0; y < rgb.size.height; ++y) {
        std::memcpy(
            framed.pixels().data() + (static_cast<std::ptrdiff_t>(y + border) * size.width + border) * 3,
            rgb.pixels + y * rgb.row_bytes, static_cast<std::size_t>(rgb.size.width) * 3);
    }
    return framed;
}

// Adds the faces of one output; a cell is `stride` pixels of the canvas wide and high.
void read_cells(const TensorView& cells, float stride, float min_confidence, float scale,
                std::vector<Detection>& found) {
    const std::size_t columns = cells.shape[2];
    for (std::size_t i = 0; i * cell_values < cells.values.size(); ++i) {
        const auto cell = cells.values.subspan(i * cell_values, cell_values);
        if (!(cell[0] >= min_confidence)) continue;
        const std::size_t full_rows = i / columns;
        const auto column = static_cast<float>(i % columns);
        const auto row = static_cast<float>(full_rows);
        Detection face;
        face.confidence = std::min(cell[0], 1.0F);
        const float width = std::exp(cell[3]) * stride;
        const float height = std::exp(cell[4]) * stride;
        face.box = {((cell[1] + column) * stride - width / 2) / scale,
                    ((cell[2] + row) * stride - height / 2) / scale, width / scale, height / scale};
        for (std::size_t k = 0; k < face.landmarks.size(); ++k) {
            const float x = (cell[5 + 2 * k] + column) * stride;
            const float y = (cell[6 + 2 * k] + row) * stride;
            face.landmarks[k] = {(x + 0.5F) / scale - 0.5F, (y + 0.5F) / scale - 0.5F};
        }
        if (std::isfinite(face.box.width) && std::isfinite(face.box.height)) found.push_back(face);
    }
}

}  // namespace

Size canvas_for(Size size) {
    const int longer = std::max(size.width, size.height);
    const int shorter = std::min(size.width, size.height);
    const int long_side = longer <= 512 ? 512 : longer <= 1024 ? 1024 : (longer + 511) / 512 * 512;
    int short_side = long_side;
    for (const int sixteenths : {12, 11, 9}) {
        if (long_side * sixteenths / 16 >= shorter) short_side = long_side * sixteenths / 16;
    }
    return size.width >= size.height ? Size{long_side, short_side} : Size{short_side, long_side};
}

std::vector<Detection> without_overlaps(std::vector<Detection> detections, float most) {
    std::ranges::stable_sort(detections, std::ranges::greater{}, &Detection::confidence);
    std::vector<Detection> kept;
    for (const Detection& face : detections) {
        const bool hidden = std::ranges::any_of(kept, [&](const Detection& other) {
            const float common = area(cut(face.box, other.box));
            return common > most * (area(face.box) + area(other.box) - common);
        });
        if (!hidden) kept.push_back(face);
    }
    return kept;
}

FaceDetector::FaceDetector(const ModelStore& models, double min_confidence, int max_long_side)
    : network_(Network::load(models, models.default_for("face_detector"))),
      usual_{static_cast<float>(min_confidence > 0 ? min_confidence : network_.entry().threshold),
             max_long_side} {
    if (max_long_side < 32) throw Error(ErrorCode::bad_input, "max_long_side must be at least 32");
}

std::vector<Detection> FaceDetector::detect(ImageView rgb, const Look& how) const {
    std::vector<Detection> faces = look(rgb, how);
    const int seen = std::min(std::max(rgb.size.width, rgb.size.height), how.max_long_side);
    if (seen >= 1024) {
        const std::vector<Detection> coarse = look(rgb, {how.min_confidence, seen / coarse_look});
        faces.insert(faces.end(), coarse.begin(), coarse.end());
        faces = without_overlaps(std::move(faces), most_overlap);
    }
    return faces;
}

std::vector<Detection> FaceDetector::detect_close_up(ImageView rgb) const {
    const int longer = std::max(rgb.size.width, rgb.size.height);
    const double scale = std::min(1.0, static_cast<double>(close_up_side) / longer);
    const auto side = [&](int length) { return std::max(1, static_cast<int>(std::lround(length * scale))); };
    const Image small = resize_image(rgb, {side(rgb.size.width), side(rgb.size.height)});
    const int border = std::max(small.size().width, small.size().height) / 2;
    const Image framed = with_border(small.view(), border);
    const auto shift = static_cast<float>(border);
    const auto grow = static_cast<float>(1 / scale);

    std::vector<Detection> close = look(framed.view(), {usual_.min_confidence, 2 * close_up_side});
    float largest = 0;
    for (Detection& face : close) {
        face.box = {(face.box.x - shift) * grow, (face.box.y - shift) * grow, face.box.width * grow,
                    face.box.height * grow};
        for (Point& point : face.landmarks) {
            point = {(point.x - shift + 0.5F) * grow - 0.5F, (point.y - shift + 0.5F) * grow - 0.5F};
        }
        largest = std::max({largest, face.box.width, face.box.height});
    }
    // A selfie is of its largest face. One that has 128 pixels and more in a smaller view, which the
    // embedders do not need, is found there as well, at a quarter of the cost.
    Look how = usual_;
    if (8 * largest >= static_cast<float>(longer))
        how.max_long_side = std::min(how.max_long_side, close_up_enough);
    std::vector<Detection> faces = detect(rgb, how);
    faces.insert(faces.end(), close.begin(), close.end());
    return without_overlaps(std::move(faces), most_overlap);
}

std::vector<Detection> FaceDetector::look(ImageView rgb, const Look& how) const {
    const int longer = std::max(rgb.size.width, rgb.size.height);
    Image shrunk;
    ImageView seen = rgb;
    if (longer > how.max_long_side) {
        const auto side = [&](int length) {
            return std::max(
                1, static_cast<int>(std::lround(static_cast<double>(length) * how.max_long_side / longer)));
        };
        shrunk = resize_image(rgb, {side(rgb.size.width), side(rgb.size.height)});
        seen = shrunk.view();
    }
    const float scale = std::max(static_cast<float>(seen.size.width) / static_cast<float>(rgb.size.width),
                                 static_cast<float>(seen.size.height) / static_cast<float>(rgb.size.height));
    const Image canvas = on_canvas(seen, canvas_for(seen.size));
    const Run run = network_.run(canvas.pixels(), 1, canvas.size());

    std::vector<Detection> faces;
    float stride = 8;
    for (const TensorView& cells : run.outputs()) {
        if (cells.shape.size() != 4 || cells.shape[3] != cell_values) {
            throw Error(ErrorCode::unsupported,
                        "model '" + network_.entry().name + "' does not answer as a face detector must");
        }
        read_cells(cells, stride, how.min_confidence, scale, faces);
        stride *= 2;
    }
    return without_overlaps(std::move(faces), most_overlap);
}

}  // namespace eventlens
