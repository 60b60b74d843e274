#pragma once

#include <chrono>
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
#include "eventlens/clips.h"
#include "eventlens/faces.h"
#include "eventlens/gallery.h"
#include "eventlens/image.h"
#include "eventlens/models.h"
#include "eventlens/storage.h"
#include "eventlens/video.h"

namespace eventlens {

struct EngineOptions {
    std::vector<std::filesystem::path> manifests;  // ModelStore::open; read when a model is first needed
    RuntimeOptions runtime;
    FaceOptions faces;
    BibOptions bibs;
    StorageOptions storage;  // for sources that lie in buckets
};

// How far an index run is with its videos, which come after the photos.
struct VideoProgress {
    std::int64_t total = 0;  // that need work
    std::int64_t done = 0;   // of those, read to the end, failures included
    std::int64_t failed = 0;
    double part = 0;     // of the work, 0..1, as far as the files' sizes tell
    double footage = 0;  // seconds read in this run
    double seconds = 0;  // since the first video was begun
    std::int64_t appearances = 0;
};

// How far an index run is. Counts are of photos, but for `listed` and `videos`.
struct IndexProgress {
    std::int64_t listed = 0;  // found in the source so far; the listing is complete once `total` is known
    std::int64_t total = -1;  // that need work; -1 while the source is being listed
    std::int64_t done = 0;    // of those, committed to the catalog, failures included
    std::int64_t failed = 0;
    std::int64_t unchanged = 0;  // need no work; photos and videos
    std::int64_t faces = 0;      // found in this run
    std::int64_t bib_reads = 0;
    VideoProgress videos;
};

// How footage is looked at.
struct FootageOptions {
    double fps = 4;                  // looks a second where anybody may be
    double shortest_appearance = 1;  // seconds; keyframes further apart than this are not relied on alone
};

struct IndexOptions {
    int workers = 0;            // photos decoded and recognised at once; 0: as RuntimeOptions::threads
    bool retry_failed = false;  // look again at what failed before, though it did not change
    bool dry_run = false;       // say what would be done and do nothing
    FootageOptions footage{};

    // Called on the caller's thread, at most about ten times a second and once at the end. What it throws
    // ends the run and leaves index() after what is done was committed.
    std::function<void(const IndexProgress&)> progress{};

    // Called on the caller's thread, about once a second, while the source keeps it waiting. What it throws
    // ends the run likewise.
    std::function<void()> while_waiting{};
};

struct IndexFailure {
    std::string key;
    std::string reason;
};

// A video that is indexed, with frames that could not be decoded.
struct DamagedVideo {
    std::string key;
    std::int64_t frames = 0;
};

// What a run did; keys are counted, of photos and videos.
struct IndexReport {
    std::int64_t added = 0;
    std::int64_t updated = 0;  // known before, but changed, failed before, or read by another model
    std::int64_t unchanged = 0;
    std::int64_t removed = 0;            // no longer in the source
    std::int64_t moved = 0;              // under another key now, with the same content; not read again
    std::vector<IndexFailure> failed;    // without a result, or of a video not to its end, with the reason
    std::vector<IndexFailure> unlisted;  // folders that could not be read; nothing below them was removed
    std::int64_t faces = 0;
    std::int64_t bib_reads = 0;
    double seconds = 0;
    std::int64_t videos = 0;  // that were read
    double footage = 0;       // seconds read
    std::int64_t appearances = 0;
    std::vector<DamagedVideo> damaged;
    std::int64_t retries = 0;  // requests that had to be made again, for a busy store or a broken connection
    std::int64_t store_clock_offset = 0;  // seconds that the source's clock is ahead, if it refused ours

