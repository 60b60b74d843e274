#pragma once

#include <span>
#include <vector>

#include "eventlens/faces.h"
#include "faces/detect.h"
#include "models/network.h"

namespace eventlens {

// Describes faces by the embedder that a manifest entry defines: one network, or several whose outputs, each
// scaled to unit length and weighted, are joined and scaled to unit length again. Nothing here depends on
// which network it is. Thread safety: embed() is const and may run on many threads at once.
class FaceEmbedder {
  public:
    // Throws as Network::load does; Error(bad_input) when the entry's parts are not embedders or do not add
    // up.
    FaceEmbedder(const ModelStore& models, const ModelEntry& entry);

    // One embedding for each face, in their order. The view is RGB.
    std::vector<Embedding> embed(ImageView rgb, std::span<const Detection> faces) const;

    const ModelEntry& entry() const { return *entry_; }

  private:
    struct Part {
        Network network;
        float weight;
    };

    const ModelEntry* entry_;  // the store's; outlives this
    std::vector<Part> parts_;
};

}  // namespace eventlens
