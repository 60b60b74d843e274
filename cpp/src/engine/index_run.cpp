#include "engine/index_run.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <exception>
#include <new>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "base/bounded_queue.h"
#include "engine/crew.h"
#include "engine/recognise.h"
#include "engine/renditions.h"
#include "engine/video_run.h"
#include "eventlens/error.h"

namespace eventlens {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t photos_in_a_batch = 32;
constexpr std::chrono::seconds oldest_uncommitted{1};
constexpr std::chrono::milliseconds between_progress{100};

// Photos or videos one after another that the source did not give, though it listed them: it gives nothing.
constexpr int most_unread_at_a_stretch = 16;

// So many others are asked for before a source that refuses is given up.
constexpr std::size_t asked_for_elsewhere = 16;

enum class Media { none, photo, video };

// By the end of its name; what is inside is told by the bytes, later.
Media media_of(std::string_view key) {
    const std::size_t dot = key.rfind('.');
    if (dot == std::string_view::npos || key.size() - dot > 6) return Media::none;
    std::string extension(key.substr(dot + 1));
    for (char& c : extension) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    constexpr std::array photos{"jpg", "jpeg", "jpe", "png", "webp", "tif", "tiff", "heic", "heif"};
    constexpr std::array videos{"mp4", "m4v",  "mov", "qt",  "mkv",  "webm", "avi",
                                "ts",  "m2ts", "mts", "mpg", "mpeg", "3gp"};
    if (std::ranges::find(photos, extension) != photos.end()) return Media::photo;
    return std::ranges::find(videos, extension) != videos.end() ? Media::video : Media::none;
}

bool is_media(std::string_view key) {
    return media_of(key) != Media::none;
}

struct Fetched {
    std::size_t place = 0;  // among those to do
    StoredObject object;
    std::vector<std::byte> bytes;
};

struct Worked {
    PhotoRecord record;
    std::optional<Error> unread{};  // why there were no bytes to work on
    std::size_t place = 0;
    std::vector<MadeRendition> renditions{};  // to be stored
    std::string rendition_failure{};          // it has none, for this reason
};

// What goes wrong with a photo's renditions is no failure of the photo.
template <typename Step>
void towards_renditions(Worked& worked, const Step& step) {
    try {
        step();
    } catch (const std::bad_alloc&) {
        worked.rendition_failure = "not enough memory for this photo";
    } catch (const std::exception& error) {
        worked.rendition_failure = error.what();
    }
}

// Both, so that the photo is decoded once. What had to be decoded larger for the preview's sake is recognised
// in the preview's size: 12 megapixels cost 60 ms more otherwise.
void recognise_and_render(const DecodedPhoto& photo, const IndexRun& run, Worked& worked) {
    const RenditionMaker& maker = *run.renditions;
    std::optional<Image> picture;
    towards_renditions(worked, [&] { picture = maker.picture_of(photo); });
    const ImageView seen = picture ? enough_to_recognise(photo.image, *picture) : photo.image.view();
    worked.record = recognise_photo(photo, seen, *run.faces, *run.bibs);
    if (picture)
        towards_renditions(worked, [&] { worked.renditions = maker.make(*std::move(picture), photo); });
}

void store_renditions(RenditionMaker& maker, BegunRenditions& begun, Worked& worked) {
    const std::vector<MadeRendition> renditions = std::exchange(worked.renditions, {});
    towards_renditions(worked, [&] {
        worked.record.uuid = begun.uuid_of(worked.place);
        maker.store(worked.record.uuid, renditions);
        for (const MadeRendition& made : renditions) worked.record.renditions.push_back(made.rendition);
    });
}

void name(Worked& worked, std::size_t place, const StoredObject& object) {
    worked.place = place;
    worked.record.key = object.key;
    worked.record.fingerprint = object.fingerprint();
    worked.record.bytes = object.size;
}

Worked unread(std::size_t place, const StoredObject& object, const Error& why) {
    Worked worked;
    worked.unread = why;
    worked.record.failure = why.what();
    name(worked, place, object);
    return worked;
}

Worked work_on(const Fetched& fetched, const IndexRun& run) {
    Worked worked;
    PhotoRecord& record = worked.record;
    try {
        const DecodedPhoto photo =
            decode_to_recognise(fetched.bytes, run.renditions ? run.renditions->enough_long_side() : 0);
        if (run.renditions) {
            recognise_and_render(photo, run, worked);
        } else {
            record = recognise_photo(photo, photo.image.view(), *run.faces, *run.bibs);
        }
    } catch (const std::bad_alloc&) {
        record.failure = "not enough memory for this photo";
    } catch (const std::exception& error) {
        record.failure = error.what();
    }
    name(worked, fetched.place, fetched.object);
    return worked;
}

// The run, in the order it happens.
class Indexer {
  public:
    explicit Indexer(const IndexRun& run) : run_(run) {}

