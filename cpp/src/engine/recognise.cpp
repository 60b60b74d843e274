#include "engine/recognise.h"

#include <algorithm>

namespace eventlens {

namespace {

// The face detector looks at 2048 pixels at most and a bib's text is read at 48 pixels of height: a long side
// of 2000 loses nothing that either would have found (bench/quality: same answers whole and halved).
constexpr int enough_long_side = 2000;

}  // namespace

void scale_face(Face& face, const PixelScale& scale) {
    face.box = scale(face.box);
    for (Point& landmark : face.landmarks) landmark = scale(landmark);
}

void scale_read(BibRead& read, const PixelScale& scale) {
    for (Point& corner : read.corners) corner = scale(corner);
}

DecodedPhoto decode_to_recognise(std::span<const std::byte> encoded, int least_long_side) {
    DecodeOptions options;
    options.enough_long_side = std::max(enough_long_side, least_long_side);
    return decode_photo(encoded, options);
}

ImageView enough_to_recognise(const Image& decoded, const Image& smaller) {
    const auto long_side = [](const Image& image) {
        return std::max(image.size().width, image.size().height);
    };
    const bool larger_than_needed = long_side(decoded) / 2 >= enough_long_side;
    return larger_than_needed && long_side(smaller) >= enough_long_side ? smaller.view() : decoded.view();
}

PhotoRecord recognise_photo(const DecodedPhoto& photo, ImageView seen, const FaceFinder& faces,
                            const BibReader& bibs) {
    PhotoRecord record;
    record.size = photo.full_size;
    record.captured = photo.metadata.captured;
    record.camera = photo.metadata.camera;
    record.faces = faces.find(seen);
    record.bib_reads = bibs.read_text(seen, record.faces);

    const PixelScale scale{static_cast<float>(photo.full_size.width) / static_cast<float>(seen.size.width),
                           static_cast<float>(photo.full_size.height) / static_cast<float>(seen.size.height)};
    for (Face& face : record.faces) scale_face(face, scale);
    for (BibRead& read : record.bib_reads) scale_read(read, scale);
    return record;
}

}  // namespace eventlens
