#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "eventlens/bibs.h"
#include "eventlens/clips.h"
#include "eventlens/faces.h"
#include "eventlens/gallery.h"
#include "eventlens/image.h"
#include "eventlens/tracks.h"
#include "eventlens/video.h"

namespace eventlens {

using OrganisationId = std::int64_t;
using EventId = std::int64_t;
using SourceId = std::int64_t;
using VideoId = std::int64_t;
using AppearanceId = std::int64_t;
using StoreId = std::int64_t;
using UtcMilliseconds = std::int64_t;  // since 1970-01-01T00:00:00Z

constexpr OrganisationId default_organisation = 1;  // exists in every workspace

struct Organisation {
    OrganisationId id = 0;
    std::string name;
    std::int64_t billable_searches = 0;  // of all its events, deleted ones included

    // Web pages that may ask a server: "https://photos.example.org", or "*" for all.
    std::vector<std::string> cors_origins{};
    UtcMilliseconds created = 0;
};

using KeyId = std::int64_t;
using KeyHash = std::array<std::byte, 32>;  // SHA-256 of the key

constexpr std::size_t most_keys = 10;  // of an organisation, inactive ones included

// What is known of a key that opens a server to an organisation: not the key.
struct ApiKey {
    KeyId id = 0;
    OrganisationId organisation = 0;
    KeyHash hash{};
    std::string shown;    // how it begins, to tell keys apart
    std::string name;     // what it is for; may be empty
    std::string creator;  // may be empty
    bool active = true;
    UtcMilliseconds created = 0;
};

// A key that was just made. Whoever it is for must be told now: it is not known afterwards.
struct NewKey {
    KeyId id = 0;
    std::string key;
};

// What a key is looked up by.
KeyHash hash_of_key(std::string_view key);

// What the event's clients may use. The two about videos turn on by themselves when the event's first video
// is read, unless create_event() or update_event() ever changed one of them.
struct EventFeatures {
    bool enabled = true;
    bool bib_search = true;
    bool selfie_search = true;
    bool name_search = false;
    bool video_search = false;
    bool video_selfie_search = false;
    bool timeline_search = true;
    bool operator==(const EventFeatures&) const = default;
};

struct EventSettings {
    std::string name{};             // unique in its organisation; at most 1000 characters
    std::string slug{};             // for URLs, unique in its organisation; empty: made from the name
    std::string date{};             // local, "2026-05-09T07:30:00" or "2026-05-09"; empty: not known
    std::string time_zone = "UTC";  // IANA name; that of photos whose camera did not store an offset
    std::string bib_pattern = R"(\d{2,5})";  // BibRules::pattern; not checked here
    std::string status = "active";           // or "draft", or what the organiser's own steps are called
    std::string embedder{};                  // the model that searches compare with; empty: the default
    std::string cover_image{};               // URL or path; empty: none
    std::optional<double>
        confidence_percentage{};  // 0..100: a search keeps matches this probable; absent: 50
    EventFeatures features{};

    // A selfie search keeps the selfies too, until it goes itself.
    bool selfie_retention = false;

    // A search is deleted so long after it was made, from an hour (1/24) to 36500 days; absent: never. What
    // it found says where a person was, and rests on their face. A month is enough for the weeks in which
    // people come back for their pictures and share links to them, and asking again costs a selfie.
    std::optional<double> search_lifetime_days = 30;

    // How a server plans the clips of who was found. Scripts say it at each call.
    ClipOptions clips{.padding_start = 2, .padding_end = 2, .max_clip_duration = 30};

    bool originals = false;  // a server tells where originals are, not only on request
    bool operator==(const EventSettings&) const = default;
};

struct EventInfo {
    EventId id = 0;
    OrganisationId organisation = default_organisation;
    EventSettings settings;
    UtcMilliseconds created = 0;
    std::int64_t billable_searches = 0;
};

struct RosterEntry {
    std::string bib;   // upper case
    std::string name;  // may be empty
    bool operator==(const RosterEntry&) const = default;
};

// Reads a list of participants: UTF-8 text with a row for each, its fields divided by commas, semicolons or
// tabs (whichever the first row has most of) and perhaps quoted. The bib is in the column named "bib", the
// name in the one named "name", in any case; without such a header in the first and second. Rows without a
// bib are left out, of a bib given twice the first row counts, and bibs come out in upper case. Throws
// Error(bad_input), with the row, for a quote that is not closed, for control characters, for UTF-16, for a
// header without "bib", and beyond 64 MB, a million participants, 1000 columns, 64 bytes a bib, or 1000 a
// name.
std::vector<RosterEntry> parse_roster_csv(std::span<const std::byte> csv);

// A camera of an event, and the seconds to add to its clock.
struct CameraClock {
    std::string camera;
    std::int64_t seconds = 0;
    std::int64_t photos = 0;
    bool operator==(const CameraClock&) const = default;
};

// A place that holds an event's photos and videos.
struct SourceInfo {
    SourceId id = 0;
    std::string uri;     // names it for good
    std::string access;  // how it was last reached, without secrets; may be empty
};

// A place that holds files of ours.
struct StoreInfo {
    StoreId id = 0;
    std::string uri;     // Store::uri(); empty: the workspace's own folder
    std::string access;  // Store::access()
};

// An object that lies under another key now.
struct MovedObject {
    std::string from;
    std::string to;
};

// Names what was done to a photo or a video: results of another embedder or reader are out of date.
struct Recognition {
    std::string embedder;  // ModelEntry::name of the model that made the embeddings
    std::string reader;    // of the bib reads; any name
};

enum class RenditionKind { thumbnail, preview };
inline constexpr std::array rendition_kinds{RenditionKind::thumbnail, RenditionKind::preview};

// How renditions of an event's photos are made: JPEGs for browsers, upright, with the original's colour
// profile and nothing else of what its file says. Previews bear the artwork, thumbnails do not.
struct RenditionSettings {
    StoreId store = 0;                 // set by set_renditions()
    std::string store_uri{};           // Store::uri(); empty: the workspace's own folder
    std::string store_access{};        // Store::access()
    int thumbnail_side = 400;          // pixels of the long side, 16..8192; a photo is never enlarged
    int preview_side = 2048;           // no less than the thumbnail's
    int quality = 85;                  // 1..100
    std::vector<std::byte> artwork{};  // PNG, see Watermark; empty: none
    std::vector<std::byte> artwork_portrait{};  // for photos higher than wide; empty: as the other
    WatermarkLayout layout{};
};

// A rendition that is in its store.
struct Rendition {
    RenditionKind kind = RenditionKind::thumbnail;
    StoreId store = 0;
    Size size;
    std::int64_t bytes = 0;
    std::string recipe{};  // a digest of all that decides how it looks
    bool operator==(const Rendition&) const = default;
};

// Its key there: "imgs/3021/small/0f6d2c1e-7a55-4c0b-9b1e-5f0f4a3e9d10.jpg", a preview's with "large".
std::string rendition_key(EventId event, const std::string& photo_uuid, RenditionKind kind);

// The recipes that an event's renditions should be made by.
struct RenditionRecipes {
    std::string thumbnail;
    std::string preview;
    std::string portrait_preview;  // of photos higher than wide
};

// Where a file of ours is.
struct StoredFile {
    StoreId store = 0;
    std::string store_uri;
    std::string store_access;
    std::string key;
};

// All that indexing learns of one photo. With a `failure` it holds nothing that was recognised.
struct PhotoRecord {
    std::string key;          // in its source; any bytes
    std::string fingerprint;  // changes when the photo does: an ETag, or size and time
    std::int64_t bytes = 0;   // of the file
    Size size;                // upright, the whole photo
    std::optional<CaptureTime> captured;
    std::string camera;
    std::vector<Face> faces;  // an empty embedding is not stored
    std::vector<BibRead> bib_reads;
    std::string failure;  // why it could not be processed; empty: it was