    IndexReport index() {
        const Clock::time_point start = Clock::now();
        const std::int64_t retries_before = run_.source.retries();
        remember_known();
        list();
        find_moved();
        progress_.total = static_cast<std::int64_t>(todo_.size());
        progress_.videos.total = static_cast<std::int64_t>(videos_todo_.size());
        progress_.unchanged = report_.unchanged;
        tell(true);
        if (!run_.options.dry_run) {
            run_.catalog.move_objects(source_, moved_);
            abandon_renditions();
            recognise();
            read_videos();
            forget_removed();
        }
        report_.retries = run_.source.retries() - retries_before;
        report_.store_clock_offset = run_.source.clock_offset().count();
        report_.faces = progress_.faces;
        report_.bib_reads = progress_.bib_reads;
        report_.footage = progress_.videos.footage;
        report_.appearances = progress_.videos.appearances;
        report_.seconds = std::chrono::duration<double>(Clock::now() - start).count();
        tell(true);
        return std::move(report_);
    }

  private:
    // What was known before the listing began: a photo that another process adds later is not mistaken for a
    // removed one.
    void remember_known() {
        if (run_.options.dry_run) {
            for (const SourceInfo& source : run_.catalog.sources(run_.event)) {
                if (source.uri == run_.source.uri()) source_ = source.id;
            }
            if (source_ == 0) return;
        } else {
            source_ = run_.catalog.add_source(run_.event, run_.source.uri(), run_.source.access());
        }
        run_.catalog.known_objects(source_, run_.recognition,
                                   [&](const KnownObject& known) { known_.emplace(known.key, known); });
        run_.catalog.known_videos(source_, run_.recognition,
                                  [&](const KnownVideo& known) { known_videos_.emplace(known.key, known); });
        const std::vector<std::string> forbidden = run_.catalog.forbidden_keys(source_);
        forbidden_.insert(forbidden.begin(), forbidden.end());
        const std::vector<std::string> contents = run_.catalog.forbidden_contents(source_);
        forbidden_contents_.insert(contents.begin(), contents.end());
        const std::vector<std::string> begun = run_.catalog.begun_renditions(source_);
        begun_.insert(begun.begin(), begun.end());
    }

    void list() {
        ListOptions options;
        options.wanted = [&](std::string_view key) {
            return is_media(key) && !forbidden_.contains(std::string(key)) &&
                   !(run_.is_ours && run_.is_ours(key));
        };
        options.on_problem = [&](const std::string& key, const Error& error) {
            // A path that was named and is not there failed; a folder that cannot be read may hold anything.
            (run_.whole_source ? report_.unlisted : report_.failed).push_back({key, error.what()});
        };
        run_.source.list(options, [&](const StoredObject& object) {
            ++progress_.listed;
            decide(object);
            tell(false);
        });
        if (!run_.whole_source) {
            known_.clear();
            known_videos_.clear();
            return;
        }
        const auto may_still_be_there = [&](const auto& item) {
            return std::any_of(
                report_.unlisted.begin(), report_.unlisted.end(),
                [&](const IndexFailure& folder) { return item.first.starts_with(folder.key); });
        };
        std::erase_if(known_, may_still_be_there);
        std::erase_if(known_videos_, may_still_be_there);
        report_.removed = static_cast<std::int64_t>(known_.size() + known_videos_.size());
    }

