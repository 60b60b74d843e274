#include "eventlens/engine.h"

#include "python_types.h"

namespace eventlens::python {

namespace {

using ProgressFunction = std::function<void(const IndexProgress&)>;

// Index runs last; a Ctrl-C must reach them. Called with the GIL released.
ProgressFunction with_signals(const py::object& progress) {
    return [progress](const IndexProgress& state) {
        py::gil_scoped_acquire gil;
        if (PyErr_CheckSignals() != 0) throw py::error_already_set();
        if (!progress.is_none()) progress(state);
    };
}

IndexOptions index_options(int workers, bool retry_failed, bool dry_run, double fps,
                           double shortest_appearance, const py::object& progress) {
    IndexOptions options;
    options.footage = {fps, shortest_appearance};
    options.workers = workers;
    options.retry_failed = retry_failed;
    options.dry_run = dry_run;
    options.progress = with_signals(progress);
    options.while_waiting = [] {
        py::gil_scoped_acquire gil;
        if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    };
    return options;
}

// The progress function holds a Python object: it must die with the GIL held, so `options` outlives the
// release.
template <typename Source>
IndexReport index(Engine& engine, EventId event, const Source& source, int workers, bool retry_failed,
                  bool dry_run, double fps, double shortest_appearance, const py::object& progress) {
    const IndexOptions options =
        index_options(workers, retry_failed, dry_run, fps, shortest_appearance, progress);
    py::gil_scoped_release other_threads_may_run;
    return engine.index(event, source, options);
}

SelfieOptions selfie_options(const std::string& request_id, std::optional<double> min_probability, int limit,
                             bool query_expansion) {
    return {request_id, min_probability, limit, query_expansion};
}

ClipOptions clip_options(double min_probability, double min_segment, double max_gap, double padding_start,
                         double padding_end, double max_clip_duration) {
    return {min_probability, min_segment, max_gap, padding_start, padding_end, max_clip_duration};
}

void bind_video_values(py::module_& module) {
    py::class_<VideoProgress>(module, "VideoProgress", "How far an index run is with its videos.")
        .def_readonly("total", &VideoProgress::total, "Videos that need work.")
        .def_readonly("done", &VideoProgress::done, "Of those, read to the end, failures included.")
        .def_readonly("failed", &VideoProgress::failed)
        .def_readonly("part", &VideoProgress::part, "Of the work, 0 to 1.")
        .def_readonly("footage", &VideoProgress::footage, "Seconds of footage read in this run.")
        .def_readonly("seconds", &VideoProgress::seconds, "Since the first video was begun.")
        .def_readonly("appearances", &VideoProgress::appearances);

    py::class_<DamagedVideo>(module, "DamagedVideo", "A video with frames that could not be decoded.")
        .def_property_readonly("key", [](const DamagedVideo& video) { return text_of_key(video.key); })
        .def_readonly("frames", &DamagedVideo::frames);

    py::class_<VideoEntry>(module, "VideoEntry", "What is known of a video beside who is in it.")
        .def_readonly("id", &VideoEntry::id)
        .def_readonly("uuid", &VideoEntry::uuid)
        .def_readonly("source", &VideoEntry::source)
        .def_property_readonly("key", [](const VideoEntry& video) { return text_of_key(video.key); })
        .def_readonly("bytes", &VideoEntry::bytes)
        .def_readonly("info", &VideoEntry::info)
        .def_property_readonly("failure", [](const VideoEntry& video) { return text_of_key(video.failure); })
        .def_readonly("hidden", &VideoEntry::hidden)
        .def_readonly("indexed_until", &VideoEntry::indexed_until)
        .def_readonly("finished", &VideoEntry::finished)
        .def_readonly("damaged_frames", &VideoEntry::damaged_frames);

    py::class_<VideoCounts>(module, "VideoCounts", "The videos of an event, counted.")
        .def_readonly("total", &VideoCounts::total)
        .def_readonly("processed", &VideoCounts::processed)
        .def_readonly("failed", &VideoCounts::failed)
        .def_readonly("in_progress", &VideoCounts::in_progress)
        .def_readonly("hidden", &VideoCounts::hidden)
        .def_readonly("seconds", &VideoCounts::seconds, "Of footage, read so far.");

    py::class_<AppearanceMatch>(module, "AppearanceMatch", "Why an appearance is offered.")
        .def_readonly("appearance", &AppearanceMatch::appearance)
        .def_property_readonly("kind", [](const AppearanceMatch& match) { return name_of(match.kind); })
        .def_readonly("probability", &AppearanceMatch::probability)
        .def_readonly("similarity", &AppearanceMatch::similarity)
        .def_readonly("bib", &AppearanceMatch::bib);

    py::class_<FoundAppearance>(module, "FoundAppearance", "Somebody in view in a video.")
        .def_readonly("id", &FoundAppearance::id)
        .def_readonly("video", &FoundAppearance::video)
        .def_property_readonly("start", [](const FoundAppearance& found) { return found.span.start; })
        .def_property_readonly("end", [](const FoundAppearance& found) { return found.span.end; })
        .def_readonly("match", &FoundAppearance::match)
        .def_readonly("face_time", &FoundAppearance::face_time)
        .def_property_readonly("box", [](const FoundAppearance& found) { return tuple_of(found.box); });

    py::class_<ClipSpan>(module, "CoreClipSpan", "Seconds of a video in which a person is seen.")
        .def_readonly("video", &ClipSpan::video)
        .def_property_readonly("start", [](const ClipSpan& span) { return span.span.start; })
        .def_property_readonly("end", [](const ClipSpan& span) { return span.span.end; })
        .def_readonly("probability", &ClipSpan::probability)
        .def_readonly("appearances", &ClipSpan::appearances)
        .def_readonly("poster_time", &ClipSpan::poster_time);

    py::class_<AppearanceContent>(module, "AppearanceContent", "Somebody in view in a video, as stored.")
        .def_readonly("id", &AppearanceContent::appearance)
        .def_readonly("chain", &AppearanceContent::chain)
        .def_property_readonly("start", [](const AppearanceContent& a) { return a.seen.span.start; })
        .def_property_readonly("end", [](const AppearanceContent& a) { return a.seen.span.end; })
        .def_property_readonly("sightings", [](const AppearanceContent& a) { return a.seen.sightings; })
        .def_property_readonly("face", [](const AppearanceContent& a) { return a.seen.face; })
        .def_property_readonly("face_time", [](const AppearanceContent& a) { return a.seen.face_time; })
        .def_property_readonly("path",
                               [](const AppearanceContent& a) {
                                   std::vector<std::pair<double, Box>> path;
                                   path.reserve(a.seen.path.size());
                                   for (const Waypoint& waypoint : a.seen.path)
                                       path.emplace_back(waypoint.time, tuple_of(waypoint.box));
                                   return path;
                               })
        .def_property_readonly("bib_reads", [](const AppearanceContent& a) {
            std::vector<std::pair<double, BibRead>> reads;
            reads.reserve(a.seen.bib_reads.size());
            for (const TimedRead& timed : a.seen.bib_reads) reads.emplace_back(timed.time, timed.read);
            return reads;
        });
}

void bind_values(py::module_& module) {
    bind_video_values(module);
    py::class_<IndexProgress>(module, "IndexProgress", "How far an index run is; counts are of photos.")
        .def_readonly("listed", &IndexProgress::listed)
        .def_readonly("total", &IndexProgress::total,
                      "Photos that need work; -1 while the source is being listed.")
        .def_readonly("done", &IndexProgress::done, "Of those, committed, failures included.")
        .def_readonly("failed", &IndexProgress::failed)
        .def_readonly("unchanged", &IndexProgress::unchanged)
        .def_readonly("faces", &IndexProgress::faces)
        .def_readonly("bib_reads", &IndexProgress::bib_reads)
        .def_readonly("videos", &IndexProgress::videos);

    py::class_<IndexFailure>(module, "IndexFailure", "A key and why nothing came of it.")
        .def_property_readonly("key", [](const IndexFailure& failure) { return text_of_key(failure.key); })
        .def_property_readonly("reason",
                               [](const IndexFailure& failure) { return text_of_key(failure.reason); });

    py::class_<IndexReport>(module, "CoreIndexReport", "What an index run did.")
        .def_readonly("added", &IndexReport::added)
        .def_readonly("updated", &IndexReport::updated)
        .def_readonly("unchanged", &IndexReport::unchanged)
        .def_readonly("removed", &IndexReport::removed)
        .def_readonly("moved", &IndexReport::moved)
        .def_readonly("failed", &IndexReport::failed)
        .def_readonly("unlisted", &IndexReport::unlisted)
        .def_readonly("faces", &IndexReport::faces)
        .def_readonly("bib_reads", &IndexReport::bib_reads)
        .def_readonly("seconds", &IndexReport::seconds)
        .def_readonly("videos", &IndexReport::videos)
        .def_readonly("footage", &IndexReport::footage)
        .def_readonly("appearances", &IndexReport::appearances)
        .def_readonly("damaged", &IndexReport::damaged)
        .def_readonly("retries", &IndexReport::retries)
        .def_readonly("store_clock_offset", &IndexReport::store_clock_offset)
        .def_readonly("renditions", &IndexReport::renditions)
        .def_readonly("renditions_failed", &IndexReport::renditions_failed)
        .def_readonly("renditions_outdated", &IndexReport::renditions_outdated)
        .def_readonly("files_left", &IndexReport::files_left);

    py::class_<PhotoInfo>(module, "PhotoInfo", "What is known of a photo beside what it shows.")
        .def_readonly("id", &PhotoInfo::id)
        .def_readonly("uuid", &PhotoInfo::uuid)
        .def_readonly("source", &PhotoInfo::source)
        .def_property_readonly("key", [](const PhotoInfo& photo) { return text_of_key(photo.key); })
        .def_readonly("bytes", &PhotoInfo::bytes)
        .def_property_readonly("width", [](const PhotoInfo& photo) { return photo.size.width; })
        .def_property_readonly("height", [](const PhotoInfo& photo) { return photo.size.height; })
        .def_readonly("captured_utc", &PhotoInfo::captured_utc,
                      "Milliseconds since 1970-01-01T00:00:00Z, or None.")
        .def_property_readonly("camera", [](const PhotoInfo& photo) { return text_of_key(photo.camera); })
        .def_property_readonly("failure", [](const PhotoInfo& photo) { return text_of_key(photo.failure); })
        .def_readonly("hidden", &PhotoInfo::hidden);

    py::class_<FoundPhoto>(module, "FoundPhoto", "A photo and why it is offered.")
        .def_readonly("photo", &FoundPhoto::photo)
        .def_readonly("match", &FoundPhoto::match);

    py::class_<SelfieFace>(module, "SelfieFace", "What was made of one selfie.")
        .def_property_readonly("box", [](const SelfieFace& face) { return tuple_of(face.box); })
        .def_readonly("faces_seen", &SelfieFace::faces_seen)
        .def_readonly("quality", &SelfieFace::quality);

    py::class_<SearchResult>(module, "SearchResult", "A search and its frozen answer.")
        .def_readonly("request_id", &SearchResult::request_id)
        .def_readonly("repeated", &SearchResult::repeated)
        .def_readonly("selfies", &SearchResult::selfies)
        .def_readonly("matches", &SearchResult::matches)
        .def_readonly("appearances", &SearchResult::appearances);

    py::class_<Engine::PhotoDetails>(module, "PhotoDetails", "A photo and what was found in it.")
        .def_readonly("photo", &Engine::PhotoDetails::photo)
        .def_readonly("faces", &Engine::PhotoDetails::faces)
        .def_readonly("bibs", &Engine::PhotoDetails::bibs);

    py::class_<EventFeatures>(module, "EventFeatures", "What an event's clients may use.")
        .def_readwrite("enabled", &EventFeatures::enabled)
        .def_readwrite("bib_search", &EventFeatures::bib_search)
        .def_readwrite("selfie_search", &EventFeatures::selfie_search)
        .def_readwrite("name_search", &EventFeatures::name_search)
        .def_readwrite("video_search", &EventFeatures::video_search)
        .def_readwrite("video_selfie_search", &EventFeatures::video_selfie_search)
        .def_readwrite("timeline_search", &EventFeatures::timeline_search);

    py::class_<ClipOptions>(module, "ClipOptions", "Which seconds of a video to keep.")
        .def_readwrite("min_probability", &ClipOptions::min_probability)
        .def_readwrite("min_segment", &ClipOptions::min_segment)
        .def_readwrite("max_gap", &ClipOptions::max_gap)
        .def_readwrite("padding_start", &ClipOptions::padding_start)
        .def_readwrite("padding_end", &ClipOptions::padding_end)
        .def_readwrite("max_clip_duration", &ClipOptions::max_clip_duration);

    py::class_<EventSettings>(module, "EventSettings", "What an organiser decides of an event.")
        .def(py::init<>())
        .def_readwrite("name", &EventSettings::name)
        .def_readwrite("slug", &EventSettings::slug)
        .def_readwrite("cover_image", &EventSettings::cover_image)
        .def_readwrite("features", &EventSettings::features)
        .def_readwrite("clips", &EventSettings::clips)
        .def_readwrite("originals", &EventSettings::originals)
        .def_readwrite("date", &EventSettings::date)
        .def_readwrite("time_zone", &EventSettings::time_zone)
        .def_readwrite("bib_pattern", &EventSettings::bib_pattern)
        .def_readwrite("status", &EventSettings::status)
        .def_readwrite("confidence_percentage", &EventSettings::confidence_percentage)
        .def_readwrite("selfie_retention", &EventSettings::selfie_retention)
        .def_readwrite("search_lifetime_days", &EventSettings::search_lifetime_days);

    py::class_<EventInfo>(module, "EventInfo", "An event of a workspace.")
        .def_readonly("id", &EventInfo::id)
        .def_readonly("organisation", &EventInfo::organisation)
        .def_readonly("settings", &EventInfo::settings)
        .def_readonly("billable_searches", &EventInfo::billable_searches);

    py::class_<SourceInfo>(module, "SourceInfo", "A place that holds an event's photos and videos.")
        .def_readonly("id", &SourceInfo::id)
        .def_property_readonly("uri", [](const SourceInfo& source) { return text_of_key(source.uri); })
        .def_property_readonly("access", [](const SourceInfo& source) { return text_of_key(source.access); });

    py::class_<EventCounts>(module, "EventCounts", "The photos of an event, counted.")
        .def_readonly("total", &EventCounts::total)
        .def_readonly("processed", &EventCounts::processed)
        .def_readonly("failed", &EventCounts::failed)
        .def_readonly("hidden", &EventCounts::hidden)
        .def_readonly("videos", &EventCounts::videos);

    py::class_<CameraClock>(module, "CameraClock", "A camera, and the seconds to add to its clock.")
        .def_property_readonly("camera", [](const CameraClock& clock) { return text_of_key(clock.camera); })
        .def_readonly("seconds", &CameraClock::seconds)
        .def_readonly("photos", &CameraClock::photos);

    py::class_<StoredSelfie>(module, "CoreStoredSelfie", "A selfie that a search keeps.")
        .def_property_readonly("picture",
                               [](const StoredSelfie& selfie) {
                                   return py::bytes(reinterpret_cast<const char*>(selfie.picture.data()),
                                                    selfie.picture.size());
                               })
        .def_property_readonly("embedding",
                               [](const StoredSelfie& selfie) {
                                   return py::array_t<float>(
                                       static_cast<py::ssize_t>(selfie.embedding.size()),
                                       selfie.embedding.data());
                               })
        .def_readonly("embedder", &StoredSelfie::embedder);

    py::class_<Purge>(module, "Purge", "A purge that has begun.")
        .def_readonly("event", &Purge::event)
        .def_readonly("uuid", &Purge::uuid)
        .def_property_readonly("event_name", [](const Purge& purge) { return text_of_key(purge.event_name); })
        .def_readonly("begun", &Purge::begun, "Milliseconds since 1970-01-01T00:00:00Z.")
        .def_readonly("resumed", &Purge::resumed)
        .def_readonly("bytes", &Purge::bytes, "Of the catalog's files at the beginning.")
        .def_readonly("removed", &Purge::removed);

    py::class_<PurgeReport>(module, "CorePurgeReport", "What the purge of an event removed.")
        .def_readonly("purge", &PurgeReport::purge)
        .def_readonly("bytes_after", &PurgeReport::bytes_after)
        .def_readonly("finished", &PurgeReport::finished, "Milliseconds since 1970-01-01T00:00:00Z.")
        .def_readonly("receipt", &PurgeReport::receipt);
}

}  // namespace

void bind_engine(py::module_& module) {
    bind_values(module);
    using Release = py::call_guard<py::gil_scoped_release>;

    py::class_<Engine> engine(
        module, "Engine",
        "A workspace, its catalog and its models. The package's Workspace and Event are made of it. Thread "
        "safe; the GIL is released around all work.");
    engine
        .def(py::init([](const std::filesystem::path& workspace,
                         const std::vector<std::filesystem::path>& manifests, const std::string& precision,
                         int threads, const std::string& embedder, const std::string& reader,
                         const StorageOptions& storage) {
                 EngineOptions options;
                 options.manifests = manifests;
                 options.runtime.threads = threads;
                 options.runtime.precision = precision_of(precision);
                 options.faces.embedder = embedder;
                 options.bibs.reader = reader;
                 options.storage = storage;
                 py::gil_scoped_release opening_may_migrate;
                 return std::make_unique<Engine>(Engine::open(workspace, options));
             }),
             "workspace"_a, "manifests"_a, py::kw_only(), "precision"_a = "auto", "threads"_a = 0,
             "embedder"_a = "", "reader"_a = BibOptions{}.reader, "storage"_a = StorageOptions{})
        .def("create_event", &Engine::create_event, "settings"_a, "organisation"_a = default_organisation,
             Release())
        .def("update_event", &Engine::update_event, "event"_a, "settings"_a, Release())
        .def(
            "change_event",
            [](Engine& e, EventId event, const py::typing::Callable<void(EventSettings)>& change) {
                py::gil_scoped_release other_threads_may_run;
                e.change_event(event, [&](EventSettings& settings) {
                    py::gil_scoped_acquire gil;
                    const py::object changed = py::cast(settings);  // a copy: somebody may keep it
                    change(changed);
                    settings = changed.cast<EventSettings>();
                });
            },
            "event"_a, "change"_a,
            "Calls `change` with the settings as they are and stores what it made of them, in one "
            "transaction. It must not use the workspace.")
        .def("delete_event", &Engine::delete_event, "event"_a, Release())
        .def(
            "find_event",
            [](Engine& e, const std::string& name, OrganisationId organisation) {
                return e.catalog().find_event(name, organisation);
            },
            "name"_a, "organisation"_a = default_organisation, Release())
        .def(
            "event", [](Engine& e, EventId event) { return e.catalog().event(event); }, "event"_a, Release())
        .def(
            "events", [](Engine& e, OrganisationId organisation) { return e.catalog().events(organisation); },
            "organisation"_a = default_organisation, Release())
        .def("purge_event", &Engine::purge_event, "event"_a, Release())
        .def(
            "unfinished_purges", [](Engine& e) { return e.catalog().unfinished_purges(); }, Release())
        .def(
            "compact", [](Engine& e) { e.catalog().compact(); }, Release())
        .def(
            "apply_retention", [](Engine& e, EventId event) { return e.catalog().apply_retention(event); },
            "event"_a, Release())
        .def("index_source", &index<std::string>, "event"_a, "source"_a, "workers"_a, "retry_failed"_a,
             "dry_run"_a, "fps"_a, "shortest_appearance"_a, "progress"_a)
        .def("index_paths", &index<std::vector<std::string>>, "event"_a, "paths"_a, "workers"_a,
             "retry_failed"_a, "dry_run"_a, "fps"_a, "shortest_appearance"_a, "progress"_a)
        .def(
            "find_selfie_encoded",
            [](Engine& e, EventId event, const std::vector<py::bytes>& selfies, const std::string& request_id,
               std::optional<double> min_probability, int limit, bool query_expansion) {
                std::vector<std::span<const std::byte>> bytes;
                for (const py::bytes& selfie : selfies) bytes.push_back(bytes_of(selfie));
                const SelfieOptions options =
                    selfie_options(request_id, min_probability, limit, query_expansion);
                py::gil_scoped_release other_threads_may_run;
                return e.find_selfie(event, bytes, options);
            },
            "event"_a, "selfies"_a, "request_id"_a, "min_probability"_a, "limit"_a, "query_expansion"_a)
        .def(
            "find_selfie_pixels",
            [](Engine& e, EventId event, const std::vector<PixelArray>& selfies,
               const std::string& request_id, std::optional<double> min_probability, int limit,
               bool query_expansion) {
                std::vector<ImageView> views;
                for (const PixelArray& selfie : selfies) views.push_back(view_of(selfie));
                const SelfieOptions options =
                    selfie_options(request_id, min_probability, limit, query_expansion);
                py::gil_scoped_release other_threads_may_run;
                return e.find_selfie(event, views, options);
            },
            "event"_a, "selfies"_a, "request_id"_a, "min_probability"_a, "limit"_a, "query_expansion"_a)
        .def("search", &Engine::search, "event"_a, "request_id"_a, Release())
        .def(
            "stored_selfies",
            [](Engine& e, EventId event, const std::string& request_id) {
                return e.catalog().stored_selfies(event, request_id);
            },
            "event"_a, "request_id"_a, Release())
        .def(
            "remove_search",
            [](Engine& e, EventId event, const std::string& request_id) {
                e.catalog().remove_search(event, request_id);
            },
            "event"_a, "request_id"_a, Release())
        .def("find_bib", &Engine::find_bib, "event"_a, "text"_a, "min_probability"_a = 0.0, Release())
        .def(
            "find_clips",
            [](Engine& e, EventId event, const std::string& request_id, double min_probability,
               double min_segment, double max_gap, double padding_start, double padding_end,
               double max_clip_duration) {
                return e.find_clips(event, request_id,
                                    clip_options(min_probability, min_segment, max_gap, padding_start,
                                                 padding_end, max_clip_duration));
            },
            "event"_a, "request_id"_a, "min_probability"_a, "min_segment"_a, "max_gap"_a, "padding_start"_a,
            "padding_end"_a, "max_clip_duration"_a, Release())
        .def(
            "find_bib_clips",
            [](Engine& e, EventId event, const std::string& bib, double min_probability, double min_segment,
               double max_gap, double padding_start, double padding_end, double max_clip_duration) {
                return e.find_bib_clips(event, bib,
                                        clip_options(min_probability, min_segment, max_gap, padding_start,
                                                     padding_end, max_clip_duration));
            },
            "event"_a, "bib"_a, "min_probability"_a, "min_segment"_a, "max_gap"_a, "padding_start"_a,
            "padding_end"_a, "max_clip_duration"_a, Release())
        .def(
            "cut_clip",
            [](Engine& e, VideoId video, double start, double end, const std::filesystem::path& out,
               const std::string& mode, int quality, const py::object& progress) {
                const CutOptions options = cut_options(mode, quality, progress);
                py::gil_scoped_release other_threads_may_run;
                return e.cut_clip(video, {start, end}, out, options);
            },
            "video"_a, "start"_a, "end"_a, "out"_a, "mode"_a, "quality"_a, "progress"_a)
        .def(
            "video_frame",
            [](Engine& e, VideoId video, double time, int long_side) {
                VideoFrame frame;
                {
                    py::gil_scoped_release other_threads_may_run;
                    frame = e.video_frame(video, time, long_side);
                }
                return array_of(std::move(frame.image));
            },
            "video"_a, "time"_a, "long_side"_a = 0)
        .def(
            "videos", [](Engine& e, EventId event) { return e.catalog().videos(event); }, "event"_a,
            Release())
        .def(
            "appearances", [](Engine& e, VideoId video) { return e.catalog().appearances(video); }, "video"_a,
            Release())
        .def(
            "set_videos_hidden",
            [](Engine& e, EventId event, const std::vector<VideoId>& videos, bool hidden) {
                return e.catalog().set_videos_hidden(event, videos, hidden);
            },
            "event"_a, "videos"_a, "hidden"_a, Release())
        .def("details", &Engine::details, "photo"_a, Release())
        .def(
            "visit_photos",
            [](Engine& e, EventId event, const std::function<void(Engine::PhotoDetails)>& visit) {
                py::gil_scoped_release other_threads_may_run;
                e.visit_photos(event, [&](Engine::PhotoDetails&& details) { visit(std::move(details)); });
            },
            "event"_a, "visit"_a)
        .def(
            "photo_image",
            [](Engine& e, PhotoId photo, int long_side) {
                Image image;
                {
                    py::gil_scoped_release other_threads_may_run;
                    image = e.photo_image(photo, long_side);
                }
                return array_of(std::move(image));
            },
            "photo"_a, "long_side"_a = 0)
        .def(
            "photo_bytes",
            [](Engine& e, PhotoId photo) {
                std::vector<std::byte> bytes;
                {
                    py::gil_scoped_release other_threads_may_run;
                    bytes = e.photo_bytes(photo);
                }
                return py::bytes(reinterpret_cast<const char*>(bytes.data()), bytes.size());
            },
            "photo"_a)
        .def("gallery_stats", &Engine::gallery_stats, "event"_a, Release())
        .def(
            "counts", [](Engine& e, EventId event) { return e.catalog().counts(event); }, "event"_a,
            Release())
        .def(
            "failures",
            [](Engine& e, EventId event, std::size_t limit) {
                std::vector<IndexFailure> failures;
                for (MediaFailure& f : e.catalog().failures(event, limit)) {
                    failures.push_back({std::move(f.key), std::move(f.reason)});
                }
                return failures;
            },
            "event"_a, "limit"_a = 10'000, Release())
        .def(
            "set_hidden",
            [](Engine& e, EventId event, const std::vector<PhotoId>& photos, bool hidden) {
                return e.catalog().set_hidden(event, photos, hidden);
            },
            "event"_a, "photos"_a, "hidden"_a, Release())
        .def(
            "remove_photos",
            [](Engine& e, EventId event, const std::vector<PhotoId>& photos) {
                return e.catalog().remove_photos(event, photos);
            },
            "event"_a, "photos"_a, Release())
        .def(
            "set_roster",
            [](Engine& e, EventId event, const py::bytes& csv) {
                const auto bytes = bytes_of(csv);
                py::gil_scoped_release other_threads_may_run;
                const std::vector<RosterEntry> roster = parse_roster_csv(bytes);
                e.catalog().set_roster(event, roster);
                return roster.size();
            },
            "event"_a, "csv"_a)
        .def(
            "roster",
            [](Engine& e, EventId event) {
                std::vector<std::pair<std::string, std::string>> rows;
                for (RosterEntry& entry : e.catalog().roster(event)) {
                    rows.emplace_back(std::move(entry.bib), std::move(entry.name));
                }
                return rows;
            },
            "event"_a, Release())
        .def(
            "set_clock_offset",
            [](Engine& e, EventId event, const py::str& camera, std::int64_t seconds) {
                const std::string name = key_of_text(camera);
                py::gil_scoped_release other_threads_may_run;
                e.catalog().set_clock_offset(event, name, seconds);
            },
            "event"_a, "camera"_a, "seconds"_a)
        .def(
            "camera_clocks", [](Engine& e, EventId event) { return e.catalog().camera_clocks(event); },
            "event"_a, Release())
        .def(
            "sources", [](Engine& e, EventId event) { return e.catalog().sources(event); }, "event"_a,
            Release());
    bind_renditions(module, engine);
    bind_access(module, engine);
    bind_work(module, engine);
}

}  // namespace eventlens::python