    std::int64_t renditions = 0;                  // photos whose renditions were made
    std::vector<IndexFailure> renditions_failed;  // photos that are indexed, but without them
    std::int64_t renditions_outdated = 0;         // photos of the event that lack some, see make_renditions()
    std::vector<IndexFailure> files_left;  // of removed photos, in stores that failed; tried again later
};

// A selfie as find_selfie() decodes it: upright, and no larger than a search has use for. Throws as
// decode_photo().
Image decode_selfie(std::span<const std::byte> selfie);

struct SelfieOptions {
    std::string request_id;                 // a UUID that names the search; empty: a new one
    std::optional<double> min_probability;  // photos below are left out; absent: the event's, or 0.5
    std::optional<int> limit = 1000;        // photos at most; absent: all that are sure enough
    bool query_expansion = true;            // let sure matches help to find more
    // False: a selfie without a face is no error. The search is saved, has found nobody, and is not billable.
    bool face_required = true;
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

// Somebody in view in a video who may be the one looked for.
struct FoundAppearance {
    AppearanceId id = 0;
    VideoId video = 0;
    TimeSpan span;
    AppearanceMatch match;
    double face_time = 0;  // of the best look at the face, or at the bib
    Rect box;              // at that time, in pixels of the video
};

// Seconds of a video in which a person is seen.
struct ClipSpan {
    VideoEntry video;
    TimeSpan span;
    double probability = 0;                    // that the person is in it
    std::vector<FoundAppearance> appearances;  // in it, by time
    double poster_time = 0;                    // of the best look at the surest of them
};

// A search and its frozen answer.
struct SearchResult {
    std::string request_id;
    bool repeated = false;            // this id was searched before: the answer is that of then
    std::vector<SelfieFace> selfies;  // one for each selfie given; empty when repeated
    std::vector<FoundPhoto> matches;  // surest first

    // Surest first, less sure ones too: plan_clips() chooses. Absent: the event had no video then.
    std::optional<std::vector<FoundAppearance>> appearances;
};

// What the purge of an event removed. Tells nothing of a person.
struct PurgeReport {
    Purge purge;
    std::int64_t bytes_after = 0;  // of the catalog's files
    UtcMilliseconds finished = 0;
    std::filesystem::path receipt;  // the file in the workspace that says the same, as JSON
};

// What was deleted for good.
struct Deletion {
    std::size_t photos = 0;
    std::vector<IndexFailure> files_left;  // as IndexReport::files_left
};

// How far make_renditions() is. Counts are of photos.
struct RenditionProgress {
    std::int64_t total = 0;
    std::int64_t done = 0;  // of those, recorded in the catalog, failures included
    std::int64_t failed = 0;
};

struct RenditionOptions {
    int workers = 0;   // photos decoded at once; 0: as RuntimeOptions::threads
    bool all = false;  // those that are up to date too

    // As IndexOptions::progress.
    std::function<void(const RenditionProgress&)> progress{};
};

struct RenditionReport {
    std::int64_t made = 0;       // photos
    std::int64_t unchanged = 0;  // photos whose renditions are up to date
    std::vector<IndexFailure> failed;
    std::vector<IndexFailure> files_left;  // as IndexReport::files_left
    std::int64_t bytes = 0;                // of what was made
    double seconds = 0;
};

// The stories: index an event's photos and videos, find a person in them, cut clips.
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
    void change_event(EventId event, const std::function<void(EventSettings&)>& change);  // Catalog's

    // Catalog::delete_event(), and the files of its renditions. Returns IndexReport::files_left.
    std::vector<IndexFailure> delete_event(EventId event);

    // Deletes the event with everything that was made of its photos and videos and asked about them, sees to
    // it that no byte of that is left in the workspace, and writes a receipt into its folder "receipts".
    // Photos and videos themselves stay, and clips that were cut too: they are files of the user's. Call it
    // again after an interruption, by its id, see Catalog::unfinished_purges(). Throws Error(overloaded) as
    // Catalog::compact() does, and Error(not_found) where there is neither event nor unfinished purge.
    PurgeReport purge_event(EventId event);

    // Catalog::delete_photos(), and the files of their renditions: of these photos, of those on which the bib
    // is read exactly, and of those that a search found. The last two throw as find_bib() and search() do.
    Deletion delete_photos(EventId event, std::span<const PhotoId> photos);
    Deletion delete_photos_of_bib(EventId event, std::string_view bib);
    Deletion delete_photos_of_search(EventId event, const std::string& request_id);