    // What is gone under one key and new under another, with the content it had, was renamed. What is hidden
    // from the listing may be in its old place still, so nothing in a folder that could not be read moves. A
    // key that had other content has a place of its own already, which is brought up to date.
    void find_moved() {
        find_moved(known_, todo_, [](const KnownObject& known) { return known.current && !known.failed; });
        find_moved(known_videos_, videos_todo_,
                   [](const KnownVideo& known) { return known.current && known.finished && !known.failed; });
        report_.moved = static_cast<std::int64_t>(moved_.size());
        report_.added -= report_.moved;
        report_.removed -= report_.moved;
    }

    template <typename Known, typename IsDone>
    void find_moved(std::unordered_map<std::string, Known>& gone, std::vector<StoredObject>& todo,
                    IsDone&& is_done) {
        std::unordered_map<std::string_view, const Known*> by_content;
        for (const auto& [key, known] : gone) {
            if (is_done(known)) by_content.emplace(known.fingerprint, &known);
        }
        if (by_content.empty()) return;
        std::erase_if(todo, [&](const StoredObject& object) {
            if (!object.etag_is_content || changed_.contains(object.key)) return false;
            const auto same = by_content.find(object.fingerprint());
            if (same == by_content.end() || same->second->bytes != object.size) return false;
            const std::string from = same->second->key;
            by_content.erase(same);
            gone.erase(from);
            moved_.push_back({from, object.key});
            return true;
        });
    }

    // Files were written for photos that a killed run did not come to put, and that are gone by now.
    void abandon_renditions() {
        if (!run_.whole_source || !report_.unlisted.empty()) return;
        for (const StoredObject& object : todo_) begun_.erase(object.key);
        const std::vector<std::string> gone(begun_.begin(), begun_.end());
        if (!gone.empty()) run_.catalog.abandon_renditions(source_, gone);
    }

    void decide(const StoredObject& object) {
        if (media_of(object.key) == Media::video) {
            decide(object, known_videos_, videos_todo_,
                   [](const KnownVideo& known) { return known.current && known.finished; });
        } else {
            decide(object, known_, todo_, [](const KnownObject& known) { return known.current; });
        }
    }

    template <typename Known, typename IsDone>
    void decide(const StoredObject& object, std::unordered_map<std::string, Known>& all_known,
                std::vector<StoredObject>& todo, IsDone&& is_done) {
        const auto found = all_known.find(object.key);
        if (found == all_known.end()) {
            if (object.etag_is_content && forbidden_contents_.contains(object.fingerprint())) return;
            ++report_.added;
            todo.push_back(object);
            return;
        }
        const Known known = std::move(found->second);
        all_known.erase(found);
        const bool same = known.fingerprint == object.fingerprint() && known.bytes == object.size;
        if (same && (known.failed ? !run_.options.retry_failed : is_done(known))) {
            ++report_.unchanged;
            return;
        }
        ++report_.updated;
        changed_.insert(object.key);
        todo.push_back(object);
    }