    // Already stored, under the UUID that begin_renditions() told; empty: none were made.
    std::vector<Rendition> renditions{};
    std::string uuid{};
};

// What indexing knew of a photo at its last run.
struct KnownObject {
    PhotoId photo = 0;
    std::string key;
    std::string fingerprint;  // empty: must be tried again
    std::int64_t bytes = 0;
    bool failed = false;
    bool current = false;  // was processed by the Recognition that was asked for
};

struct PhotoInfo {
    PhotoId id = 0;
    std::string uuid;  // for the outside world; survives new contents, new models and failures
    EventId event = 0;
    SourceId source = 0;
    std::string key;
    std::string fingerprint;
    std::int64_t bytes = 0;
    Size size;
    std::optional<CaptureTime> captured;          // as the camera says
    std::optional<UtcMilliseconds> captured_utc;  // after time zone and clock offset
    std::string camera;
    std::string failure;  // empty: it was processed
    bool hidden = false;
    UtcMilliseconds indexed = 0;
};

// A photo's place in an album.
struct PhotoPlace {
    PhotoId photo = 0;
    std::array<std::byte, 16> uuid{};
    std::optional<UtcMilliseconds> captured_utc;
};

// Renditions of a photo, already stored under its UUID.
struct PhotoRenditions {
    PhotoId photo = 0;
    std::string uuid;
    std::string fingerprint;  // the photo's, when it was decided to make them
    std::vector<Rendition> renditions;
};

// A photo that lacks renditions, or has some that were made by another recipe or are in another store.
struct OutdatedPhoto {
    PhotoInfo photo;
    std::vector<RenditionKind> kinds;
};

// A video as indexing meets it. With a `failure` it could not be opened.
struct VideoRecord {
    std::string key;          // in its source; any bytes
    std::string fingerprint;  // changes when the video does
    std::int64_t bytes = 0;   // of the file
    VideoInfo info;
    std::string failure;  // why it could not be opened; empty: it was
};

// A video that is being read, from begin_video() to the last put_footage().
struct VideoReading {
    VideoId video = 0;
    std::int64_t turn = 0;            // tells this reading from others of the video, earlier and later
    double indexed_until = 0;         // seconds: go on here
    std::int64_t damaged_frames = 0;  // before that
    bool finished = false;            // nothing is left to read

