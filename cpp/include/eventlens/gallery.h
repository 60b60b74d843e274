#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "eventlens/bibs.h"
#include "eventlens/faces.h"

namespace eventlens {

using PhotoId = std::int64_t;

// How the vectors are scanned. Forcing one is for tests and benches; all give the same answers but for
// rounding.
enum class ScanKernel { automatic, scalar, avx2, avx512 };

struct GalleryOptions {
    Calibration calibration;  // of the model that made the embeddings; from its manifest entry
    ScanKernel kernel = ScanKernel::automatic;  // the fastest that this CPU has
};

// One embedding of the person looked for.
struct Probe {
    Embedding embedding;
    float quality = 1;  // 0..1, Face::quality
};

// A face and how much it resembles a vector.
struct FaceHit {
    PhotoId photo = 0;
    int face = 0;          // its place among the photo's faces
    float similarity = 0;  // cosine
    bool operator==(const FaceHit&) const = default;
};

// Why a photo is offered. Of bibs, surest first: every `bib` ranks above every `bib_unsure`, and so on.
enum class MatchKind {
    face,         // a face resembles the probe
    bib,          // the number was read, with a probability of 0.5 or more
    bib_unsure,   // the number was read, but more likely wrongly
    bib_partial,  // a piece of the number was read, the rest being hidden
};

// A photo that may show the person.
struct Match {
    PhotoId photo = 0;
    MatchKind kind = MatchKind::face;
    double probability = 0;  // calibrated chance that this photo shows the person
    Rect box;                // the face or the bib, in pixels of the photo
    int face = -1;           // kind face: its place among the photo's faces
    float similarity = 0;    // kind face: plain cosine to the probe; of several, the mean
    std::string bib;         // kinds bib...: the text that was read
};

struct MatchOptions {
    int limit = 1000;              // photos at most; only the 4 x limit most similar faces are weighed
    double min_probability = 0.5;  // photos below are left out

    // The prior: how many photos of one person the event holds, before looking.
    double expected_photos = 5;

    // Quality weighting: what each of the two faces compared adds to the log likelihood ratio for its lack of
    // quality, quality_evidence * (1 - quality). A poor face looks less like the person, but no more like
    // others, so that the same similarity says more. 4 was best on LFW faces made smaller, for 0.003 to 0.006
    // of recall at equal precision; faces of a quality below 0.4 were not among them. 0: quality is ignored.
    double quality_evidence = 0;

    // Query expansion: the faces of matches at least this sure join the probe, the surest first, and the
    // search runs again. 0 rounds: the probe alone.
    int expansion_rounds = 1;
    double expansion_probability = 0.97;
    int expansion_faces = 10;
};

struct GalleryStats {
    std::size_t photos = 0;
    std::size_t hidden_photos = 0;
    std::size_t faces = 0;
    std::size_t hidden_faces = 0;
    std::size_t bibs = 0;          // reads, not distinct numbers
    std::size_t memory_bytes = 0;  // close to what the process holds for this gallery
};

// One event in memory: every face for exact search, every bib for lookup.
//
// Probability of a face match. A similarity s becomes a log likelihood ratio by the model's calibration,
// slope * s + offset (logistic calibration: Brummer and du Preez, "Application-independent evaluation of
// speaker detection", Computer Speech and Language 20, 2006), and Bayes' rule adds the log prior odds: of n
// faces that are not hidden, the person is expected in `expected_photos` = m, so the odds that a given face
// is theirs are m / (m + n): even in an empty event, m / n in a large one. Hence the same similarity means
// less in a larger event. A person is in a photo once at most, so the odds of a photo are the sum of the odds
// of its faces.
//
// Several vectors of one person, be they probes or faces that joined in query expansion (Chum et al., "Total
// Recall: Automatic Query Expansion", ICCV 2007), give the mean of their log likelihood ratios: each compares
// the same face, so their errors are far from independent and must not be added up. A face that joined is
// weighed by the others alone. The direction of the mean vector, the usual choice, would be a bolder query:
// strangers come closer to it too, and the calibration would no longer hold.
//
// Thread safety: const methods may run on many threads at once; the others need the gallery to themselves.
class Gallery {
  public:
    // `dimensions` 1..8192, the length of every embedding. Throws Error(bad_input) for others and for a
    // calibration that is not finite, and Error(unsupported) for a forced kernel that this CPU lacks.
    explicit Gallery(int dimensions, const GalleryOptions& options = {});

    Gallery(Gallery&&) noexcept;
    Gallery& operator=(Gallery&&) noexcept;
    ~Gallery();

    // Makes these the photo's faces and bibs; what was known of it before is forgotten, except that it is
    // hidden. Embeddings are scaled to unit length. Throws Error(bad_input), changing nothing, for an
    // embedding of another length, one that is not finite or all zeros, and for a quality or probability
    // outside of 0..1.
    void put(PhotoId photo, std::span<const Face> faces, std::span<const Bib> bibs = {});

    // Replaces the bibs alone, as when the event's rules change. Throws Error(not_found) for an unknown photo
    // and Error(bad_input) as put() does.
    void set_bibs(PhotoId photo, std::span<const Bib> bibs);

    // Forgets a photo, in time proportional to its faces and bibs. False: it was not known.
    bool remove(PhotoId photo);

    // A hidden photo is kept and never found. False: the photo is not known.
    bool hide(PhotoId photo, bool hidden);

    GalleryStats stats() const;
    int dimensions() const;

    // The `count` most similar faces that are not hidden, best first, ties by photo and face. Exact but for
    // the storage of components in 16 bits (errors of a cosine below 0.001). Throws Error(bad_input) as put()
    // does.
    std::vector<FaceHit> nearest(std::span<const float> embedding, std::size_t count) const;

    // Photos that show the person seen in all of `probes`, surest first, ties by similarity and photo. Throws
    // Error(bad_input) without probes or for probes and options that make no sense, and Error(unsupported)
    // when the gallery was made without a calibration (slope above 0).
    std::vector<Match> match_faces(std::span<const Probe> probes, const MatchOptions& options = {}) const;

    // Photos of a bib number, surest first. White space around `text` and the case of ASCII letters do not
    // matter; every character stands for itself. A photo is offered as partial when a read marked so contains
    // `text` or is contained in it and the shorter is at least half the longer; its probability is shared
    // with the other numbers of the event that would explain the read. Throws Error(bad_input) for an empty
    // text and for more than 64 characters.
    std::vector<Match> find_bib(std::string_view text) const;

    struct Impl;  // the gallery room's own; benches use src/gallery/gallery_impl.h
    const Impl& impl() const { return *impl_; }

  private:
    std::unique_ptr<Impl> impl_;
};

}  // namespace eventlens
