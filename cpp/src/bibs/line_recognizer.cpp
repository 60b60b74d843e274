#include "bibs/line_recognizer.h"

#include <algorithm>
#include <cmath>

#include "eventlens/error.h"
#include "image/warp.h"

namespace eventlens {

namespace {

constexpr int usual_height = 48;
constexpr int batch_size = 4;          // lines read at once; larger batches gain nothing on one core
constexpr std::uint8_t padding = 127;  // the grey that becomes nothing once the mean is taken off
constexpr std::array<double, 4> aspects{2, 8.0 / 3, 4,
                                        22.0 / 3};  // of a network with free width; w96 to w352 at 48

int width_at(const Corners& line, int height) {
    return std::max(
        8, static_cast<int>(std::ceil(width_of(line) * static_cast<float>(height) / height_of(line))));
}

// Copies a line into its place of the batch, at the left.
void paste(const Image& line, std::span<std::uint8_t> into, int row_width) {
    const auto bytes = static_cast<std::size_t>(line.size().width) * 3;
    for (int y = 0; y < line.size().height; ++y) {
        const auto from = line.pixels().subspan(static_cast<std::size_t>(y) * bytes, bytes);
        std::copy(from.begin(), from.end(), into.begin() + static_cast<std::ptrdiff_t>(y) * row_width * 3);
    }
}

}  // namespace

LineRecognizer::LineRecognizer(const ModelStore& store, const ModelEntry& entry)
    : network_(Network::load(store, entry)),
      height_(entry.input.size.height > 0 ? entry.input.size.height : usual_height) {
    if (network_.characters().empty()) {
        throw Error(ErrorCode::unsupported,
                    "model '" + entry.name + "' does not say which characters it reads");
    }
    if (entry.input.size.width > 0) {
        widths_ = {entry.input.size.width};
        return;
    }
    const int multiple = std::max(1, entry.input.multiple);
    for (const double aspect : aspects) {
        const int width = static_cast<int>(std::lround(aspect * height_));
        widths_.push_back((width + multiple - 1) / multiple * multiple);
    }
}

std::vector<DecodedText> LineRecognizer::read(ImageView image, std::span<const Corners> lines) const {
    std::vector<DecodedText> texts(lines.size());
    std::vector<std::vector<std::size_t>> by_width(widths_.size());
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const auto fitting =
            std::lower_bound(widths_.begin(), widths_.end() - 1, width_at(lines[i], height_));
        by_width[static_cast<std::size_t>(fitting - widths_.begin())].push_back(i);
    }
    for (std::size_t w = 0; w < widths_.size(); ++w) {
        // Full batches, the last one perhaps with an empty line; what is left over singly.
        std::span<const std::size_t> left = by_width[w];
        while (!left.empty()) {
            const bool together = left.size() + 1 >= batch_size;
            const std::size_t taken = together ? std::min<std::size_t>(batch_size, left.size()) : 1;
            read_batch(image, lines, left.first(taken), together ? batch_size : 1, {widths_[w], height_},
                       texts);
            left = left.subspan(taken);
        }
    }
    return texts;
}

void LineRecognizer::read_batch(ImageView image, std::span<const Corners> lines,
                                std::span<const std::size_t> batch, int count, Size size,
                                std::vector<DecodedText>& texts) const {
    const std::size_t bytes =
        static_cast<std::size_t>(size.width) * static_cast<std::size_t>(size.height) * 3;
    std::vector<std::uint8_t> pixels(bytes * static_cast<std::size_t>(count), padding);
    for (std::size_t i = 0; i < batch.size(); ++i) {
        const Corners& line = lines[batch[i]];
        const Size shape{std::min(size.width, width_at(line, height_)), size.height};
        paste(warp_perspective(image, line, shape), std::span(pixels).subspan(i * bytes, bytes), size.width);
    }
    const Run run = network_.run(pixels, count, size);
    const TensorView& output = run.outputs().front();
    const auto& characters = network_.characters();
    if (output.shape.size() != 3 || output.shape[0] != static_cast<std::size_t>(count) ||
        output.shape[2] != characters.size() + 1) {
        throw Error(ErrorCode::unsupported,
                    "model '" + network_.entry().name +
                        "' does not answer (lines, steps, 1 + characters); it knows " +
                        std::to_string(characters.size()) + " characters");
    }
    const std::size_t per_line = output.shape[1] * output.shape[2];
    for (std::size_t i = 0; i < batch.size(); ++i) {
        texts[batch[i]] = decode_ctc(output.values.subspan(i * per_line, per_line), characters);
    }
}

}  // namespace eventlens