    // In view at `indexed_until`: what the next tracker is given at its start. And their ids.
    std::vector<Appearance> going_on{};
    std::vector<AppearanceId> going_on_ids{};
};

// What a further piece of a video showed.
struct VideoFootage {
    double until = 0;                 // seconds of the video that have been read now
    bool finished = false;            // that is all of it
    std::int64_t damaged_frames = 0;  // of the whole video until then
    std::string failure{};            // why the rest cannot be read, which finishes it too; empty: it can
    std::vector<Appearance> appearances{};  // `continues`: a place in VideoReading::going_on
};

// What indexing knew of a video at its last run. Nothing need be done for one with the same fingerprint that
// is finished and current.
struct KnownVideo {
    VideoId video = 0;
    std::string key;
    std::string fingerprint;  // empty: must be read again
    std::int64_t bytes = 0;
    bool failed = false;    // could not be read, or only in part
    bool current = false;   // what was read of it was processed by the Recognition that was asked for
    bool finished = false;  // false: reading it was interrupted
};

struct VideoEntry {
    VideoId id = 0;
    std::string uuid;  // for the outside world; survives new contents, new models and failures
    EventId event = 0;
    SourceId source = 0;
    std::string key;
    std::string fingerprint;
    std::int64_t bytes = 0;
    VideoInfo info;
    std::string
        failure;  // why it could not be read or, with some footage, why not to its end; empty: it could
    bool hidden = false;
    double indexed_until = 0;  // seconds of footage read so far
    bool finished = false;     // no more will be read
    std::int64_t damaged_frames = 0;
    UtcMilliseconds indexed = 0;
};

// A photo or a video that could not be processed, or a video not to its end.
struct MediaFailure {
    PhotoId photo = 0;  // 0: it is a video
    VideoId video = 0;  // 0: it is a photo
    std::string key;
    std::string reason;
    bool partly = false;  // a video: what was read before it gave out is kept and found
};

struct VideoCounts {
    std::int64_t total = 0;        // processed + failed + in_progress
    std::int64_t processed = 0;    // read to the end, or as far as they could be
    std::int64_t failed = 0;       // gave nothing
    std::int64_t in_progress = 0;  // begun; another run goes on with them
    std::int64_t hidden = 0;
    double seconds = 0;  // of footage, read so far
};

// Photos, and apart from them videos.
struct EventCounts {
    std::int64_t total = 0;  // processed + failed
    std::int64_t processed = 0;
    std::int64_t failed = 0;
    std::int64_t hidden = 0;
    VideoCounts videos{};
};

// How much of an event a model has embedded.
struct EmbedderProgress {
    std::string embedder;
    std::int64_t photos = 0;
    std::int64_t videos = 0;  // those that are still being read included
};

// What searches need to know of one photo. A failed photo has neither faces nor reads.
struct PhotoContent {
    PhotoId photo = 0;
    bool hidden = false;
    bool embedded = false;    // by the embedder asked for; false: the faces come without embeddings
    std::vector<Face> faces;  // in the order they were put
    std::vector<BibRead> bib_reads;
};

// Somebody in view in a video, as stored. Where reading was interrupted, one who stayed in view is stored in
// pieces, each with the id of the first as its chain: by time, pieces of one chain are one appearance.
struct AppearanceContent {
    AppearanceId appearance = 0;
    AppearanceId chain = 0;  // its own id: it is the first piece, and mostly the only one
    VideoId video = 0;
    bool hidden = false;  // the video is
    // `continues` is -1, as the chain says it; `goes_on` only at the end of what was read of the video. The
    // face comes with the embedding if the embedder asked for has made it.
    Appearance seen;
};

struct EventChanges {
    std::int64_t counter = 0;       // give it to the next call
    bool settings_changed = false;  // settings, roster or clock offsets: read them again
};

// An appearance that may show the person.
struct AppearanceMatch {
    AppearanceId appearance = 0;
    MatchKind kind = MatchKind::face;
    double probability = 0;  // calibrated chance that it shows the person
    float similarity = 0;    // kind face: plain cosine to the probe
    std::string bib{};       // kinds bib...: the text that was read
    bool operator==(const AppearanceMatch&) const = default;
};

enum class SearchKind { selfie, bib };

// A search and its frozen answer.
struct SavedSearch {
    std::string request_id{};  // a UUID
    SearchKind kind = SearchKind::selfie;
    std::string bib{};                              // what was looked for; empty for a selfie
    std::optional<double> confidence_percentage{};  // the event's when the search was made
    UtcMilliseconds created = 0;                    // set by save_search()
    bool billable = true;                           // to save_search(): whether anything was matched
    // From then on it does not exist. To save_search(), absent: as the event's lifetime of searches says.
    std::optional<UtcMilliseconds> expires{};
    std::vector<Match> matches{};  // surest first

