#include "eventlens/engine.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <map>
#include <mutex>
#include <thread>
#include <tuple>
#include <utility>

#include "base/uuid.h"
#include "bibs/evidence.h"
#include "engine/clip_jobs.h"
#include "engine/housekeeping.h"
#include "engine/index_queue.h"
#include "engine/index_run.h"
#include "engine/live_gallery.h"
#include "engine/receipt.h"
#include "engine/renditions.h"
#include "eventlens/error.h"
#include "eventlens/storage.h"
#include "storage/url.h"

namespace eventlens {

namespace {

// A selfie is looked at whole: the face finder shrinks it itself.
constexpr int selfie_long_side = 2000;

// Appearances less likely to be the person are not kept in a search; those above wait for plan_clips().
constexpr double least_sure_appearance = 0.2;
constexpr int most_appearances = 10'000;

// The prior: a runner passes a camera or two, while photographers take several photos of each.
constexpr double expected_appearances = 2;

// Reads "patterns" nobody could mean before they are stored.
void check_pattern(const std::string& pattern) {
    (void)interpret_bibs({}, {pattern, {}});
}

std::string fresh_or_checked_id(const std::string& request_id) {
    if (request_id.empty()) return uuid_text(make_uuid());
    const auto uuid = parse_uuid(request_id);
    if (!uuid) throw Error(ErrorCode::bad_input, "request_id is not a UUID: " + request_id);
    return uuid_text(*uuid);
}

// What is kept of a selfie: enough to look for the face again.
std::vector<std::byte> selfie_jpeg(ImageView selfie) {
    const Size size = size_within(selfie.size, selfie_long_side);
    return encode_jpeg(size == selfie.size ? selfie : resize_image(selfie, size).view());
}

// A value that is made at first use, by whichever thread comes first; when making it fails, the next use
// tries again.
template <typename T>
class Lazy {
  public:
    template <typename Make>
    const T& get(Make&& make) {
        std::call_once(once_, [&] { value_.emplace(make()); });
        return *value_;
    }

  private:
    std::once_flag once_;
    std::optional<T> value_;
};

}  // namespace

struct Engine::Impl {
    Impl(std::filesystem::path folder, EngineOptions wanted, Catalog opened)
        : workspace(std::move(folder)), options(std::move(wanted)), catalog(std::move(opened)) {}

    std::filesystem::path workspace;
    EngineOptions options;
    Catalog catalog;
    mutable Lazy<std::shared_ptr<const ModelStore>> models;
    mutable Lazy<FaceFinder> face_finder;
    mutable Lazy<BibReader> bib_reader;
    mutable std::mutex sources_mutex;
    mutable std::map<std::string, std::shared_ptr<const Source>> sources;  // by location
    mutable std::map<std::string, std::shared_ptr<const Store>> stores;    // by location
    std::mutex galleries_mutex;
    std::map<EventId, std::shared_ptr<LiveGallery>> galleries;

    const std::shared_ptr<const ModelStore>& store() const {
        return models.get([&] { return ModelStore::open(options.manifests, options.runtime); });
    }
    const FaceFinder& faces() const {
        return face_finder.get([&] { return FaceFinder::open(store(), options.faces); });
    }
    const BibReader& bibs() const {
        return bib_reader.get([&] { return BibReader::open(store(), options.bibs); });
    }
    // Known from the manifest: a bib search does not load a network.
    const ModelEntry& embedder() const {
        return options.faces.embedder.empty() ? store()->default_for("face_embedder")
                                              : store()->entry(options.faces.embedder);
    }

    // With the layout of what it stores: reads that this version cannot interpret are out of date.
    std::string reader_name() const {
        return options.bibs.reader + "/" + std::to_string(static_cast<int>(Evidence::layout));
    }

    // Whatever process deleted an event: its faces leave our memory at the next search in any event.
    void drop_galleries_of_deleted_events() {
        const std::vector<EventId> events = catalog.event_ids();
        const std::lock_guard lock(galleries_mutex);
        std::erase_if(galleries,
                      [&](const auto& known) { return !std::ranges::binary_search(events, known.first); });
    }

    std::shared_ptr<LiveGallery> gallery(EventId event) {
        const ModelEntry& model = embedder();
        drop_galleries_of_deleted_events();
        (void)catalog.change_counter(event);  // throws for an event that does not exist
        const std::lock_guard lock(galleries_mutex);
        auto& gallery = galleries[event];
        if (!gallery) gallery = std::make_shared<LiveGallery>(catalog, event, model);
        return gallery;
    }

