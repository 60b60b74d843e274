#pragma once

#include <cstddef>
#include <span>

#include "eventlens/bibs.h"
#include "eventlens/catalog.h"
#include "eventlens/faces.h"

namespace eventlens {

// One photo, from its bytes to what the catalog stores of it (key, fingerprint and bytes left to the caller).
// JPEGs are decoded at half, a quarter or an eighth of their size as long as faces and bibs lose nothing by
// it. Boxes are in pixels of the whole photo. Throws Error for what cannot be decoded. Thread safe.
PhotoRecord recognise_photo(std::span<const std::byte> encoded, const FaceFinder& faces,
                            const BibReader& bibs);

}  // namespace eventlens
