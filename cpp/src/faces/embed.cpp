#include "faces/embed.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

#include "eventlens/error.h"
#include "faces/align.h"

namespace eventlens {

namespace {

// Images in one run of a network that takes any number; the rest runs by powers of two, so that few graphs
// suffice.
constexpr std::size_t batch = 4;

void scale_to_unit_length(std::span<float> vector) {
    const double squared = std::inner_product(vector.begin(), vector.end(), vector.begin(), 0.0);
    if (!(squared > 0)) return;  // no direction: stays zero and is similar to nothing
    const auto factor = static_cast<float>(1 / std::sqrt(squared));
    for (float& number : vector) number *= factor;
}

// Swaps left and right, in place.
void mirror(Image& image) {
    const auto pixel_bytes = static_cast<std::size_t>(channels_of(image.format()));
    const std::size_t row_bytes = static_cast<std::size_t>(image.size().width) * pixel_bytes;
    for (std::size_t row = 0; row < image.pixels().size(); row += row_bytes) {
        const auto pixels = image.pixels().subspan(row, row_bytes);
        std::ranges::reverse(pixels);  // also turns the channels of each pixel around, which the loop undoes
        for (std::size_t x = 0; x < row_bytes; x += pixel_bytes)
            std::ranges::reverse(pixels.subspan(x, pixel_bytes));
    }
}

// Runs the network on `count` packed inputs; the outputs in their order, each of the entry's output_size.
std::vector<float> run_all(const Network& network, std::vector<std::uint8_t> inputs, std::size_t count) {
    const ModelEntry& entry = network.entry();
    const auto output_size = static_cast<std::size_t>(entry.output_size);
    const std::size_t bytes = inputs.size() / std::max<std::size_t>(count, 1);
    const auto fixed = static_cast<std::size_t>(network.fixed_count());
    if (fixed > 1)
        inputs.resize((count + fixed - 1) / fixed * fixed * bytes);  // black images fill the last run

    std::vector<float> outputs;
    for (std::size_t done = 0; done < count;) {
        const std::size_t now = fixed > 0 ? fixed : std::bit_floor(std::min(count - done, batch));
        const Run run = network.run(std::span(inputs).subspan(done * bytes, now * bytes),
                                    static_cast<int>(now), entry.input.size);
        const auto values = run.outputs().front().values;
        if (values.size() != now * output_size) {
            throw Error(ErrorCode::bad_input, "model '" + entry.name + "' gives " +
                                                  std::to_string(values.size()) + " numbers for " +
                                                  std::to_string(now) + " faces, its manifest says " +
                                                  std::to_string(output_size) + " for each");
        }
        outputs.insert(outputs.end(), values.begin(), values.end());
        done += now;
    }
    outputs.resize(count * output_size);
    return outputs;
}

// One unit vector of the entry's output_size for each face, one after the other.
std::vector<float> describe(const Network& network, ImageView rgb, std::span<const Detection> faces) {
    const ModelEntry& entry = network.entry();
    std::vector<std::uint8_t> inputs;
    for (const Detection& face : faces) {
        for (const FaceView& view : entry.views) {
            Image chip = warp_affine(rgb, aligned_to_photo(face.landmarks, view.alignment), entry.input.size);
            if (view.mirrored) mirror(chip);
            inputs.insert(inputs.end(), chip.pixels().begin(), chip.pixels().end());
        }
    }
    const std::size_t views = entry.views.size();
    std::vector<float> outputs = run_all(network, std::move(inputs), faces.size() * views);

    const auto size = static_cast<std::size_t>(entry.output_size);
    std::vector<float> vectors(faces.size() * size);
    for (std::size_t face = 0; face < faces.size(); ++face) {
        const std::span vector = std::span(vectors).subspan(face * size, size);
        for (std::size_t view = 0; view < views; ++view) {
            const std::span output = std::span(outputs).subspan((face * views + view) * size, size);
            scale_to_unit_length(output);
            std::ranges::transform(vector, output, vector.begin(), std::plus{});
        }
        scale_to_unit_length(vector);
        if (!entry.output_mean.empty()) {
            std::ranges::transform(vector, entry.output_mean, vector.begin(), std::minus{});
            scale_to_unit_length(vector);
        }
    }
    return vectors;
}

}  // namespace

FaceEmbedder::FaceEmbedder(const ModelStore& models, const ModelEntry& entry) : entry_(&entry) {
    if (entry.role != "face_embedder")
        throw Error(ErrorCode::bad_input, "model '" + entry.name + "' is not a face_embedder");
    const std::vector<EmbedderPart> itself{{entry.name, 1}};
    int size = 0;
    for (const EmbedderPart& part : entry.parts.empty() ? itself : entry.parts) {
        const ModelEntry& model = models.entry(part.model);
        if (model.role != "face_embedder" || !model.parts.empty() || !(part.weight > 0)) {
            throw Error(ErrorCode::bad_input,
                        "model '" + entry.name + "': part '" + part.model +
                            "' must be a face_embedder with files and a positive weight");
        }
        size += model.output_size;
        parts_.push_back({Network::load(models, model), static_cast<float>(part.weight)});
    }
    if (size != entry.output_size) {
        throw Error(ErrorCode::bad_input, "model '" + entry.name + "': its parts give " +
                                              std::to_string(size) + " numbers, its output_size is " +
                                              std::to_string(entry.output_size));
    }
}

std::vector<Embedding> FaceEmbedder::embed(ImageView rgb, std::span<const Detection> faces) const {
    std::vector<Embedding> embeddings(faces.size());
    for (Embedding& embedding : embeddings) embedding.reserve(static_cast<std::size_t>(entry_->output_size));
    for (const Part& part : parts_) {
        const std::vector<float> vectors = describe(part.network, rgb, faces);
        const auto size = static_cast<std::size_t>(part.network.entry().output_size);
        for (std::size_t face = 0; face < faces.size(); ++face) {
            for (std::size_t i = 0; i < size; ++i)
                embeddings[face].push_back(part.weight * vectors[face * size + i]);
        }
    }
    for (Embedding& embedding : embeddings) scale_to_unit_length(embedding);
    return embeddings;
}

}  // namespace eventlens