    // What open_source() opens by `location` becomes a source of the event, to be indexed later; it is not
    // asked for anything yet. Throws as open_source() does.
    SourceId add_source(EventId event, const std::string& location);

    // Catalog::remove_source(), and the files of renditions. Returns IndexReport::files_left.
    std::vector<IndexFailure> remove_source(EventId event, SourceId source);

    // Brings the event up to date with a source: what open_source() opens, or a list of paths. Only photos
    // and videos that are new, changed, or last read by other models are fetched; those gone from the source
    // leave the index, and one that lies under another key now moves, where the source tells contents apart.
    // What cannot be processed is reported and remembered, and the run goes on; what a store in trouble did
    // not give is reported and tried again by the next run. Every batch of photos and every minute of footage
    // is one transaction: whatever ends the process, what was committed stays and the next run continues,
    // inside a long video too. Two runs on one event at once are safe. Throws Error(overloaded) when the
    // source gives nothing any more.
    IndexReport index(EventId event, const std::string& source, const IndexOptions& options = {});
    IndexReport index(EventId event, std::span<const std::string> paths, const IndexOptions& options = {});

    // Photos and appearances in videos that show the person of the selfies (encoded images, several of one
    // person), matched once and frozen under the request id. Sure photos help to find the person in videos.
    // With the id of a search that was made before the event had videos, those are searched now. The selfies
    // are kept with the answer, without what a camera writes beside its pixels, where the event says so.
    // Throws Error(bad_input) when a selfie shows no face.
    SearchResult find_selfie(EventId event, std::span<const std::span<const std::byte>> selfies,
                             const SelfieOptions& options = {});
    // The same from decoded selfies.
    SearchResult find_selfie(EventId event, std::span<const ImageView> selfies,
                             const SelfieOptions& options = {});

    // The frozen answer of an earlier search. Throws Error(not_found).
    SearchResult search(EventId event, const std::string& request_id) const;

    // Photos of a bib, surest first: exact, then unsure, then partial reads.
    std::vector<FoundPhoto> find_bib(EventId event, std::string_view text, double min_probability = 0);

    // Seconds in which the person of an earlier selfie search is seen, by video and time. What to keep is
    // planned anew at each call; nothing is decoded.
    // Throws Error(not_found) for an unknown id and Error(bad_input) when the search never looked at videos.
    std::vector<ClipSpan> find_clips(EventId event, const std::string& request_id,
                                     const ClipOptions& options = {}) const;

    // The same of a bib number, as it is read now.
    std::vector<ClipSpan> find_bib_clips(EventId event, std::string_view bib,
                                         const ClipOptions& options = {});

    // Appearances of a bib number in videos, matched once and frozen under the id, as a search of kind bib;
    // it finds no photos. With the id of a bib search that there is already the answer is that of then,
    // whatever the bib. Throws Error(bad_input) for an id that is no UUID, or names a selfie search.
    SearchResult search_bib_clips(EventId event, std::string_view bib, const std::string& request_id = {});

    // Starts to make clips of what a search found, one of each video, as the event's ClipOptions say; see
    // Catalog::start_clip_job(). Who makes them are ClipWorkers, of this process or another.
    ClipJob start_clips(EventId event, const std::string& request_id);

    // Makes the clips of a job that was claimed, and ends it, or gives it back when `stopped`, which is asked
    // several times a second, says so.
    void make_clips(const Claim& claim, const std::function<bool()>& stopped);

    // A clip's file, from its store; and a link to it, as rendition_link().
    std::shared_ptr<const ByteSource> clip_bytes(const JobClip& clip) const;
    std::string clip_link(const JobClip& clip, const LinkOptions& options = {}) const;

    // Asks for a source to be indexed by an IndexQueue, of this process or another: what open_source() opens
    // by `location`, which becomes a source of the event; or one that is known. Throws as open_source() does,
    // and Error(bad_input) for a list of paths.
    IndexRunInfo start_index_run(EventId event, const std::string& location, bool retry_failed = false);
    IndexRunInfo start_index_run(EventId event, SourceId source, bool retry_failed = false);