    // Fetching, decoding with recognising, storing renditions, and committing overlap; the queues between
    // them are short, so memory is flat.
    void recognise() {
        BoundedQueue<Fetched> fetched(static_cast<std::size_t>(run_.workers) + 2);
        BoundedQueue<Worked> with_renditions(static_cast<std::size_t>(run_.workers));
        BoundedQueue<Worked> worked(photos_in_a_batch);
        BegunRenditions begun(run_.catalog, source_, run_.renditions ? run_.renditions->settings().store : 0,
                              todo_);
        begun_by_run_ = &begun;
        std::size_t received = 0;
        const int fetchers = std::clamp(static_cast<int>(todo_.size()), 1, run_.source.parallel_reads());
        std::atomic<int> still_fetching{fetchers};
        std::atomic<std::size_t> next{0};
        try {
            Crew crew([&] {
                run_.ending = std::uncaught_exceptions() > 0;  // else there is more to read
                next = todo_.size();
                fetched.close();
                with_renditions.close();
                worked.close();
            });
            for (int i = 0; i < fetchers; ++i) {
                crew.add([&] {
                    fetch_some(next, fetched, worked);
                    if (--still_fetching == 0) fetched.close();
                });
            }
            for (int i = 0; i < run_.workers; ++i) {
                crew.add([&] {
                    while (const auto item = fetched.pop()) {
                        Worked done = work_on(*item, run_);
                        auto& next_step = done.renditions.empty() ? worked : with_renditions;
                        if (!next_step.push(std::move(done))) return;
                    }
                });
            }
            const int storers =
                run_.renditions ? std::max(run_.workers, run_.renditions->parallel_writes()) : 0;
            for (int i = 0; i < storers; ++i) {
                crew.add([&] {
                    while (auto item = with_renditions.pop()) {
                        store_renditions(*run_.renditions, begun, *item);
                        if (!worked.push(std::move(*item))) return;
                    }
                });
            }
            while (received < todo_.size()) {
                if (auto item = worked.pop_for(between_progress)) {
                    ++received;
                    take(std::move(*item));
                }
                if (batch_.size() >= photos_in_a_batch || Clock::now() - committed_ > oldest_uncommitted)
                    commit();
                tell(false);
            }
        } catch (...) {
            const std::exception_ptr reason = std::current_exception();
            commit_what_is_done();
            discard_what_nobody_wants(begun);
            begun_by_run_ = nullptr;
            std::rethrow_exception(reason);
        }
        commit();
        begun_by_run_ = nullptr;
    }

    // Somebody may have removed the event or the source while the run was storing renditions of its photos.
    void discard_what_nobody_wants(const BegunRenditions& begun) noexcept {
        try {
            const std::vector<std::string> stored = begun.not_put();
            if (run_.renditions && !stored.empty())
                run_.catalog.discard_renditions_of_removed(run_.event, source_,
                                                           run_.renditions->settings().store, stored);
        } catch (const std::exception&) {
            return;  // the catalog is in trouble: the reason that ended the run says so
        }
    }

    // Several threads take turns where the source bears it: each waits for the network on its own.
    void fetch_some(std::atomic<std::size_t>& next, BoundedQueue<Fetched>& fetched,
                    BoundedQueue<Worked>& worked) const {
        for (std::size_t i = next++; i < todo_.size(); i = next++) {
            Fetched item{i, todo_[i], {}};
            std::optional<Error> trouble;
            try {
                item.bytes = run_.source.read(item.object.key, largest_photo_file);
            } catch (const Error& error) {
                trouble = error;
            } catch (const std::bad_alloc&) {
                trouble.emplace(ErrorCode::overloaded, "not enough memory for this photo");
            } catch (const std::exception& error) {
                trouble.emplace(ErrorCode::internal, error.what());
            }
            const bool taken =
                trouble ? worked.push(unread(i, item.object, *trouble)) : fetched.push(std::move(item));
            if (!taken) return;
        }
    }

    // Whether more is known of a photo, with the content that it has, than that it failed.
    bool is_processed(const PhotoRecord& photo) const {
        const std::optional<PhotoInfo> known = run_.catalog.find_photo_by_key(source_, photo.key);
        return known && known->failure.empty() && known->fingerprint == photo.fingerprint;
    }

    // Ends the run where the source gives nothing any more. `left`: what is still to be read.
    void count_unread(const std::optional<Error>& unread, std::span<const StoredObject> left) {
        const bool concerns_source = unread && not_given(*unread) && unread->code() != ErrorCode::not_found;
        unread_at_a_stretch_ = concerns_source ? unread_at_a_stretch_ + 1 : 0;
        if (unread_at_a_stretch_ <= most_unread_at_a_stretch) return;
        if (unread->code() != ErrorCode::denied || !gives_any(left))
            throw Error(unread->code(), std::string("the source gives nothing any more: ") + unread->what());
        unread_at_a_stretch_ = 0;
    }

