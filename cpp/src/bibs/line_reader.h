#pragma once

#include <memory>
#include <span>
#include <vector>

#include "bibs/ctc.h"
#include "bibs/geometry.h"
#include "eventlens/image.h"

namespace eventlens {

// Reads lines of text that were found in a photo. Thread safety: read() may run on many threads at once.
struct LineReader {
    virtual ~LineReader() = default;

    // The text at each of `lines`, in their order.
    virtual std::vector<DecodedText> read(ImageView image, std::span<const Corners> lines) const = 0;
};

// Debian's Tesseract. Throws Error(not_found) when its data is not installed.
std::unique_ptr<LineReader> open_tesseract_reader();

}  // namespace eventlens