    std::vector<FoundPhoto> with_photos(std::vector<Match> matches) const {
        std::vector<PhotoId> ids;
        ids.reserve(matches.size());
        for (const Match& match : matches) ids.push_back(match.photo);
        std::map<PhotoId, PhotoInfo> photos;
        for (PhotoInfo& photo : catalog.photos(ids)) photos.emplace(photo.id, std::move(photo));
        std::vector<FoundPhoto> found;
        for (Match& match : matches) {
            const auto photo = photos.find(match.photo);
            if (photo != photos.end()) found.push_back({photo->second, std::move(match)});
        }
        return found;
    }

    SearchResult load_search(EventId event, const std::string& request_id) const {
        const auto saved = catalog.load_search(event, request_id);
        if (!saved) throw Error(ErrorCode::not_found, "no search " + request_id + " in this event");
        return answer_of(*saved);
    }

    SearchResult answer_of(const SavedSearch& saved) const {
        SearchResult result{saved.request_id, true, {}, with_photos(saved.matches), std::nullopt};
        if (saved.appearances) result.appearances = with_spans(*saved.appearances);
        return result;
    }

    // The answer to a selfie that shows no face: frozen like others, so that asking again costs nothing.
    // One that was made before stays as it was: another picture may still tell who is in the videos.
    SearchResult find_nobody(EventId event, const std::string& id, bool saved, bool videos) {
        if (saved) return load_search(event, id);
        SavedSearch search{.request_id = id,
                           .confidence_percentage = catalog.event(event).settings.confidence_percentage,
                           .billable = false};
        if (videos) search.appearances.emplace();
        SearchResult result;
        result.request_id = id;
        if (!catalog.save_search(event, search)) return load_search(event, id);  // another was faster
        if (videos) result.appearances.emplace();
        return result;
    }

    // Without any, who is in the event's videos is not known yet, rather than nobody.
    bool has_footage(EventId event) const { return catalog.counts(event).videos.seconds > 0; }

    // Surest first. Copies of a photo are as sure and as alike but for what the machine rounds: that is cut
    // off, and of those the ids decide, as on every page.
    static void put_in_order(std::vector<FoundPhoto>& found) {
        for (FoundPhoto& one : found) {
            one.match.probability = std::floor(one.match.probability * 1e9) / 1e9;
            one.match.similarity = static_cast<float>(std::round(double{one.match.similarity} * 1e6) / 1e6);
        }
        std::ranges::sort(found, {}, [](const FoundPhoto& one) {
            return std::tuple(-one.match.probability, -one.match.similarity, one.photo.uuid);
        });
    }

    std::vector<Match> match_photos(EventId event, std::span<const Probe> probes, std::optional<int> limit,
                                    MatchOptions match) {
        match.limit = limit.value_or(match.limit);
        while (true) {
            std::vector<Match> matches = gallery(event)->use(
                [&](const EventGallery& gallery) { return gallery.photos().match_faces(probes, match); });
            if (limit || matches.size() < static_cast<std::size_t>(match.limit)) return matches;
            match.limit *= 8;  // seldom: somebody who is in nearly every photo of a large event
        }
    }

    // The face that a photo was found by; nothing when the photo was removed or read anew meanwhile.
    std::optional<Face> face_of(const Match& match) const {
        try {
            PhotoContent content = catalog.content(match.photo, embedder().name);
            const auto place = static_cast<std::size_t>(match.face);
            if (place >= content.faces.size() || content.faces[place].embedding.empty()) return std::nullopt;
            return std::move(content.faces[place]);
        } catch (const Error& error) {
            if (error.code() != ErrorCode::not_found) throw;
            return std::nullopt;
        }
    }

    // The person of `probes` in the event's videos. Faces of the photos in which they were surely found join
    // the probes: a runner looks more like their photos of that day than like their selfie.
    std::vector<AppearanceMatch> match_appearances(EventId event, std::vector<Probe> probes,
                                                   std::span<const Match> photos, MatchOptions match) {
        int joined = 0;
        for (const Match& photo : photos) {
            if (match.expansion_rounds == 0 || joined == match.expansion_faces ||
                photo.probability < match.expansion_probability) {
                break;  // the surest come first
            }
            std::optional<Face> face = face_of(photo);
            if (!face) continue;
            probes.push_back({std::move(face->embedding), face->quality});
            ++joined;
        }
        match.limit = most_appearances;
        match.expected_photos = expected_appearances;
        match.min_probability = std::min(match.min_probability, least_sure_appearance);
        return gallery(event)->use(
            [&](const EventGallery& gallery) { return gallery.match_faces(probes, match); });
    }