    // Surest first. Absent: videos were not searched, as the event had none then; set_search_appearances()
    // may do it later. Empty: nobody was found in them.
    std::optional<std::vector<AppearanceMatch>> appearances{};
};

// --- Clip jobs ---

// How a clip job stands. All but `processing` are final, unless a job that came to nothing is started again.
enum class ClipJobState {
    processing,
    completed,    // at least one clip was made, and is still there
    no_matches,   // the person is seen in no video
    no_segments,  // is seen, but nowhere for long enough
    clip_failed,  // there were seconds to cut, and no cut came out, or all are gone with their videos
    failed,       // it broke off before any clip
};
std::string_view name_of(ClipJobState state);  // "processing", ...

// A clip of a search's person: the one of its video.
struct JobClip {
    std::string uuid;
    VideoId video = 0;
    std::string video_key;  // in its source; any bytes
    TimeSpan span;          // of the video
    StoredFile file;
    std::int64_t bytes = 0;
};

struct ClipFailure {
    VideoId video = 0;
    std::string video_key;
    std::string reason;          // for whoever runs this: it may name folders and buckets
    bool video_is_gone = false;  // from its source
};

struct ClipJob {
    std::int64_t id = 0;
    EventId event = 0;
    std::string request_id;  // of the search
    SearchKind kind = SearchKind::selfie;
    ClipJobState state = ClipJobState::processing;
    std::string error;  // why it failed
    UtcMilliseconds created = 0;
    std::optional<UtcMilliseconds> finished;
    int attempts = 0;                   // times that somebody took it on
    std::vector<JobClip> clips;         // that are stored, in the order of their videos
    std::vector<ClipFailure> failures;  // videos whose clip could not be made
};

// Work that somebody has taken on, and has until the lease ends. Lost, it is somebody else's: whatever is
// told of it then changes nothing.
struct Claim {
    std::int64_t id = 0;  // of the job or the run
    std::string token;
};

constexpr int most_attempts = 3;  // to do work whose worker disappears each time

// The key of a clip's file: "vids/3021/motion/selfie/8d1b6c52-.../b1e0a2f4-....mp4".
std::string clip_key(EventId event, SearchKind kind, const std::string& request_id,
                     const std::string& clip_uuid);

// --- Index runs ---

using IndexRunId = std::int64_t;

enum class IndexRunState { queued, running, completed, failed, cancelled };
std::string_view name_of(IndexRunState state);  // "queued", ...

// How far an index run is and, once it has ended, what it did. Of photos, but where videos are said.
struct IndexRunCounts {
    std::int64_t listed = 0;  // in the source, photos and videos
    std::int64_t total = -1;  // that need work; -1: not known yet
    std::int64_t done = 0;    // of those
    std::int64_t failed = 0;
    std::int64_t unchanged = 0;  // photos and videos
    std::int64_t faces = 0;
    std::int64_t bib_reads = 0;
    std::int64_t videos_total = 0;
    std::int64_t videos_done = 0;
    std::int64_t videos_failed = 0;
    std::int64_t footage_seconds = 0;  // read in this run
    std::int64_t appearances = 0;
    std::int64_t added = 0;  // from here on at the end: photos and videos
    std::int64_t updated = 0;
    std::int64_t removed = 0;
    std::int64_t moved = 0;
    std::int64_t renditions = 0;         // photos whose renditions were made
    std::int64_t renditions_failed = 0;  // indexed, but without them
    std::int64_t seconds = 0;            // of the last attempt
    bool operator==(const IndexRunCounts&) const = default;
};

// The counts by name, for whoever writes them down.
struct IndexRunCount {
    std::string_view name;
    std::int64_t IndexRunCounts::*value;
};
inline constexpr std::array index_run_counts{
    IndexRunCount{"listed", &IndexRunCounts::listed},
    IndexRunCount{"total", &IndexRunCounts::total},
    IndexRunCount{"done", &IndexRunCounts::done},
    IndexRunCount{"failed", &IndexRunCounts::failed},
    IndexRunCount{"unchanged", &IndexRunCounts::unchanged},
    IndexRunCount{"faces", &IndexRunCounts::faces},
    IndexRunCount{"bib_reads", &IndexRunCounts::bib_reads},
    IndexRunCount{"videos_total", &IndexRunCounts::videos_total},
    IndexRunCount{"videos_done", &IndexRunCounts::videos_done},
    IndexRunCount{"videos_failed", &IndexRunCounts::videos_failed},
    IndexRunCount{"footage_seconds", &IndexRunCounts::footage_seconds},
    IndexRunCount{"appearances", &IndexRunCounts::appearances},
    IndexRunCount{"added", &IndexRunCounts::added},
    IndexRunCount{"updated", &IndexRunCounts::updated},
    IndexRunCount{"removed", &IndexRunCounts::removed},
    IndexRunCount{"moved", &IndexRunCounts::moved},
    IndexRunCount{"renditions", &IndexRunCounts::renditions},
    IndexRunCount{"renditions_failed", &IndexRunCounts::renditions_failed},
    IndexRunCount{"seconds", &IndexRunCounts::seconds},
};

struct IndexRunFailure {
    std::string key;  // in its source; any bytes
    std::string reason;
};

// An index run that somebody asked for.
struct IndexRunInfo {
    IndexRunId id = 0;
    EventId event = 0;
    SourceId source = 0;
    std::string source_uri;
    bool retry_failed = false;
    IndexRunState state = IndexRunState::queued;
    bool cancelling = false;  // it runs, and is to end
    std::string error;        // why it failed
    UtcMilliseconds created = 0;
    std::optional<UtcMilliseconds> started;
    std::optional<UtcMilliseconds> finished;
    int attempts = 0;
    IndexRunCounts counts;
};

constexpr std::size_t most_run_failures = 1000;  // that a run keeps; Catalog::failures() tells all

// --- Webhooks ---

using WebhookId = std::int64_t;

inline constexpr std::array<std::string_view, 2> webhook_kinds{"index.finished", "clips.finished"};
constexpr std::size_t most_webhooks = 10;  // of an organisation
constexpr int most_delivery_attempts = 8;

// Who is told of what has finished in an organisation's events.
struct Webhook {
    WebhookId id = 0;
    OrganisationId organisation = 0;
    std::string url;
    std::string secret;                // signs what is told
    std::vector<std::string> kinds{};  // of webhook_kinds
    bool active = true;
    UtcMilliseconds created = 0;
};

struct WebhookDelivery {
    std::int64_t id = 0;
    std::string uuid;  // the same at each attempt
    WebhookId webhook = 0;
    std::string kind;  // "ping", or one of webhook_kinds
    // JSON: ids and counts, nothing of a person.
    // {"id":UUID,"type":KIND,"created":SECONDS,"organisation_id":1,"data":{...}}
    std::string payload;
    UtcMilliseconds created = 0;
    int attempts = 0;
    std::optional<UtcMilliseconds> next_try;  // absent: it was delivered, or given up
    std::optional<UtcMilliseconds> delivered;
    std::optional<int> last_status{};  // of the reply; absent: none came
    std::string last_error{};
};

// A delivery that somebody has taken on, with what it takes.
struct DueDelivery {
    WebhookDelivery delivery;
    std::string url;
    std::string secret;
};

// A selfie that a search keeps.
struct StoredSelfie {
    std::vector<std::byte> picture;  // JPEG
    Embedding embedding;             // of the face that was looked for
    std::string embedder;            // the model that made it
};

// A purge that has begun. Counts are of everything since its beginning, in however many calls.
struct Purge {
    EventId event = 0;
    std::string uuid;  // of the purge
    std::string event_name;
    UtcMilliseconds begun = 0;
    bool resumed = false;                         // an earlier call was interrupted
    std::int64_t bytes = 0;                       // of the catalog's files at the beginning
    std::map<std::string, std::int64_t> removed;  // by kind: "photos", "embeddings", ...; every kind is there
};

struct CatalogOptions {
    std::chrono::milliseconds patience{15'000};  // how long to wait for another process that is writing
    std::int64_t max_bytes = 0;                  // the file may not grow beyond; 0: as far as the disk goes

    // compact() needs as much again as the catalog has, in memory up to this, else in a temporary file.
    std::int64_t compact_in_memory = 512LL << 20;
};

// Work that is not finished: it waits, or somebody is at it.
struct Backlog {
    std::int64_t clip_jobs = 0;
    std::int64_t index_runs = 0;
    std::int64_t deliveries = 0;  // to webhooks
};

// What is known of a workspace, durably: one SQLite file, the only truth. Embeddings are stored with 16 bits
// a component, as the gallery keeps them.
//
// What a method changes, it changes wholly or not at all, and a change that has returned survives the end of
// the process at any moment and a loss of power. The exceptions say so. Several processes may use one
// workspace at once.
//
// Errors, of every method: Error(not_found) for an id that does not exist; Error(overloaded) when the disk is
// full, max_bytes is reached, or another process writes for longer than the options' patience;
// Error(bad_input) when the file is damaged or can no longer be written.
//
// Thread safety: every method may be called from many threads at once. Those that change something wait for
// each other; readers wait for nobody: each has a connection of its own, from a pool that grows to as many as
// ever read at once. A catalog must not be used in a child process after fork().
class Catalog {
  public:
    // Opens the workspace, creating folder and file where missing, and brings an older file up to date.
    // Throws Error(unsupported) for the file of a newer version and Error(bad_input) for a file that is not a
    // catalog or a folder that cannot be written.
    static Catalog open(const std::filesystem::path& workspace, const CatalogOptions& options = {});

