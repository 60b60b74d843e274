#pragma once

#include <memory>
#include <span>
#include <vector>

#include "eventlens/bibs.h"

namespace eventlens {

// What a reader does; BibReader checks the image and applies the rules.
struct BibReader::Impl {
    virtual ~Impl() = default;
    virtual std::vector<BibRead> read_text(ImageView image, std::span<const Face> faces) const = 0;
};

constexpr std::size_t most_torsos = 20;  // of the largest faces; behind them the bibs are too small or hidden

// `recognizer` is a text_recognizer's name; empty: the manifest's default.
std::unique_ptr<BibReader::Impl> open_network_reader(std::shared_ptr<const ModelStore> models,
                                                     const BibOptions& options,
                                                     const std::string& recognizer);

std::unique_ptr<BibReader::Impl> open_tesseract_reader();

}  // namespace eventlens