    std::vector<FoundAppearance> with_spans(std::span<const AppearanceMatch> matches) const {
        std::vector<AppearanceId> ids;
        ids.reserve(matches.size());
        for (const AppearanceMatch& match : matches) ids.push_back(match.appearance);
        std::map<AppearanceId, AppearanceContent> contents;
        for (AppearanceContent& content : catalog.appearances(ids))
            contents.emplace(content.appearance, std::move(content));
        std::vector<FoundAppearance> found;
        for (const AppearanceMatch& match : matches) {
            const auto at = contents.find(match.appearance);
            if (at != contents.end()) found.push_back(found_appearance(at->second, match));
        }
        return found;
    }

    static FoundAppearance found_appearance(const AppearanceContent& content, const AppearanceMatch& match) {
        FoundAppearance found{content.appearance, content.video, content.seen.span, match, 0, {}};
        if (content.seen.face) {
            found.face_time = content.seen.face_time;
            found.box = content.seen.face->box;
        } else if (!content.seen.path.empty()) {
            const Waypoint& middle = content.seen.path[content.seen.path.size() / 2];
            found.face_time = middle.time;
            found.box = middle.box;
        }
        return found;
    }

    std::vector<ClipSpan> plan(EventId event, std::span<const AppearanceMatch> matches,
                               const ClipOptions& wanted) const {
        std::map<VideoId, std::vector<FoundAppearance>> by_video;
        for (FoundAppearance& found : with_spans(matches)) by_video[found.video].push_back(std::move(found));
        std::vector<ClipSpan> spans;
        for (const VideoEntry& video : catalog.videos(event)) {
            const auto at = by_video.find(video.id);
            if (at == by_video.end() || video.hidden) continue;
            std::vector<ClipCandidate> candidates;
            candidates.reserve(at->second.size());
            for (const FoundAppearance& found : at->second)
                candidates.push_back({found.span, found.match.probability});
            for (const PlannedClip& clip : plan_clips(candidates, video.info.duration, wanted)) {
                ClipSpan& span = spans.emplace_back(ClipSpan{video, clip.span, clip.probability, {}, 0});
                for (const int place : clip.appearances)
                    span.appearances.push_back(at->second[static_cast<std::size_t>(place)]);
                span.poster_time = poster_time(span);
            }
        }
        return spans;
    }

    static double poster_time(const ClipSpan& span) {
        const auto shown = [&](const FoundAppearance& found) {
            return found.face_time >= span.span.start && found.face_time < span.span.end;
        };
        const auto best = std::ranges::max_element(span.appearances, {}, [&](const FoundAppearance& found) {
            return std::pair(shown(found), found.match.probability);
        });
        return shown(*best) ? best->face_time : (span.span.start + span.span.end) / 2;
    }

    // A bucket is opened once: it keeps its connections and what it learned of its credentials.
    template <typename Place, typename Open>
    std::shared_ptr<const Place> opened_once(std::map<std::string, std::shared_ptr<const Place>>& places,
                                             const std::string& location, const Open& open) const {
        if (!names_bucket(location)) return open(location, options.storage);
        {
            const std::lock_guard lock(sources_mutex);
            if (const auto known = places.find(location); known != places.end()) return known->second;
        }
        std::shared_ptr<const Place> opened = open(location, options.storage);
        const std::lock_guard lock(sources_mutex);
        return places.emplace(location, std::move(opened)).first->second;
    }

    std::shared_ptr<const Source> source_at(const std::string& location) const {
        return opened_once(sources, location, open_source);
    }

    std::filesystem::path own_renditions() const { return workspace / "renditions"; }
    // Clips of an event on their way to their store.
    std::filesystem::path cutting(EventId event) const {
        return workspace / "cutting" / std::to_string(event);
    }
    // Folders of files made of an event.
    std::array<std::filesystem::path, 3> own_files(EventId event) const {
        return {own_renditions() / "imgs" / std::to_string(event),
                own_renditions() / "vids" / std::to_string(event), cutting(event)};
    }

    // As StoreOpener.
    std::shared_ptr<const Store> store_at(const std::string& uri, const std::string& access) const {
        return opened_once(stores, store_location(uri, access), open_store);
    }

    std::string store_location(const std::string& uri, const std::string& access) const {
        return uri.empty() ? own_renditions().string() : location_of(uri, access);
    }

    StoreOpener store_opener() const {
        return [this](const std::string& uri, const std::string& access) { return store_at(uri, access); };
    }

    // As IndexRun::is_ours. In a list of paths each was named.
    std::function<bool(std::string_view)> ours_in(const Source& source) const {
        if (source.uri() == path_list_uri) return {};
        std::vector<std::string> uris = catalog.store_uris();
        for (std::string& uri : uris) {
            if (uri.empty())
                uri = "file://" +
                      percent_encoded(std::filesystem::weakly_canonical(own_renditions()).string(), "/");
        }
        return renditions_in(source.uri(), uris);
    }

