#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "eventlens/image.h"
#include "eventlens/models.h"

namespace eventlens {

// Unit length: the dot product of two is their cosine, the face similarity. As long as the model makes it.
using Embedding = std::vector<float>;

struct Face {
    Rect box;
    // Image-left eye, image-right eye, nose tip, image-left and image-right mouth corner.
    std::array<Point, 5> landmarks{};
    float confidence = 0;  // 0..1, the detector's
    float quality = 0;     // 0..1, how well it can be told from others; near 0 it matches at random
    Embedding embedding;
};

struct FaceOptions {
    double min_confidence = 0;  // 0..1, least score of a face; 0: the detector's manifest entry says it
    int min_side = 12;  // pixels of the view; faces whose longer side is smaller are dropped, not embedded
    int max_long_side = 2048;  // the detector looks at the view shrunk to this, never enlarged
    std::string embedder{};    // a model name of role face_embedder; empty: the manifest's default
};

// A look that differs from the finder's own: quicker, or one that asks for hints.
struct DetectOptions {
    int max_long_side = 0;      // 0: FaceOptions::max_long_side
    double min_confidence = 0;  // 0: FaceOptions::min_confidence
};

// Finds faces and describes each with an embedding.
// Thread safety: all methods are const and may run on many threads at once.
class FaceFinder {
  public:
    // Loads the models. Throws Error(not_found) for an unknown model or a missing file, Error(bad_input) for
    // a changed file or an entry that does not fit, Error(unsupported) for a network that the runtime cannot
    // read.
    static FaceFinder open(std::shared_ptr<const ModelStore> models, const FaceOptions& options = {});

    FaceFinder(FaceFinder&&) noexcept;
    FaceFinder& operator=(FaceFinder&&) noexcept;
    ~FaceFinder();

    // Largest face first, by the part of its box inside the image: somebody cut by the border is seldom whom
    // a photo is of. An image without faces is an empty vector, not an error; one without pixels is
    // Error(bad_input).
    std::vector<Face> find(ImageView image) const;

    // The same for a selfie: a face that fills the frame is looked for again in a padded, smaller view.
    std::vector<Face> find_in_selfie(ImageView image) const;

    // The first half of find(): the same faces without embeddings, at a fraction of its cost; in frames of a
    // video few faces are worth one.
    std::vector<Face> detect(ImageView image, const DetectOptions& options = {}) const;

    // The second half: gives these faces of `image` their embeddings.
    void embed(ImageView image, std::span<Face> faces) const;

    // The least score of a face, 0..1, as the options or the detector's manifest entry say.
    double min_confidence() const;

    // The embedding model in use; embeddings of two models are never compared.
    const ModelEntry& embedder() const;

  private:
    struct Impl;  // keeps the inference runtime out of this header
    explicit FaceFinder(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace eventlens
