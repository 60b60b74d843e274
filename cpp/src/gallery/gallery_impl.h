#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "eventlens/gallery.h"
#include "gallery/bib_index.h"
#include "gallery/face_matrix.h"
#include "gallery/top_rows.h"

namespace eventlens {

struct Gallery::Impl {
    // What is known of the face in the same row of `matrix`.
    struct Owner {
        PhotoId photo;
        Rect box;
        float quality;
        int face;
        bool hidden;
    };

    struct Photo {
        std::vector<std::size_t> rows;
        std::vector<std::string> bibs;  // folded
        bool hidden = false;
    };

    Impl(std::size_t dimensions, const GalleryOptions& options);

    // Unit length, or Error(bad_input).
    Embedding normalised(std::span<const float> embedding) const;

    void add_faces(PhotoId id, Photo& photo, std::span<const Face> faces,
                   std::span<const Embedding> embeddings);
    void remove_faces(Photo& photo);
    void replace_bibs(PhotoId id, Photo& photo, std::span<const Bib> bibs);
    bool is_hidden(PhotoId photo) const { return photos.at(photo).hidden; }

    // Best first; `query` has unit length.
    std::vector<RowScore> nearest_rows(std::span<const float> query, std::size_t count) const;

    std::size_t dimensions;
    GalleryOptions options;
    FaceMatrix matrix;
    std::vector<Owner> owners;
    std::unordered_map<PhotoId, Photo> photos;
    BibIndex bib_index;
    std::size_t hidden_faces = 0;
};

}  // namespace eventlens
