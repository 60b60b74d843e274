#include "engine/index_run.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <exception>
#include <new>
#include <thread>
#include <unordered_map>

#include "base/bounded_queue.h"
#include "engine/recognise.h"
#include "eventlens/error.h"

namespace eventlens {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t photos_in_a_batch = 32;
constexpr std::chrono::seconds oldest_uncommitted{1};
constexpr std::chrono::milliseconds between_progress{100};

bool is_photo(std::string_view key) {
    const std::size_t dot = key.rfind('.');
    if (dot == std::string_view::npos || key.size() - dot > 6) return false;
    std::string extension(key.substr(dot + 1));
    for (char& c : extension) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    constexpr std::array photos{"jpg", "jpeg", "jpe", "png", "webp", "tif", "tiff", "heic", "heif"};
    return std::find(photos.begin(), photos.end(), extension) != photos.end();
}

struct Fetched {
    StoredObject object;
    std::vector<std::byte> bytes;
    std::string failure;
};

// A photo that was worked on. One that vanished meanwhile is reported, not remembered.
struct Worked {
    PhotoRecord record;
    bool vanished = false;
};

// Threads that end with the scope: the queues are closed first, so nobody waits for anybody.
class Crew {
  public:
    explicit Crew(std::function<void()> close_queues) : close_queues_(std::move(close_queues)) {}
    ~Crew() {
        close_queues_();
        for (std::thread& thread : threads_) thread.join();
    }
    Crew(const Crew&) = delete;
    Crew& operator=(const Crew&) = delete;

    template <typename Work>
    void add(Work work) {
        threads_.emplace_back(std::move(work));
    }

  private:
    std::function<void()> close_queues_;
    std::vector<std::thread> threads_;
};

Worked work_on(const Fetched& fetched, const IndexRun& run) {
    Worked worked;
    PhotoRecord& record = worked.record;
    try {
        if (fetched.failure.empty()) {
            record = recognise_photo(fetched.bytes, *run.faces, *run.bibs);
        } else {
            record.failure = fetched.failure;
        }
    } catch (const std::bad_alloc&) {
        record.failure = "not enough memory for this photo";
    } catch (const std::exception& error) {
        record.failure = error.what();
    }
    record.key = fetched.object.key;
    record.fingerprint = fetched.object.fingerprint();
    record.bytes = fetched.object.size;
    return worked;
}

// The run, in the order it happens.
class Indexer {
  public:
    explicit Indexer(const IndexRun& run) : run_(run) {}

    IndexReport index() {
        const Clock::time_point start = Clock::now();
        remember_known();
        list();
        progress_.total = static_cast<std::int64_t>(todo_.size());
        progress_.unchanged = report_.unchanged;
        tell(true);
        if (!run_.options.dry_run) {
            recognise();
            forget_removed();
        }
        report_.faces = progress_.faces;
        report_.bib_reads = progress_.bib_reads;
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
                if (source.uri == run_.source_uri) source_ = source.id;
            }
            if (source_ == 0) return;
        } else {
            source_ = run_.catalog.add_source(run_.event, run_.source_uri);
        }
        run_.catalog.known_objects(source_, run_.recognition,
                                   [&](const KnownObject& known) { known_.emplace(known.key, known); });
    }

    void list() {
        ListOptions options;
        options.wanted = is_photo;
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
            return;
        }
        std::erase_if(known_, [&](const auto& item) {
            return std::any_of(
                report_.unlisted.begin(), report_.unlisted.end(),
                [&](const IndexFailure& folder) { return item.first.starts_with(folder.key); });
        });
        report_.removed = static_cast<std::int64_t>(known_.size());
    }

    void decide(const StoredObject& object) {
        const auto found = known_.find(object.key);
        if (found == known_.end()) {
            ++report_.added;
            todo_.push_back(object);
            return;
        }
        const KnownObject known = std::move(found->second);
        known_.erase(found);
        const bool same = known.fingerprint == object.fingerprint();
        if (same && (known.failed ? !run_.options.retry_failed : known.current)) {
            ++report_.unchanged;
            return;
        }
        ++report_.updated;
        todo_.push_back(object);
    }

    // Fetching, decoding with recognising, and committing overlap; the queues between them are short, so
    // memory is flat.
    void recognise() {
        BoundedQueue<Fetched> fetched(static_cast<std::size_t>(run_.workers) + 2);
        BoundedQueue<Worked> worked(photos_in_a_batch);
        std::size_t received = 0;
        try {
            Crew crew([&] {
                fetched.close();
                worked.close();
            });
            crew.add([&] { fetch_all(fetched, worked); });
            for (int i = 0; i < run_.workers; ++i) {
                crew.add([&] {
                    while (const auto item = fetched.pop()) {
                        if (!worked.push(work_on(*item, run_))) return;
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
            std::rethrow_exception(reason);
        }
        commit();
    }

    void fetch_all(BoundedQueue<Fetched>& fetched, BoundedQueue<Worked>& worked) const {
        for (const StoredObject& object : todo_) {
            Fetched item{object, {}, {}};
            try {
                item.bytes = run_.source.read(object.key, largest_photo_file);
            } catch (const Error& error) {
                if (error.code() == ErrorCode::not_found) {
                    Worked gone;
                    gone.record.key = object.key;
                    gone.record.failure = error.what();
                    gone.vanished = true;
                    if (!worked.push(std::move(gone))) return;
                    continue;
                }
                item.failure = error.what();
            } catch (const std::exception& error) {
                item.failure = error.what();
            }
            if (!fetched.push(std::move(item))) return;
        }
        fetched.close();
    }

    void take(Worked worked) {
        if (batch_.empty()) committed_ = Clock::now();
        if (worked.vanished) {
            report_.failed.push_back({worked.record.key, worked.record.failure});
            ++progress_.done;
            ++progress_.failed;
            return;
        }
        batch_.push_back(std::move(worked.record));
    }

    void commit() {
        committed_ = Clock::now();
        if (batch_.empty()) return;
        const std::vector<PhotoRecord> batch = std::exchange(batch_, {});
        run_.catalog.put_batch(source_, run_.recognition, batch);
        for (const PhotoRecord& record : batch) {
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

    void forget_removed() {
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
    std::vector<StoredObject> todo_;
    std::vector<PhotoRecord> batch_;
    Clock::time_point committed_ = Clock::now();
    Clock::time_point told_{};
};

}  // namespace

IndexReport run_index(const IndexRun& run) {
    return Indexer(run).index();
}

}  // namespace eventlens
