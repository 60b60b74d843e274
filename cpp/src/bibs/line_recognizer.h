#pragma once

#include <span>
#include <string>
#include <vector>

#include "bibs/line_reader.h"
#include "models/network.h"

namespace eventlens {

// Reads lines of text with a CTC network whose output is (lines, steps, 1 + characters), probabilities. The
// entry says its height (48 if it leaves that free) and width; a free width comes in a few sizes, so that few
// graphs are compiled. Thread safety: read() is const and may run on many threads at once.
class LineRecognizer : public LineReader {
  public:
    // Throws what Network::load throws, and Error(unsupported) for a network without characters.
    LineRecognizer(const ModelStore& store, const ModelEntry& entry);

    // Throws Error(unsupported) when the output has another shape.
    std::vector<DecodedText> read(ImageView image, std::span<const Corners> lines) const override;

  private:
    void read_batch(ImageView image, std::span<const Corners> lines, std::span<const std::size_t> batch,
                    int count, Size size, std::vector<DecodedText>& texts) const;

    Network network_;
    int height_;
    std::vector<int> widths_;  // ascending; the last takes what is longer, squeezed
};

}  // namespace eventlens