    Catalog(Catalog&&) noexcept;
    Catalog& operator=(Catalog&&) noexcept;
    ~Catalog();

    // --- Organisations and events ---

    // Throws Error(bad_input) for a name that is empty or taken, an origin that is none, or more than 100.
    OrganisationId create_organisation(const std::string& name,
                                       std::span<const std::string> cors_origins = {});
    std::vector<Organisation> organisations() const;
    Organisation organisation(OrganisationId organisation) const;

    // Throws as create_organisation().
    void update_organisation(OrganisationId organisation, const std::string& name,
                             std::span<const std::string> cors_origins);

    // Throws Error(bad_input) where the organisation has most_keys, and for a key that there is already.
    KeyId add_key(OrganisationId organisation, const KeyHash& hash, const std::string& shown,
                  const std::string& name = {}, const std::string& creator = {});
    // The same with a key made of 40 random letters and digits, of which five are shown.
    NewKey create_key(OrganisationId organisation, const std::string& name = {},
                      const std::string& creator = {});

    ApiKey key(KeyId key) const;
    std::vector<ApiKey> keys(OrganisationId organisation) const;  // in the order they were added
    std::vector<ApiKey> keys() const;                             // of every organisation
    void set_key_active(KeyId key, bool active);
    void remove_key(KeyId key);

    // Grows with every change of organisations, keys, and events with their settings, by whatever process;
    // not with what is indexed or searched. As cheap as a question to the file can be: ask at every request.
    std::int64_t access_counter() const;

    // Throws Error(bad_input) for a name that is empty, too long or taken, a taken slug, an unknown time
    // zone, a date that is none, or a number that is out of range: confidence, lifetime of searches, clips.
    EventId create_event(const EventSettings& settings, OrganisationId organisation = default_organisation);

    std::optional<EventId> find_event(const std::string& name,
                                      OrganisationId organisation = default_organisation) const;
    EventInfo event(EventId event) const;
    std::vector<EventInfo> events(
        OrganisationId organisation = default_organisation) const;  // latest date first
    std::vector<EventId> event_ids() const;                         // of every organisation, ascending

    // Throws as create_event(). A new time zone gives every photo without an offset its new UTC. Searches
    // that were saved keep their selfies, and their time, see apply_retention().
    void update_event(EventId event, const EventSettings& settings);

    // Changes some of the settings and leaves the others as they are in that moment, so that nobody's change
    // is lost: one transaction from reading to writing. `change` must be quick and must not use the catalog;
    // what it throws leaves everything as it was. Throws as create_event().
    void change_event(EventId event, const std::function<void(EventSettings&)>& change);

    // Removes the event and all that is known of its photos, videos and searches, as remove_photos() does.
    // Interrupted, it may leave an event with fewer photos and videos; call it again.
    void delete_event(EventId event);

    // The same, counted, as the first step of a purge; compact() is the next, end_purge() the last. A purge
    // that was interrupted at any moment is taken up, its event may be gone by then.
    Purge purge(EventId event);
    void end_purge(EventId event);                 // forgets the purge; its receipt is written
    std::vector<Purge> unfinished_purges() const;  // in the order of their events

    // Writes the file anew, without the pages that are free, and empties the log: nothing of what was ever
    // removed is left in the catalog's files. What it holds meanwhile aside is in memory, or in a file that
    // has no name any more (CatalogOptions); either is what stays. Others cannot write until it is done,
    // about a second for each 100 MB. Throws Error(overloaded) when another process does not stop reading or
    // writing, or the disk has no room for as much again: nothing is lost, call it again.
    void compact();

    // The size of the catalog's files, in bytes.
    std::int64_t bytes() const;

    // The event's valid bibs, instead of those before. Empty: unknown.
    void set_roster(EventId event, std::span<const RosterEntry> roster);
    std::vector<RosterEntry> roster(EventId event) const;  // by bib

    // Sets the seconds to add to a camera's clock, for the photos known and those to come; changes their UTC.
    // Throws Error(bad_input) beyond a hundred years.
    void set_clock_offset(EventId event, const std::string& camera, std::int64_t seconds);
    std::vector<CameraClock> camera_clocks(EventId event) const;  // cameras with photos or an offset, by name

    // The source with this `uri`, new or known; from now on it is reached by `access`.
    SourceId add_source(EventId event, const std::string& uri, const std::string& access = {});
    std::vector<SourceInfo> sources(EventId event) const;  // in the order they were added

    // Forgets a source and what came from it, as remove_photos() does; also what was forbidden there.
    // Interrupted, it may leave the source with fewer photos and videos; call it again.
    void remove_source(EventId event, SourceId source);

    // --- Indexing ---