    // Of the workspace's own folder the event's part goes as a whole, of others what a write that was killed
    // left half done. Returns IndexReport::files_left.
    std::vector<IndexFailure> remove_files_of_deleted(EventId event) {
        std::vector<IndexFailure> left = remove_unwanted_files(catalog, store_opener());
        for (const std::filesystem::path& own : own_files(event)) {
            std::error_code reason;
            std::filesystem::remove_all(own, reason);
            if (reason) left.push_back({own.string(), "not removed: " + reason.message()});
        }
        for (const std::string& uri : catalog.store_uris()) {
            if (uri.empty() || names_bucket(uri)) continue;
            try {
                for (const char* const kind : {"imgs/", "vids/"})
                    store_at(uri, {})->remove_unfinished(kind + std::to_string(event) + "/");
            } catch (const Error& error) {
                if (error.code() == ErrorCode::not_found) continue;  // with all that was in it
                left.push_back({uri, std::string("not removed: ") + error.what()});
            }
        }
        return left;
    }

    StoredFile rendition_file(PhotoId photo, RenditionKind kind) const {
        const auto rendition = catalog.rendition(photo, kind);
        if (!rendition)
            throw Error(ErrorCode::not_found, "no renditions of photo " + std::to_string(photo) +
                                                  " were made: see make_renditions()");
        return catalog.rendition_file(photo, *rendition);
    }

    std::string link_to(const StoredFile& file, const LinkOptions& wanted) const {
        const auto place = store_at(file.store_uri, file.store_access);
        if (names_bucket(place->uri())) return place->presign_get(file.key, wanted);
        return place->uri() + (place->uri().ends_with('/') ? "" : "/") + file.key;
    }

    int workers(int wanted) const {
        if (wanted > 0) return wanted;
        if (options.runtime.threads > 0) return options.runtime.threads;
        return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
    }

    // Where a photo or a video of the event lies.
    std::shared_ptr<const Source> source_of(EventId event, SourceId source, const std::string& key) const {
        for (const SourceInfo& known : catalog.sources(event)) {
            if (known.id != source) continue;
            if (known.uri == path_list_uri) return open_paths({key});
            return source_at(location_of(known.uri, known.access));
        }
        throw Error(ErrorCode::not_found, "the source of this photo or video is gone");
    }

    std::shared_ptr<const ByteSource> video_bytes(const VideoEntry& video) const {
        return source_of(video.event, video.source, video.key)->open(video.key);
    }

    // Runs over a source, and into a store of renditions, that are opened for this run alone: should the run
    // end early, its threads stop waiting for the network.
    template <typename OpenSource>
    IndexReport index(EventId event, const IndexOptions& wanted, OpenSource&& open) {
        std::atomic<bool> ending{false};
        StorageOptions storage = options.storage;
        storage.while_waiting = [&, caller = std::this_thread::get_id()] {
            if (ending) throw Error(ErrorCode::overloaded, "the run has ended");
            if (wanted.while_waiting && std::this_thread::get_id() == caller) wanted.while_waiting();
        };
        const std::unique_ptr<const Source> source = open(storage);
        return index(event, *source, storage, wanted, ending);
    }

    // What the run was storing while somebody removed its event or source is wanted by nobody.
    IndexReport run_with_renditions(const IndexRun& run) {
        try {
            return run_index(run);
        } catch (const Error& error) {
            if (error.code() == ErrorCode::not_found) (void)remove_unwanted_files(catalog, store_opener());
            throw;
        }
    }

