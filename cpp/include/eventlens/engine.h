#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "eventlens/bibs.h"
#include "eventlens/catalog.h"
#include "eventlens/faces.h"
#include "eventlens/gallery.h"
#include "eventlens/image.h"
#include "eventlens/models.h"

namespace eventlens {

struct EngineOptions {
    std::vector<std::filesystem::path> manifests;  // ModelStore::open; read when a model is first needed
    RuntimeOptions runtime;
    FaceOptions faces;
    BibOptions bibs;
};

// How far an index run is. Counts are of photos.
struct IndexProgress {
    std::int64_t listed = 0;  // found in the source so far; the listing is complete once `total` is known
    std::int64_t total = -1;  // that need work; -1 while the source is being listed
    std::int64_t done = 0;    // of those, committed to the catalog, failures included
    std::int64_t failed = 0;
    std::int64_t unchanged = 0;  // need no work
    std::int64_t faces = 0;      // found in this run
    std::int64_t bib_reads = 0;
};

struct IndexOptions {
    int workers = 0;            // photos decoded and recognised at once; 0: as RuntimeOptions::threads
    bool retry_failed = false;  // look again at photos that failed before, though they did not change
    bool dry_run = false;       // say what would be done and do nothing

    // Called on the caller's thread, at most about ten times a second and once at the end. What it throws
    // ends the run and leaves index() after what is done was committed.
    std::function<void(const IndexProgress&)> progress{};
};

struct IndexFailure {
    std::string key;
    std::string reason;
};

// What a run did; keys are counted.
struct IndexReport {
    std::int64_t added = 0;
    std::int64_t updated = 0;  // known before, but changed, failed before, or read by another model
    std::int64_t unchanged = 0;
    std::int64_t removed = 0;            // no longer in the source
    std::vector<IndexFailure> failed;    // photos without a result, with the reason
    std::vector<IndexFailure> unlisted;  // folders that could not be read; nothing below them was removed
    std::int64_t faces = 0;
    std::int64_t bib_reads = 0;
    double seconds = 0;
};

struct SelfieOptions {
    std::string request_id;                 // a UUID that names the search; empty: a new one
    std::optional<double> min_probability;  // photos below are left out; absent: the event's, or 0.5
    int limit = 1000;
    bool query_expansion = true;  // let sure matches help to find more
};

// What was made of one selfie.
struct SelfieFace {
    Rect box;            // of the face that was used, the largest
    int faces_seen = 0;  // more than one: say so to whoever asks
    float quality = 0;
};

struct FoundPhoto {
    PhotoInfo photo;
    Match match;
};

// A search and its frozen answer.
struct SearchResult {
    std::string request_id;
    bool repeated = false;            // this id was searched before: the answer is that of then
    std::vector<SelfieFace> selfies;  // one for each selfie given; empty when repeated
    std::vector<FoundPhoto> matches;  // surest first
};

// The stories: index an event's photos, find a person in them.
//
// One engine may serve many threads: searches run side by side, and beside an index run; what any process has
// committed to the workspace is found by the next search. Errors are Error; those of the catalog leave its
// methods unchanged.
class Engine {
  public:
    // Opens a workspace folder, created if missing. Models are not touched yet.
    static Engine open(const std::filesystem::path& workspace, const EngineOptions& options = {});

    Engine(Engine&&) noexcept;
    Engine& operator=(Engine&&) noexcept;
    ~Engine();

    Catalog& catalog();
    const Catalog& catalog() const;

    // Checks the bib pattern and creates the event.
    EventId create_event(const EventSettings& settings, OrganisationId organisation = default_organisation);
    void update_event(EventId event, const EventSettings& settings);

    // Brings the event up to date with a source: a folder, a file, or a list of paths. Only photos that are
    // new, changed, or last read by other models are fetched; those gone from the source leave the index. A
    // photo that cannot be processed is reported and remembered, and the run goes on. Every batch is one
    // transaction: whatever ends the process, what was committed stays and the next run continues. Two runs
    // on one event at once are safe.
    IndexReport index(EventId event, const std::string& source, const IndexOptions& options = {});
    IndexReport index(EventId event, std::span<const std::string> paths, const IndexOptions& options = {});

    // Photos that show the person of the selfies (encoded images, several of one person), frozen under the
    // request id. Throws Error(bad_input) when a selfie shows no face.
    SearchResult find_selfie(EventId event, std::span<const std::span<const std::byte>> selfies,
                             const SelfieOptions& options = {});
    // The same from decoded selfies.
    SearchResult find_selfie(EventId event, std::span<const ImageView> selfies,
                             const SelfieOptions& options = {});

    // The frozen answer of an earlier search. Throws Error(not_found).
    SearchResult search(EventId event, const std::string& request_id) const;

    // Photos of a bib, surest first: exact, then unsure, then partial reads.
    std::vector<FoundPhoto> find_bib(EventId event, std::string_view text, double min_probability = 0);

    // What is known of one photo, its bibs as the event's rules read them now.
    struct PhotoDetails {
        PhotoInfo photo;
        std::vector<Face> faces;
        std::vector<Bib> bibs;
    };
    PhotoDetails details(PhotoId photo) const;

    // Tells `visit` every photo of the event, failed and hidden ones too, its faces without embeddings;
    // memory stays flat. `visit` may call the engine.
    void visit_photos(EventId event, const std::function<void(PhotoDetails&&)>& visit) const;

    // Reads the photo from its source, upright; shrunk so that its long side is at most `long_side` (0:
    // whole).
    Image photo_image(PhotoId photo, int long_side = 0) const;

    // The original file's bytes, from its source. Throws Error(not_found) when the source no longer has it.
    std::vector<std::byte> photo_bytes(PhotoId photo) const;

    GalleryStats gallery_stats(EventId event);

    // The models, loaded at first use.
    const FaceFinder& face_finder() const;
    const BibReader& bib_reader() const;

  private:
    struct Impl;
    explicit Engine(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace eventlens