    // Asks here and there: rights may be missing for one folder alone, and the others are to be read.
    bool gives_any(std::span<const StoredObject> left) const {
        const std::size_t step = left.size() / asked_for_elsewhere + 1;
        for (std::size_t i = 0; i < left.size(); i += step) {
            const std::optional<bool> given = gives(left[i]);
            if (!given) return false;
            if (*given) return true;
        }
        return false;
    }

    // Nothing: the source is in trouble.
    std::optional<bool> gives(const StoredObject& object) const {
        try {
            (void)run_.source.open(object.key);
            return true;
        } catch (const Error& error) {
            if (error.code() == ErrorCode::overloaded) return std::nullopt;
            return false;
        }
    }

    void take(Worked worked) {
        if (batch_.empty()) committed_ = Clock::now();
        count_unread(worked.unread, std::span(todo_).subspan(worked.place));
        if (worked.unread && (not_given(*worked.unread) || is_processed(worked.record))) {
            report_.failed.push_back({worked.record.key, worked.record.failure});
            ++progress_.done;
            ++progress_.failed;
            return;
        }
        if (!worked.record.renditions.empty()) ++report_.renditions;
        if (!worked.rendition_failure.empty())
            report_.renditions_failed.push_back({worked.record.key, std::move(worked.rendition_failure)});
        batch_.push_back(std::move(worked.record));
    }

    void commit() {
        committed_ = Clock::now();
        if (batch_.empty()) return;
        const std::vector<PhotoRecord> batch = std::exchange(batch_, {});
        run_.catalog.put_batch(source_, run_.recognition, batch);
        for (const PhotoRecord& record : batch) {
            if (begun_by_run_ && !record.uuid.empty()) begun_by_run_->put(record.uuid);
            ++progress_.done;
            progress_.faces += static_cast<std::int64_t>(record.faces.size());
            progress_.bib_reads += static_cast<std::int64_t>(record.bib_reads.size());
            if (record.failure.empty()) continue;
            ++progress_.failed;
            report_.failed.push_back({record.key, record.failure});
        }
    }

    // On the way out of a run that ends early. Should the catalog refuse here too, the reason that ended the
    // run is the one worth telling: the photos of this batch are done again by the next run.
    void commit_what_is_done() noexcept {
        try {
            commit();
        } catch (const std::exception&) {
            batch_.clear();
        }
    }

    // What a thread that reads videos has to tell.
    struct VideoNews {
        std::size_t video = 0;  // its place in videos_todo_
        VideoStep step;
        std::optional<VideoOutcome> outcome;  // it has ended
        std::exception_ptr trouble;           // the catalog's: the run ends
    };

    // Each video is read by two threads, one that decodes and one that recognises; with several pairs of
    // cores, several videos at once. This thread only tells progress and listens.
    void read_videos() {
        if (videos_todo_.empty()) return;
        const Clock::time_point start = Clock::now();
        BoundedQueue<VideoNews> news(64);
        std::atomic<std::size_t> next{0};
        std::vector<double> parts(videos_todo_.size());  // of each video, how much was read
        Crew crew([&] {
            run_.ending = std::uncaught_exceptions() > 0;  // else there is more to read
            next = videos_todo_.size();
            news.close();
        });
        const int readers =
            std::min<int>(std::max(1, run_.workers / 2), static_cast<int>(videos_todo_.size()));
        for (int i = 0; i < readers; ++i) crew.add([&] { read_some_videos(next, news); });
        while (progress_.videos.done < progress_.videos.total) {
            if (const auto item = news.pop_for(between_progress)) take(*item, parts);
            progress_.videos.seconds = std::chrono::duration<double>(Clock::now() - start).count();
            tell(false);
        }
    }