    IndexReport index(EventId event, const Source& source, const StorageOptions& storage,
                      const IndexOptions& wanted, std::atomic<bool>& ending) {
        (void)catalog.event(event);
        IndexRun run{.catalog = catalog,
                     .event = event,
                     .source = source,
                     .whole_source = source.uri() != path_list_uri,
                     .recognition = {embedder().name, reader_name()},
                     .options = wanted,
                     .ending = ending};
        run.workers = workers(wanted.workers);
        run.is_ours = ours_in(source);
        if (wanted.dry_run) return run_index(run);
        catalog.remove_expired_searches();
        run.faces = &faces();
        run.bibs = &bibs();
        std::optional<RenditionMaker> maker;
        if (const auto settings = catalog.renditions(event)) {
            maker.emplace(event, *settings,
                          [this, &storage](const std::string& uri, const std::string& access) {
                              return open_store(store_location(uri, access), storage);
                          });
            run.renditions = &*maker;
        }
        IndexReport report = maker ? run_with_renditions(run) : run_index(run);
        report.files_left = remove_unwanted_files(catalog, store_opener());
        if (maker) report.renditions_outdated = catalog.count_outdated_renditions(event, maker->recipes());
        return report;
    }
};

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;
Engine::~Engine() = default;

Engine Engine::open(const std::filesystem::path& workspace, const EngineOptions& options) {
    return Engine(std::make_unique<Impl>(workspace, options, Catalog::open(workspace)));
}

Catalog& Engine::catalog() {
    return impl_->catalog;
}
const Catalog& Engine::catalog() const {
    return impl_->catalog;
}

EventId Engine::create_event(const EventSettings& settings, OrganisationId organisation) {
    check_pattern(settings.bib_pattern);
    return impl_->catalog.create_event(settings, organisation);
}

void Engine::update_event(EventId event, const EventSettings& settings) {
    check_pattern(settings.bib_pattern);
    impl_->catalog.update_event(event, settings);
}

void Engine::change_event(EventId event, const std::function<void(EventSettings&)>& change) {
    impl_->catalog.change_event(event, [&](EventSettings& settings) {
        change(settings);
        check_pattern(settings.bib_pattern);
    });
}

std::vector<IndexFailure> Engine::delete_event(EventId event) {
    impl_->catalog.delete_event(event);
    impl_->drop_galleries_of_deleted_events();
    return impl_->remove_files_of_deleted(event);
}

PurgeReport Engine::purge_event(EventId event) {
    PurgeReport report{impl_->catalog.purge(event), 0, 0, {}};
    impl_->drop_galleries_of_deleted_events();
    const auto files_left = impl_->remove_files_of_deleted(event);
    impl_->catalog.compact();
    if (impl_->catalog.count_unwanted_files(event) > 0 ||
        std::ranges::any_of(impl_->own_files(event),
                            [](const auto& own) { return std::filesystem::exists(own); })) {
        throw Error(ErrorCode::overloaded,
                    "renditions or clips of the event are still in their store; try again: " +
                        (files_left.empty() ? "" : files_left.front().reason));
    }
    report.bytes_after = impl_->catalog.bytes();
    const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
    report.finished = std::chrono::duration_cast<std::chrono::milliseconds>(since_1970).count();
    report.receipt = write_receipt(impl_->workspace / "receipts", report);
    impl_->catalog.end_purge(event);
    return report;
}

Deletion Engine::delete_photos(EventId event, std::span<const PhotoId> photos) {
    const std::size_t deleted = impl_->catalog.delete_photos(event, photos);
    return {deleted, remove_unwanted_files(impl_->catalog, impl_->store_opener())};
}

Deletion Engine::delete_photos_of_bib(EventId event, std::string_view bib) {
    std::vector<PhotoId> photos;
    for (const FoundPhoto& found : find_bib(event, bib)) {
        if (found.match.kind == MatchKind::bib) photos.push_back(found.photo.id);
    }
    return delete_photos(event, photos);
}

Deletion Engine::delete_photos_of_search(EventId event, const std::string& request_id) {
    std::vector<PhotoId> photos;
    for (const FoundPhoto& found : search(event, request_id).matches) photos.push_back(found.photo.id);
    return delete_photos(event, photos);
}

SourceId Engine::add_source(EventId event, const std::string& location) {
    const auto source = open_source(location, impl_->options.storage);
    return impl_->catalog.add_source(event, source->uri(), source->access());
}

std::vector<IndexFailure> Engine::remove_source(EventId event, SourceId source) {
    impl_->catalog.remove_source(event, source);
    return remove_unwanted_files(impl_->catalog, impl_->store_opener());
}

IndexReport Engine::index(EventId event, const std::string& source, const IndexOptions& options) {
    return impl_->index(event, options,
                        [&](const StorageOptions& storage) { return open_source(source, storage); });
}

IndexReport Engine::index(EventId event, std::span<const std::string> paths, const IndexOptions& options) {
    return impl_->index(event, options, [&](const StorageOptions&) {
        return open_paths({paths.begin(), paths.end()});
    });
}

Image decode_selfie(std::span<const std::byte> selfie) {
    DecodeOptions decode;
    decode.enough_long_side = selfie_long_side;
    return decode_photo(selfie, decode).image;
}

SearchResult Engine::find_selfie(EventId event, std::span<const std::span<const std::byte>> selfies,
                                 const SelfieOptions& options) {
    std::vector<Image> images;
    std::vector<ImageView> views;
    for (const std::span<const std::byte> selfie : selfies) images.push_back(decode_selfie(selfie));
    views.reserve(images.size());
    for (const Image& image : images) views.push_back(image.view());
    return find_selfie(event, views, options);
}

SearchResult Engine::find_selfie(EventId event, std::span<const ImageView> selfies,
                                 const SelfieOptions& options) {
    if (selfies.empty()) throw Error(ErrorCode::bad_input, "no selfie was given");
    const EventSettings settings = impl_->catalog.event(event).settings;
    const std::string id = fresh_or_checked_id(options.request_id);
    const auto saved = options.request_id.empty() ? std::nullopt : impl_->catalog.load_search(event, id);
    const bool videos = impl_->has_footage(event);
    const bool only_videos_are_left =
        saved && !saved->appearances && saved->kind == SearchKind::selfie && videos;
    if (saved && !only_videos_are_left) return impl_->answer_of(*saved);

    SearchResult result;
    result.request_id = id;
    std::vector<Probe> probes;
    std::vector<StoredSelfie> kept;
    for (const ImageView selfie : selfies) {
        std::vector<Face> faces = impl_->faces().find_in_selfie(selfie);
        if (faces.empty()) {
            if (!options.face_required) return impl_->find_nobody(event, id, saved.has_value(), videos);
            throw Error(ErrorCode::bad_input, selfies.size() == 1
                                                  ? "no face was found in the selfie"
                                                  : "no face was found in one of the selfies");
        }
        Face& largest = faces.front();
        result.selfies.push_back({largest.box, static_cast<int>(faces.size()), largest.quality});
        if (settings.selfie_retention)
            kept.push_back({selfie_jpeg(selfie), largest.embedding, impl_->embedder().name});
        probes.push_back({std::move(largest.embedding), largest.quality});
    }

    MatchOptions match;
    match.min_probability =
        options.min_probability.value_or(settings.confidence_percentage.value_or(50.0) / 100);
    if (!options.query_expansion) match.expansion_rounds = 0;
    if (only_videos_are_left) {
        impl_->catalog.set_search_appearances(
            event, id, impl_->match_appearances(event, std::move(probes), saved->matches, match));
        SearchResult answer = impl_->load_search(event, id);
        answer.selfies = std::move(result.selfies);
        return answer;
    }

    SavedSearch search{.request_id = id, .confidence_percentage = settings.confidence_percentage};
    result.matches = impl_->with_photos(impl_->match_photos(event, probes, options.limit, match));
    impl_->put_in_order(result.matches);
    for (const FoundPhoto& found : result.matches) search.matches.push_back(found.match);
    if (videos)
        search.appearances = impl_->match_appearances(event, std::move(probes), search.matches, match);
    if (!impl_->catalog.save_search(event, search, kept))
        return impl_->load_search(event, id);  // another was faster
    if (search.appearances) result.appearances = impl_->with_spans(*search.appearances);
    return result;
}

SearchResult Engine::search(EventId event, const std::string& request_id) const {
    return impl_->load_search(event, request_id);
}

std::vector<FoundPhoto> Engine::find_bib(EventId event, std::string_view text, double min_probability) {
    std::vector<Match> matches = impl_->gallery(event)->use(
        [&](const EventGallery& gallery) { return gallery.photos().find_bib(text); });
    std::erase_if(matches, [&](const Match& match) { return match.probability < min_probability; });
    return impl_->with_photos(std::move(matches));
}

std::vector<ClipSpan> Engine::find_clips(EventId event, const std::string& request_id,
                                         const ClipOptions& options) const {
    const auto saved = impl_->catalog.load_search(event, request_id);
    if (!saved) throw Error(ErrorCode::not_found, "no search " + request_id + " in this event");
    if (!saved->appearances) {
        throw Error(ErrorCode::bad_input,
                    "this search was made before the event had videos: give its selfie again with its id");
    }
    return impl_->plan(event, *saved->appearances, options);
}

std::vector<ClipSpan> Engine::find_bib_clips(EventId event, std::string_view bib,
                                             const ClipOptions& options) {
    const auto matches =
        impl_->gallery(event)->use([&](const EventGallery& gallery) { return gallery.find_bib(bib); });
    return impl_->plan(event, matches, options);
}

SearchResult Engine::search_bib_clips(EventId event, std::string_view bib, const std::string& request_id) {
    const std::string id = fresh_or_checked_id(request_id);
    const auto saved = request_id.empty() ? std::nullopt : impl_->catalog.load_search(event, id);
    if (saved && saved->kind != SearchKind::bib)
        throw Error(ErrorCode::bad_input, "request_id names a search by selfie");
    const bool videos = impl_->has_footage(event);
    const auto appearances = [&](std::string_view of) {
        return impl_->gallery(event)->use([&](const EventGallery& gallery) { return gallery.find_bib(of); });
    };
    if (!saved) {
        SavedSearch search{.request_id = id, .kind = SearchKind::bib, .bib = std::string(bib)};
        if (videos) search.appearances = appearances(bib);
        const bool first = impl_->catalog.save_search(event, search);  // false: another was faster
        SearchResult answer = impl_->load_search(event, id);
        answer.repeated = !first;
        return answer;
    }
    if (!saved->appearances && videos)
        impl_->catalog.set_search_appearances(event, id, appearances(saved->bib));
    return impl_->load_search(event, id);
}

ClipJob Engine::start_clips(EventId event, const std::string& request_id) {
    const auto saved = impl_->catalog.load_search(event, request_id);
    const double enough = impl_->catalog.event(event).settings.clips.min_probability;
    const bool anybody = saved && saved->appearances &&
                         std::ranges::any_of(*saved->appearances,
                                             [&](const auto& match) { return match.probability >= enough; });
    return impl_->catalog.start_clip_job(event, request_id, anybody);
}

void Engine::make_clips(const Claim& claim, const std::function<bool()>& stopped) {
    const ClipTools tools{
        .plan =
            [this](const ClipJob& job) {
                return find_clips(job.event, job.request_id, impl_->catalog.event(job.event).settings.clips);
            },
        .open_video = [this](VideoId video) { return impl_->video_bytes(impl_->catalog.video(video)); },
        .open_store = impl_->store_opener(),
        .folder_of = [this](EventId event) { return impl_->cutting(event); }};
    eventlens::make_clips(impl_->catalog, claim, tools, stopped);
}

std::shared_ptr<const ByteSource> Engine::clip_bytes(const JobClip& clip) const {
    return impl_->store_at(clip.file.store_uri, clip.file.store_access)->open(clip.file.key);
}

std::string Engine::clip_link(const JobClip& clip, const LinkOptions& options) const {
    return impl_->link_to(clip.file, options);
}

IndexRunInfo Engine::start_index_run(EventId event, const std::string& location, bool retry_failed) {
    (void)impl_->catalog.event(event);
    const auto source = open_source(location, impl_->options.storage);
    return start_index_run(event, impl_->catalog.add_source(event, source->uri(), source->access()),
                           retry_failed);
}

IndexRunInfo Engine::start_index_run(EventId event, SourceId source, bool retry_failed) {
    for (const SourceInfo& known : impl_->catalog.sources(event)) {
        if (known.id == source && known.uri == path_list_uri)
            throw Error(ErrorCode::bad_input, "a list of paths cannot be indexed again as a whole");
    }
    return impl_->catalog.add_index_run(event, source, retry_failed);
}

void Engine::do_index_run(const Claim& claim, const IndexOptions& options,
                          const std::function<bool()>& stopped,
                          const std::function<void(const IndexRunCounts&)>& told) {
    eventlens::do_index_run(*this, claim, options, stopped, told);
}

std::vector<IndexFailure> Engine::keep_house() {
    impl_->catalog.remove_expired_searches();
    remove_forgotten_cuts(impl_->workspace / "cutting");
    remove_old_deliveries(impl_->catalog);
    return remove_unwanted_files(impl_->catalog, impl_->store_opener());
}

const StorageOptions& Engine::storage() const {
    return impl_->options.storage;
}

Clip Engine::cut_clip(VideoId video, TimeSpan span, const std::filesystem::path& out,
                      const CutOptions& options) const {
    return eventlens::cut_clip(impl_->video_bytes(impl_->catalog.video(video)), span, out, options);
}

VideoFrame Engine::video_frame(VideoId video, double time, int long_side) const {
    return read_frame(impl_->video_bytes(impl_->catalog.video(video)), time, long_side);
}

Engine::PhotoDetails Engine::details(PhotoId photo) const {
    PhotoDetails details{impl_->catalog.photo(photo), {}, {}};
    PhotoContent content = impl_->catalog.content(photo, impl_->embedder().name);
    details.faces = std::move(content.faces);
    details.bibs = interpret_bibs(content.bib_reads, rules_of(impl_->catalog, details.photo.event));
    return details;
}

void Engine::visit_photos(EventId event, const std::function<void(PhotoDetails&&)>& visit) const {
    const BibInterpreter interpreter(rules_of(impl_->catalog, event));
    impl_->catalog.changes_since(
        event, 0, "",
        [&](PhotoContent&& content) {
            const std::vector<PhotoInfo> photo = impl_->catalog.photos(std::array{content.photo});
            if (photo.empty()) return;  // removed meanwhile
            visit({photo.front(), std::move(content.faces), interpreter.interpret(content.bib_reads)});
        },
        [](PhotoId) {});
}

std::vector<std::byte> Engine::photo_bytes(PhotoId photo) const {
    const PhotoInfo info = impl_->catalog.photo(photo);
    return impl_->source_of(info.event, info.source, info.key)->read(info.key, largest_photo_file);
}

std::shared_ptr<const ByteSource> Engine::open_photo(PhotoId photo) const {
    const PhotoInfo info = impl_->catalog.photo(photo);
    return impl_->source_of(info.event, info.source, info.key)->open(info.key);
}

Image Engine::photo_image(PhotoId photo, int long_side) const {
    if (long_side < 0) throw Error(ErrorCode::bad_input, "long_side must not be negative");
    DecodeOptions options;
    options.enough_long_side = long_side;
    Image image = decode_photo(photo_bytes(photo), options).image;
    if (long_side == 0 || std::max(image.size().width, image.size().height) <= long_side) return image;
    return resize_image(image.view(), size_within(image.size(), long_side));
}

std::string Engine::original_link(PhotoId photo, const LinkOptions& options) const {
    const PhotoInfo info = impl_->catalog.photo(photo);
    for (const SourceInfo& source : impl_->catalog.sources(info.event)) {
        if (source.id != info.source) continue;
        const std::string location = location_of(source.uri, source.access);
        if (names_bucket(location))
            return impl_->store_at(source.uri, source.access)->presign_get(info.key, options);
    }
    throw Error(ErrorCode::unsupported, "the original does not lie in a bucket: it has no link");
}

void Engine::require_original(PhotoId photo) const {
    const PhotoInfo info = impl_->catalog.photo(photo);
    const auto source = impl_->source_of(info.event, info.source, info.key);
    if (!names_bucket(source->uri())) (void)source->open(info.key);
}

void Engine::set_renditions(EventId event, RenditionSettings settings, const std::string& location) {
    for (const auto* artwork : {&settings.artwork, &settings.artwork_portrait}) {
        if (!artwork->empty()) (void)Watermark::open(*artwork, settings.layout);
    }
    settings.store_uri.clear();
    settings.store_access.clear();
    if (!location.empty()) {
        const auto store = open_store(location, impl_->options.storage);
        settings.store_uri = store->uri();
        settings.store_access = store->access();
    }
    impl_->catalog.set_renditions(event, settings);
}

std::vector<IndexFailure> Engine::remove_renditions(EventId event) {
    impl_->catalog.remove_renditions(event);
    return remove_unwanted_files(impl_->catalog, impl_->store_opener());
}

RenditionReport Engine::make_renditions(EventId event, const RenditionOptions& options) {
    const auto settings = impl_->catalog.renditions(event);
    if (!settings)
        throw Error(ErrorCode::bad_input, "the event is to have no renditions: see set_renditions()");
    RenditionMaker maker(event, *settings, impl_->store_opener());
    const OriginalOpener open_original = [&](const PhotoInfo& photo) {
        return impl_->source_of(photo.event, photo.source, photo.key);
    };
    RenditionReport report = eventlens::make_renditions(impl_->catalog, event, maker, open_original,
                                                        impl_->workers(options.workers), options);
    report.files_left = remove_unwanted_files(impl_->catalog, impl_->store_opener());
    return report;
}

std::vector<std::byte> Engine::rendition_bytes(PhotoId photo, RenditionKind kind) const {
    constexpr std::int64_t largest = 256LL << 20;
    const StoredFile file = impl_->rendition_file(photo, kind);
    return impl_->store_at(file.store_uri, file.store_access)->read(file.key, largest);
}

std::vector<std::byte> Engine::rendition_or_new(PhotoId photo, RenditionKind kind) const {
    if (impl_->catalog.rendition(photo, kind)) {
        try {
            return rendition_bytes(photo, kind);
        } catch (const Error& error) {
            if (error.code() != ErrorCode::not_found) throw;  // else somebody removed the file
        }
    }
    const EventId event = impl_->catalog.photo(photo).event;
    const RenditionMaker maker(event, impl_->catalog.renditions(event).value_or(RenditionSettings{}),
                               impl_->store_opener());
    const std::array kinds{kind};
    DecodeOptions options;
    options.enough_long_side = maker.enough_long_side(kinds);
    const DecodedPhoto decoded = decode_photo(photo_bytes(photo), options);
    std::vector<MadeRendition> made = maker.make(maker.picture_of(decoded, kinds), decoded, kinds);
    return std::move(made.front().jpeg);
}

StoredFile Engine::rendition_file(PhotoId photo, RenditionKind kind) const {
    return impl_->rendition_file(photo, kind);
}

std::string Engine::rendition_link(PhotoId photo, RenditionKind kind, const LinkOptions& options) const {
    const StoredFile file = impl_->rendition_file(photo, kind);
    return impl_->link_to(file, options);
}

GalleryStats Engine::gallery_stats(EventId event) {
    return impl_->gallery(event)->use([](const EventGallery& gallery) { return gallery.photos().stats(); });
}

const FaceFinder& Engine::face_finder() const {
    return impl_->faces();
}
const BibReader& Engine::bib_reader() const {
    return impl_->bibs();
}

}  // namespace eventlens