    // Stores what was found in photos of a source, new or known by their keys, and returns their ids in the
    // same order; 0 for one that delete_photos() forbade, which is left out. A known photo keeps id, UUID and
    // being hidden. Its faces in embeddings of other models are kept when the fingerprint is unchanged and
    // the same faces were found, so that those models go on answering; else they are removed. Of a key given
    // twice the last record counts. Throws Error(bad_input), storing nothing, for an empty key and for
    // embeddings that are not finite.
    std::vector<PhotoId> put_batch(SourceId source, const Recognition& made_by,
                                   std::span<const PhotoRecord> photos);

    // Tells `visit` all that is known of the photos of a source, in byte order of their keys, so that a
    // listing in the same order can be merged with it; memory stays flat. `visit` may call the catalog; what
    // is changed meanwhile may or may not be told.
    void known_objects(SourceId source, const Recognition& wanted,
                       const std::function<void(const KnownObject&)>& visit) const;

    // Photos and videos of a source keep all that is known of them under their new keys. Keys that are not
    // known are passed over, and so are those whose new key is taken. Returns how many moved.
    std::size_t move_objects(SourceId source, std::span<const MovedObject> objects);

    // Forgets photos and everything known of them; they also leave saved searches. Ids that do not exist are
    // passed over. Returns how many were removed. On return their bytes are overwritten in the catalog's
    // files. Two traces may stay: in the log, when others kept reading for longer than the patience, until
    // the next removal or until the last process closes the workspace; and of a few in a thousand a copy of a
    // key or a text that SQLite moved within a page, until the page fills or compact(). Interrupted, it may
    // have removed some only.
    std::size_t remove_photos(EventId event, std::span<const PhotoId> photos);

    // The same, and indexing leaves their keys alone from now on, though the source still has them: removed
    // for good, by the organiser. So does it their contents under other keys, where the source's ETags tell
    // contents.
    std::size_t delete_photos(EventId event, std::span<const PhotoId> photos);
    std::vector<std::string> forbidden_keys(SourceId source) const;  // in byte order

    // Their fingerprints: what is renamed does not come back.
    std::vector<std::string> forbidden_contents(SourceId source) const;

    // Forgets the embeddings one model made, of photos and videos, as when another has taken over. Removes as
    // remove_photos() does.
    void remove_embeddings(EventId event, const std::string& embedder);

    // Hidden photos are not found; neither in saved searches. Returns how many changed.
    std::size_t set_hidden(EventId event, std::span<const PhotoId> photos, bool hidden);

    // Empties the fingerprints of failed photos and videos, of those that gave out midway too, so that the
    // next run tries them again. Returns how many.
    std::size_t retry_failed(EventId event);