    void read_some_videos(std::atomic<std::size_t>& next, BoundedQueue<VideoNews>& news) const {
        for (std::size_t i = next++; i < videos_todo_.size(); i = next++) {
            VideoNews last{i, {}, std::nullopt, nullptr};
            try {
                last.outcome = index_video({.catalog = run_.catalog,
                                            .source = source_,
                                            .recognition = run_.recognition,
                                            .media = run_.source,
                                            .object = videos_todo_[i],
                                            .faces = *run_.faces,
                                            .bibs = *run_.bibs,
                                            .options = run_.options.footage,
                                            .decode_ahead = run_.workers > 1,
                                            .tell = [&](const VideoStep& step) {
                                                return news.push({i, step, std::nullopt, nullptr});
                                            }});
            } catch (...) {
                last.trouble = std::current_exception();
            }
            if (!news.push(std::move(last))) return;
        }
    }

    void take(const VideoNews& item, std::vector<double>& parts) {
        if (item.trouble) std::rethrow_exception(item.trouble);
        VideoProgress& videos = progress_.videos;
        double& part = parts[item.video];
        if (item.outcome) {
            ++videos.done;
            ++report_.videos;
            part = 1;
            videos.appearances += item.outcome->appearances;
            const std::string& key = videos_todo_[item.video].key;
            if (item.outcome->damaged_frames > 0)
                report_.damaged.push_back({key, item.outcome->damaged_frames});
            if (!item.outcome->failure.empty()) {
                ++videos.failed;
                report_.failed.push_back({key, item.outcome->failure});
            }
            count_unread(item.outcome->unread, std::span(videos_todo_).subspan(item.video));
        } else {
            videos.footage += item.step.seconds;
            if (item.step.duration > 0) part = std::min(1.0, item.step.position / item.step.duration);
        }
        double all = 0;
        double read = 0;
        for (std::size_t i = 0; i < videos_todo_.size(); ++i) {
            all += static_cast<double>(videos_todo_[i].size);
            read += static_cast<double>(videos_todo_[i].size) * parts[i];
        }
        videos.part = all > 0 ? read / all : 1;
    }

    void forget_removed() {
        std::vector<VideoId> gone_videos;
        gone_videos.reserve(known_videos_.size());
        for (const auto& [key, known] : known_videos_) gone_videos.push_back(known.video);
        if (!gone_videos.empty()) run_.catalog.remove_videos(run_.event, gone_videos);
        std::vector<PhotoId> gone;
        gone.reserve(known_.size());
        for (const auto& [key, known] : known_) gone.push_back(known.photo);
        if (!gone.empty()) run_.catalog.remove_photos(run_.event, gone);
    }

    void tell(bool at_once) {
        if (!run_.options.progress) return;
        const Clock::time_point now = Clock::now();
        if (!at_once && now - told_ < between_progress) return;
        told_ = now;
        run_.options.progress(progress_);
    }

    const IndexRun& run_;
    IndexReport report_;
    IndexProgress progress_;
    SourceId source_ = 0;
    std::unordered_map<std::string, KnownObject> known_;  // and not (yet) listed
    std::unordered_map<std::string, KnownVideo> known_videos_;
    std::vector<StoredObject> todo_;
    std::vector<StoredObject> videos_todo_;
    std::vector<MovedObject> moved_;
    std::unordered_set<std::string> changed_;             // keys that were known, with other content
    std::unordered_set<std::string> forbidden_;           // what was deleted for good
    std::unordered_set<std::string> forbidden_contents_;  // and what it had in it
    std::unordered_set<std::string> begun_;               // by a run that was killed, and not (yet) listed
    std::vector<PhotoRecord> batch_;
    BegunRenditions* begun_by_run_ = nullptr;  // while photos are recognised
    int unread_at_a_stretch_ = 0;
    Clock::time_point committed_ = Clock::now();
    Clock::time_point told_{};
};

}  // namespace

IndexReport run_index(const IndexRun& run) {
    return Indexer(run).index();
}

}  // namespace eventlens