    // Does an index run that was claimed, and ends it, or gives it back when `stopped` says so, which is
    // asked about once a second.
    // `told` hears how far it is, as IndexQueueOptions::on_progress does.
    void do_index_run(const Claim& claim, const IndexOptions& options, const std::function<bool()>& stopped,
                      const std::function<void(const IndexRunCounts&)>& told = {});

    // Removes searches that have expired, files that nobody wants any more, what a process that was killed
    // left of clips it was cutting, and records of webhooks' deliveries older than a month. Returns
    // IndexReport::files_left.
    std::vector<IndexFailure> keep_house();

    // How buckets are reached: EngineOptions::storage.
    const StorageOptions& storage() const;

    // Cuts a span out of a video; see eventlens::cut_clip().
    Clip cut_clip(VideoId video, TimeSpan span, const std::filesystem::path& out,
                  const CutOptions& options = {}) const;

    // The frame a video shows at a time; see read_frame().
    VideoFrame video_frame(VideoId video, double time, int long_side = 0) const;

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

    // The same, to be read piece by piece. Throws as photo_bytes().
    std::shared_ptr<const ByteSource> open_photo(PhotoId photo) const;

    // A link to the original, see Store::presign_get(). Throws Error(unsupported) unless it lies in a bucket,
    // and one that is reached with credentials.
    std::string original_link(PhotoId photo, const LinkOptions& options = {}) const;

    // Throws Error(not_found) when the original lies in a folder and is not there any more. What lies in a
    // bucket is not asked for: that would take a request.
    void require_original(PhotoId photo) const;

    // Has index() make renditions of the photos it reads, of each while it is decoded, and store them in what
    // open_store() opens by `location`, or in the workspace's own folder "renditions" if that is empty.
    // Photos that are unchanged get them, and new ones after a change of settings, by make_renditions(). The
    // store is not asked for anything yet. Throws Error for settings that cannot be, artwork that is not, and
    // as open_store() does.
    void set_renditions(EventId event, RenditionSettings settings, const std::string& location = {});

    // No more are made, and those that were are removed. Returns IndexReport::files_left.
    std::vector<IndexFailure> remove_renditions(EventId event);

    // Makes, from the originals, the renditions that photos lack and those that other settings made. What
    // fails is reported and the run goes on; what is done is recorded as it goes, so that a run that was
    // interrupted continues. Throws Error(bad_input) when the event is to have none, and Error(overloaded)
    // when source or store give up.
    RenditionReport make_renditions(EventId event, const RenditionOptions& options = {});

    // The JPEG, from its store; where that is; and a link to it: presigned, or a file:// URL in a folder.
    // Throws Error(not_found) when none was made, or the file is gone.
    std::vector<std::byte> rendition_bytes(PhotoId photo, RenditionKind kind) const;
    StoredFile rendition_file(PhotoId photo, RenditionKind kind) const;
    // The same, made now from the original where none is stored; it is not kept.
    std::vector<std::byte> rendition_or_new(PhotoId photo, RenditionKind kind) const;
    std::string rendition_link(PhotoId photo, RenditionKind kind, const LinkOptions& options = {}) const;

    GalleryStats gallery_stats(EventId event);

    // The models, loaded at first use.
    const FaceFinder& face_finder() const;
    const BibReader& bib_reader() const;

