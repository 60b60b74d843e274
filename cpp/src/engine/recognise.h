#pragma once

#include <cstddef>
#include <span>

#include "eventlens/bibs.h"
#include "eventlens/catalog.h"
#include "eventlens/faces.h"

namespace eventlens {

// From pixels of a shrunk picture to pixels of the whole one.
struct PixelScale {
    float x = 1;
    float y = 1;

    Point operator()(Point p) const { return {p.x * x, p.y * y}; }
    Rect operator()(Rect r) const { return {r.x * x, r.y * y, r.width * x, r.height * y}; }
    PixelScale inverse() const { return {1 / x, 1 / y}; }
};

void scale_face(Face& face, const PixelScale& scale);
void scale_read(BibRead& read, const PixelScale& scale);

// A photo's pixels: JPEGs at half, a quarter or an eighth of their size as long as faces and bibs lose
// nothing by it, and the long side keeps `least_long_side` pixels. Throws Error for what cannot be decoded.
DecodedPhoto decode_to_recognise(std::span<const std::byte> encoded, int least_long_side = 0);

// Which of two sizes of a photo to recognise in: `smaller` where nothing is lost by it, as `decoded` could
// have been halved.
ImageView enough_to_recognise(const Image& decoded, const Image& smaller);

// What the catalog stores of a photo (key, fingerprint and bytes left to the caller), recognised in `seen`,
// its pixels in any size. Boxes are in pixels of the whole photo. Thread safe.
PhotoRecord recognise_photo(const DecodedPhoto& photo, ImageView seen, const FaceFinder& faces,
                            const BibReader& bibs);

}  // namespace eventlens