    // Photos in the order of their ids, then videos.
    std::vector<MediaFailure> failures(EventId event, std::size_t limit = 10'000) const;
    EventCounts counts(EventId event) const;
    std::vector<EmbedderProgress> embedders(EventId event) const;  // by name

    // --- Renditions ---
    //
    // Files and catalog cannot change together. A file is written only after begin_renditions() has said so,
    // and recorded only after it is there; what is not wanted any more is remembered until it is removed. So
    // whatever ends the process, there is no record without a file, and no file that nobody knows of.

    // Checks all but the artwork, which the catalog just keeps. Throws Error(bad_input).
    void set_renditions(EventId event, const RenditionSettings& settings);
    std::optional<RenditionSettings> renditions(EventId event) const;  // nothing: none are made

    // No more are made; those that were are unwanted. Interrupted, call it again.
    void remove_renditions(EventId event);

    // To be called before files for photos of a source are written to a store. Returns the UUIDs of the
    // photos with these keys, in this order: the one it has or, of a photo that is not known yet, that which
    // put_batch() will give it.
    std::vector<std::string> begin_renditions(SourceId source, StoreId store,
                                              std::span<const std::string> keys);

    // Keys of photos that were begun and never put, as a run was interrupted.
    std::vector<std::string> begun_renditions(SourceId source) const;

    // For those that will not come again: their files are unwanted.
    void abandon_renditions(SourceId source, std::span<const std::string> keys);

    // For a run that ends early: files of photos with these UUIDs, which it stored and did not come to put,
    // are unwanted if its source was removed meanwhile. Else the next run goes on with them, and nothing
    // happens.
    void discard_renditions_of_removed(EventId event, SourceId source, StoreId store,
                                       std::span<const std::string> uuids);

    // Records what was stored, as put_batch() does for photos that it puts. Where a photo was removed or has
    // other contents since, or the event is to have no renditions any more, the files become unwanted.
    // Returns of how many photos they were recorded.
    std::size_t put_renditions(EventId event, std::span<const PhotoRenditions> photos);

    // Processed photos behind `after`, in the order of their ids; `all`: whether or not they lack anything.
    std::vector<OutdatedPhoto> outdated_renditions(EventId event, const RenditionRecipes& wanted,
                                                   PhotoId after, std::size_t limit, bool all = false) const;
    std::int64_t count_outdated_renditions(EventId event, const RenditionRecipes& wanted) const;

    // Store::uri() of every place that files of ours were ever put, of every event.
    std::vector<std::string> store_uris() const;

    // Those of many photos, in one look; photos without any are left out.
    std::map<PhotoId, std::vector<Rendition>> renditions_of(std::span<const PhotoId> photos) const;
    StoreInfo store(StoreId store) const;

    // The last that was recorded, by whatever recipe; and where it is.
    std::optional<Rendition> rendition(PhotoId photo, RenditionKind kind) const;
    StoredFile rendition_file(PhotoId photo, const Rendition& rendition) const;

    // Stores with files that are still to be removed, of every event, deleted ones too; these files; whether
    // one still is; and that they are gone.
    std::vector<StoreId> stores_with_unwanted_files() const;
    std::vector<StoredFile> unwanted_files(StoreId store, std::size_t limit) const;
    std::int64_t count_unwanted_files(EventId event) const;
    bool is_unwanted(const StoredFile& file) const;
    void forget_unwanted_files(std::span<const StoredFile> files);

    // --- Indexing videos ---

    // Begins to read a video of a source, new or known by its key, or goes on with it: where the fingerprint
    // is unchanged, `made_by` too, and nothing failed before, reading goes on where the last put_footage()
    // left it. Else what was known of its contents is forgotten and reading starts at 0; it keeps id, UUID
    // and being hidden.
    //
    // With a failure in the record there is nothing to read: the failure is stored, and what was read of the
    // same contents before is kept. Of a video that delete_videos() forbade nothing is stored, and it has no
    // id. Throws Error(bad_input) for an empty key.
    VideoReading begin_video(SourceId source, const Recognition& made_by, const VideoRecord& video);

    // Stores what the footage behind `reading.indexed_until` showed and moves `reading` on. False, changing
    // nothing, when somebody else has begun to read the video since, or it or the embeddings of its model
    // were removed: stop reading. Throws Error(bad_input), storing nothing and leaving `reading` as it is,
    // for a position that is not finite or goes back, spans that are not finite or end before they start,
    // embeddings and boxes that are not finite, and for an appearance that continues none.
    bool put_footage(VideoReading& reading, const VideoFootage& footage);

    // The same as known_objects(), of the source's videos.
    void known_videos(SourceId source, const Recognition& wanted,
                      const std::function<void(const KnownVideo&)>& visit) const;

    // Forgets videos, their appearances, and these in saved searches, as remove_photos() does.
    std::size_t remove_videos(EventId event, std::span<const VideoId> videos);

    // The same for good, as delete_photos() does.
    std::size_t delete_videos(EventId event, std::span<const VideoId> videos);

    // Nobody is found in hidden videos; neither in saved searches. Returns how many changed.
    std::size_t set_videos_hidden(EventId event, std::span<const VideoId> videos, bool hidden);

    // --- Searching ---

    // Tells what changed in an event after a moment, by this process or another: photos as they are now, put
    // or hidden or shown, and those removed. 0 is the beginning: every photo. The new moment is returned;
    // what is changed during the call is told by the next one. Memory stays flat. The functions may call the
    // catalog. Throws Error(not_found) when the event was deleted.
    EventChanges changes_since(EventId event, std::int64_t counter, const std::string& embedder,
                               const std::function<void(PhotoContent&&)>& put,
                               const std::function<void(PhotoId)>& remove) const;

    // The same for appearances in videos; one of a video that was hidden or shown has changed. They come
    // without their paths. Both functions count moments alike, but each tells its own changes: keep a moment
    // for each. Settings are told by both.
    EventChanges appearance_changes_since(EventId event, std::int64_t counter, const std::string& embedder,
                                          const std::function<void(AppearanceContent&&)>& put,
                                          const std::function<void(AppearanceId)>& remove) const;

    // Grows with every change that changes_since() or appearance_changes_since() tells. Costs a look into one
    // row: ask as often as you like.
    std::int64_t change_counter(EventId event) const;

    PhotoInfo photo(PhotoId photo) const;
    std::vector<PhotoInfo> photos(
        std::span<const PhotoId> photos) const;  // in this order, without those that are gone
    std::optional<PhotoInfo> find_photo(EventId event, const std::string& uuid) const;  // UUID in either case
    std::optional<PhotoInfo> find_photo_by_key(SourceId source, const std::string& key) const;

    // Every photo that was processed and is not hidden, by time of capture, those without one last, among
    // equals by UUID. A hundred thousand in some 30 ms.
    std::vector<PhotoPlace> photo_order(EventId event) const;

    // What is stored of one photo.
    PhotoContent content(PhotoId photo, const std::string& embedder) const;

    VideoEntry video(VideoId video) const;
    std::vector<VideoEntry> videos(EventId event) const;  // in the order they were first seen
    std::optional<VideoEntry> find_video(EventId event,
                                         const std::string& uuid) const;  // UUID in either case
    std::optional<VideoEntry> find_video_by_key(SourceId source, const std::string& key) const;

    // What is stored of a video, by start; some appearances, in this order, without those that are gone; and
    // one. Without an `embedder` all come without embeddings.
    std::vector<AppearanceContent> appearances(VideoId video, const std::string& embedder = {}) const;
    std::vector<AppearanceContent> appearances(std::span<const AppearanceId> appearances,
                                               const std::string& embedder = {}) const;
    AppearanceContent appearance(AppearanceId appearance, const std::string& embedder = {}) const;

    // Freezes a search and counts it, if it is billable. False, changing nothing, when the event has one with
    // this id that has not expired. Photos and appearances that were removed meanwhile are left out; the
    // selfies too, unless the event keeps them. Removes some searches that have expired. Throws
    // Error(bad_input) for an id that is no UUID.
    bool save_search(EventId event, const SavedSearch& search, std::span<const StoredSelfie> selfies = {});

    // Freezes what a saved search finds in videos, where it was saved without looking. False, changing
    // nothing, when it had looked. Throws Error(not_found) for an id that is unknown in this event, expired,
    // or no UUID.
    bool set_search_appearances(EventId event, const std::string& request_id,
                                std::span<const AppearanceMatch> appearances);

    // Without photos and videos removed or hidden since, or videos read again; nothing for an id that is
    // unknown in this event, expired, or no UUID.
    std::optional<SavedSearch> load_search(EventId event, const std::string& request_id) const;

    // The selfies that a search keeps, as they were given; none for an id for which there is nothing to load.
    std::vector<StoredSelfie> stored_selfies(EventId event, const std::string& request_id) const;

    // Forgets a search, its answer and its selfies, as remove_photos() does. Throws Error(not_found) for an
    // id that is unknown in this event or no UUID.
    void remove_search(EventId event, const std::string& request_id);

    // Lets the event's retention hold for the searches it has, as though they had been made under it: those
    // that would be gone go now, the others end no later than they would, and selfies that would not have
    // been kept go. Nothing is kept for longer than it was to be. Returns how many searches went.
    std::size_t apply_retention(EventId event);

    // Removes searches that have expired, of every event, as remove_photos() does. Returns how many. Opening
    // a catalog does it too.
    std::size_t remove_expired_searches();

    // --- Clip jobs ---
    //
    // A saved search has at most one, which goes with it; of a clip that goes, for whatever reason, the file
    // becomes unwanted.

    // Starts to make clips of what a search found, or tells how that stands where it was started before.
    // What came to nothing (clip_failed, failed) is started again. `found_anybody`: false: no_matches, at
    // once. Throws Error(not_found) for an id that is unknown in this event, expired, or no UUID, and
    // Error(bad_input) for a search that never looked at videos.
    ClipJob start_clip_job(EventId event, const std::string& request_id, bool found_anybody);

    // Without clips of videos that are hidden; nothing for an id for which there is no job.
    std::optional<ClipJob> clip_job(EventId event, const std::string& request_id) const;
    ClipJob clip_job(const Claim& claim) const;

    // For those who work: takes on the job that waits longest, for as long as the lease. One whose worker
    // disappeared most_attempts times is given up. Nothing: no job waits. Costs a look where none does.
    std::optional<Claim> claim_clip_job(std::chrono::milliseconds lease);

    // False: it is lost. Work that is given back is taken on by somebody else at once.
    bool renew_clip_job(const Claim& claim, std::chrono::milliseconds lease);
    void give_back_clip_job(const Claim& claim);

    // What is to be cut, at most one span of a video; their files go where the event's renditions go, else to
    // the workspace's own folder. Of a job that was planned before, by a worker who disappeared, the first
    // plan holds. False: the claim is lost.
    struct ClipPlan {
        VideoId video = 0;
        TimeSpan span;
    };
    bool plan_clip_job(const Claim& claim, std::span<const ClipPlan> clips);

    // The clip to cut next: of those that are neither stored nor failed, one that was begun least often.
    // Nothing: none is left, or the claim is lost.
    std::optional<JobClip> next_clip(const Claim& claim);

    // Records that its file is there, or why it never will be. False: the claim is lost; a file whose clip is
    // gone becomes unwanted.
    bool put_clip(const Claim& claim, const JobClip& stored);
    bool fail_clip(const Claim& claim, const JobClip& clip, const std::string& reason,
                   bool video_is_gone = false);

    // Ends the job in the state that its clips come to; `error`: what kept it from going on. False: the claim
    // is lost.
    bool finish_clip_job(const Claim& claim, const std::string& error = {});

    // The clip of this UUID, if it is stored and its search has not expired.
    std::optional<JobClip> find_clip(EventId event, const std::string& request_id,
                                     const std::string& clip_uuid) const;

    // --- Index runs ---

    // Asks for a source to be indexed. One that is queued already is told instead of another.
    IndexRunInfo add_index_run(EventId event, SourceId source, bool retry_failed = false);
    IndexRunInfo index_run(IndexRunId run) const;
    std::vector<IndexRunInfo> index_runs(EventId event, std::size_t limit = 100) const;  // latest first
    std::vector<IndexRunFailure> index_run_failures(IndexRunId run) const;

    // One that is queued is cancelled at once, one that runs as soon as its worker notices; one that has
    // ended stays as it is.
    IndexRunInfo cancel_index_run(IndexRunId run);

    // For those who work, as with clip jobs. What a run had done when its worker disappeared stays done. A
    // run that is to end is cancelled instead of being taken on.
    std::optional<Claim> claim_index_run(std::chrono::milliseconds lease);
    bool renew_index_run(const Claim& claim, std::chrono::milliseconds lease);
    void give_back_index_run(const Claim& claim);

    // Records how far it is. False: it is to end, or the claim is lost.
    bool tell_index_run(const Claim& claim, const IndexRunCounts& counts);
    bool finish_index_run(const Claim& claim, IndexRunState state, const IndexRunCounts& counts,
                          std::span<const IndexRunFailure> failures = {}, const std::string& error = {});

    // --- Webhooks ---
    //
    // What finishes is put into the queue of every active webhook of its kind, in the transaction that
    // finishes it. Each delivery is tried until it succeeds or most_delivery_attempts is reached.

    // Throws Error(bad_input) for a URL that is not http:// or https://, or holds credentials, for kinds that
    // are none or unknown, and where the organisation has most_webhooks.
    WebhookId add_webhook(OrganisationId organisation, const std::string& url, const std::string& secret,
                          std::span<const std::string> kinds);
    void update_webhook(WebhookId webhook, const std::string& url, std::span<const std::string> kinds,
                        bool active);
    void remove_webhook(WebhookId webhook);  // with its deliveries
    Webhook webhook(WebhookId webhook) const;
    std::vector<Webhook> webhooks(OrganisationId organisation) const;

    WebhookDelivery add_ping(WebhookId webhook);  // to try whether it works
    std::vector<WebhookDelivery> webhook_deliveries(WebhookId webhook,
                                                    std::size_t limit = 100) const;  // latest first

    // Takes on the delivery that has been due longest, and counts the attempt. Nobody else does until the
    // lease ends. Nothing: none is due.
    std::optional<DueDelivery> claim_delivery(std::chrono::milliseconds lease);
    void deliver(std::int64_t delivery, int status);  // it arrived
    // It did not, and is given up without a `next_try`.
    void put_off_delivery(std::int64_t delivery, std::optional<int> status, const std::string& error,
                          std::optional<UtcMilliseconds> next_try);
    std::size_t remove_deliveries(UtcMilliseconds before);  // that were made before

    Backlog backlog() const;  // costs no more than there is of it

  private:
    struct Impl;  // keeps SQLite out of this header
    explicit Catalog(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace eventlens