  private:
    struct Impl;
    explicit Engine(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

struct ClipWorkerOptions {
    int threads = 1;  // clips that are cut at once

    // A job whose worker has not been heard of for so long is taken on by another. Workers renew it in time.
    std::chrono::milliseconds lease{15'000};

    // How often to look for jobs that other processes started.
    std::chrono::milliseconds look_every{1000};

    // Both are called on a worker's thread and must not throw. A job that failed has finished too; a problem
    // concerns no job in particular.
    std::function<void(const ClipJob&)> on_finished{};
    std::function<void(const std::string&)> on_problem{};
};

// Makes the clips of a workspace's jobs, on threads of its own, from its beginning to its end. Any number of
// processes may. The engine must outlive it and stay where it is.
class ClipWorkers {
  public:
    explicit ClipWorkers(Engine& engine, const ClipWorkerOptions& options = {});
    // Waits until every worker has left what it is at, which takes a moment, or has stored it. Jobs that are
    // not done are given back: whoever works next goes on with them.
    ~ClipWorkers();
    ClipWorkers(const ClipWorkers&) = delete;
    ClipWorkers& operator=(const ClipWorkers&) = delete;

    // There is a new job: look at once. Thread safe.
    void wake();

    // What is in work is left soon, and no job begun; the destructor waits for that. Thread safe.
    void end();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

struct IndexQueueOptions {
    // Of each run; what a run is asked with decides on `retry_failed`, and the functions are not called.
    IndexOptions index{};

    // As of ClipWorkerOptions.
    std::chrono::milliseconds lease{15'000};
    std::chrono::milliseconds look_every{1000};
    std::function<void(const IndexRunInfo&)> on_finished{};
    std::function<void(const std::string&)> on_problem{};

    // How far the run is, about once a second and at its end. Counts begin anew when another works on it.
    std::function<void(IndexRunId, const IndexRunCounts&)> on_progress{};
};

// Does the index runs that were asked for, one after another, on a thread of its own. How far one is, is
// written down about once a second. A run whose process ends is gone on with by whoever works next. The
// engine must outlive it and stay where it is.
class IndexQueue {
  public:
    explicit IndexQueue(Engine& engine, const IndexQueueOptions& options = {});
    // Waits until the run has committed what it has, and gives it back.
    ~IndexQueue();
    IndexQueue(const IndexQueue&) = delete;
    IndexQueue& operator=(const IndexQueue&) = delete;

    // There is a new run: look at once. Thread safe.
    void wake();

    // As of ClipWorkers.
    void end();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

struct HousekeeperOptions {
    std::chrono::milliseconds every{60'000};
    std::function<void(const std::string&)> on_problem{};  // as of ClipWorkerOptions
};

// Calls Engine::keep_house() from time to time, on a thread of its own. The engine must outlive it and stay
// where it is.
class Housekeeper {
  public:
    explicit Housekeeper(Engine& engine, const HousekeeperOptions& options = {});
    ~Housekeeper();  // waits
    Housekeeper(const Housekeeper&) = delete;
    Housekeeper& operator=(const Housekeeper&) = delete;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

struct WebhookSenderOptions {
    int threads = 2;  // a server that does not answer keeps one of them waiting
    std::chrono::milliseconds look_every{1000};

    // The wait before the second attempt, three times as long before each further one, and up to half of it
    // less at random: most_delivery_attempts are spread over 9 to 18 hours.
    std::chrono::milliseconds first_wait{60'000};
    std::chrono::milliseconds answer_within{10'000};

    std::function<void(const WebhookDelivery&, bool delivered)> on_attempt{};  // as of ClipWorkerOptions
    std::function<void(const std::string&)> on_problem{};
};

// Tells webhooks what has finished: POSTs each payload as JSON, with the header
//   X-Eventlens-Signature: t=SECONDS,v1=HEX
// where HEX is the HMAC-SHA256 of "SECONDS.BODY" under the webhook's secret, SECONDS since 1970. Any answer
// of 2xx is success; redirects are not followed. A delivery may arrive twice, with the same id: when the
// process ends between an answer and its being written down. The engine must outlive it and stay where it is.
class WebhookSender {
  public:
    explicit WebhookSender(Engine& engine, const WebhookSenderOptions& options = {});
    ~WebhookSender();  // waits for the answers that are due, WebhookSenderOptions::answer_within at most
    WebhookSender(const WebhookSender&) = delete;
    WebhookSender& operator=(const WebhookSender&) = delete;

    void wake();  // there is news; thread safe

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// The signature's header value; for those who check it.
std::string webhook_signature(std::string_view secret, std::int64_t seconds, std::string_view body);

}  // namespace eventlens
