#pragma once

#include <chrono>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/time_zone.h"
#include "catalog/sqlite.h"
#include "eventlens/catalog.h"
#include "eventlens/error.h"

namespace eventlens {

// What is removed for good is forbidden too: indexing leaves it alone.
enum class Removal { forget, for_good };

// One connection that writes, guarded by a mutex, and a pool of others that read. All methods are thread
// safe.
struct Catalog::Impl {
    // A transaction on the writing connection, which nobody else has meanwhile.
    class Writing {
      public:
        explicit Writing(Impl& impl);
        sqlite::Database* operator->() const { return database_; }
        sqlite::Database& database() const { return *database_; }
        void commit() { transaction_.commit(); }

      private:
        std::lock_guard<std::mutex> guard_;
        sqlite::Database* database_;
        sqlite::Transaction transaction_;
    };

    // A consistent view of the file, on a connection of its own.
    class Reading {
      public:
        explicit Reading(const Impl& impl);
        ~Reading();
        Reading(const Reading&) = delete;
        Reading& operator=(const Reading&) = delete;
        sqlite::Database* operator->() const { return database_.get(); }
        sqlite::Database& database() const { return *database_; }

      private:
        const Impl& impl_;
        std::unique_ptr<sqlite::Database> database_;
        std::optional<sqlite::Transaction> view_;
    };

    Impl(std::filesystem::path catalog_file, const CatalogOptions& catalog_options);

    Writing write() { return Writing(*this); }
    Reading read() const { return Reading(*this); }

    std::size_t remove_photos(EventId event, std::span<const PhotoId> photos, Removal removal);
    std::size_t remove_videos(EventId event, std::span<const VideoId> videos, Removal removal);

    // The part of the catalog's own that is about videos; the log is not emptied.
    void remove_video_embeddings(EventId event, const std::string& embedder);

    // One transaction's part of an event: some of its photos, or a video, or some searches; in the end the
    // event itself. `counted`: for its purge. False when there is no such event any more.
    bool remove_part(EventId event, bool counted);

    // changes_since() for photos and appearances alike. `removed_since` is the query for the ids of what was
    // removed from an event after a change. `read_page` takes a database, the place in the order of change
    // behind which to read, which it moves on, and the change to stop at; it returns changes_at_once contents
    // or, at the end, fewer.
    template <typename Content, typename ReadPage>
    EventChanges tell_changes(EventId event, std::int64_t counter, std::string_view removed_since,
                              const ReadPage& read_page, const std::function<void(Content&&)>& put,
                              const std::function<void(std::int64_t)>& remove) const;

    // The photos or videos of a source, sorted by key: `sql` is given the source, the key behind which to
    // read, the wanted reader, the wanted embedder and how many rows to return; `known_of` makes a Known of a
    // row. No transaction is open while `visit` runs.
    template <typename Known, typename KnownOf>
    void visit_known(SourceId source, const std::function<void(const Known&)>& visit, std::string_view sql,
                     const KnownOf& known_of, const Recognition& wanted) const;

    // Makes what was deleted unreadable: secure_delete has overwritten it in the file's pages, but the log
    // may still hold their older contents.
    void empty_log();

    const std::filesystem::path file;
    const CatalogOptions options;
    std::mutex writing;
    sqlite::Database writer;
    mutable std::mutex pool;
    mutable std::vector<std::unique_ptr<sqlite::Database>> idle_readers;
};

[[noreturn]] inline void throw_not_found(const std::string& what, std::int64_t id) {
    throw Error(ErrorCode::not_found, "there is no " + what + " " + std::to_string(id));
}

// A place in the order of change of an event's photos or appearances.
struct ChangePlace {
    std::int64_t change = 0;
    std::int64_t id = 0;
};

constexpr std::size_t changes_at_once = 256;  // photos with some ten faces each: a few megabytes

template <typename Content, typename ReadPage>
EventChanges Catalog::Impl::tell_changes(EventId event, std::int64_t counter, std::string_view removed_since,
                                         const ReadPage& read_page, const std::function<void(Content&&)>& put,
                                         const std::function<void(std::int64_t)>& remove) const {
    EventChanges changes;
    std::vector<std::int64_t> removed;
    {
        const auto view = read();
        auto row = view->query("SELECT change_counter, settings_changed FROM events WHERE id = ?", event);
        if (!row.step()) throw_not_found("event", event);
        changes = {.counter = row.integer(0), .settings_changed = row.integer(1) > counter};
        if (counter > 0) {  // who starts knows of nothing that could be gone
            auto removal = view->query(removed_since, event, counter);
            while (removal.step()) removed.push_back(removal.integer(0));
        }
    }
    for (const std::int64_t id : removed) remove(id);

    // Pages in the order of change. What changes again meanwhile moves behind the end and waits for the next
    // call; as writers take turns, nothing can appear before it.
    ChangePlace last{.change = counter, .id = std::numeric_limits<std::int64_t>::max()};
    bool more = true;
    while (more) {
        std::vector<Content> page;
        {
            const auto view = read();
            page = read_page(view.database(), last, changes.counter);
        }
        more = page.size() == changes_at_once;
        for (Content& content : page) put(std::move(content));
    }
    return changes;
}

inline std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

// Bounds memory, and how long one transaction keeps others waiting.
constexpr std::size_t rows_at_once = 1000;

template <typename Known, typename KnownOf>
void Catalog::Impl::visit_known(SourceId source, const std::function<void(const Known&)>& visit,
                                std::string_view sql, const KnownOf& known_of,
                                const Recognition& wanted) const {
    std::vector<Known> page;
    std::string after;  // sorts before every key, as none is empty
    do {
        page.clear();
        {
            const auto view = read();
            if (!view->query("SELECT 1 FROM sources WHERE id = ?", source).step())
                throw_not_found("source", source);
            auto row = view->query(sql, source, bytes_of(after), wanted.reader, wanted.embedder,
                                   std::int64_t{rows_at_once});
            while (row.step()) page.push_back(known_of(row));
        }
        for (const Known& known : page) visit(known);
        if (!page.empty()) after = page.back().key;
    } while (page.size() == rows_at_once);
}

// Throws Error(bad_input) for one that is empty or longer than 1000 characters.
void require_name(const std::string& name, const char* of_what);

// Throws Error(not_found).
void require_organisation(sqlite::Database& database, OrganisationId organisation);

inline UtcMilliseconds now_milliseconds() {
    const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(since_1970).count();
}

// Moves the event's change counter on and returns it. Throws Error(not_found).
std::int64_t next_change(sqlite::Database& database, EventId event);

// What the keys of an event's clips begin with: "vids/3021/".
std::string clips_folder(EventId event);

// Throws Error(not_found).
void require_event(sqlite::Database& database, EventId event);

// Remove a photo or a video of the event for those who follow its changes too. False: it has none of this id.
bool forget_photo(sqlite::Database& database, EventId event, PhotoId photo, std::int64_t change);
bool forget_video(sqlite::Database& database, EventId event, VideoId video, std::int64_t change);

// Have indexing leave a photo or a video alone, if it is one of the event.
void forbid_photo(sqlite::Database& database, EventId event, PhotoId photo);
void forbid_video(sqlite::Database& database, EventId event, VideoId video);
bool is_forbidden(sqlite::Database& database, SourceId source, const std::string& key);

// UTC of the event's photos as its settings and clock offsets now say; `camera`: of this one's alone.
void derive_capture_times(sqlite::Database& database, EventId event,
                          const std::optional<std::string>& camera);

inline std::int64_t utc_of(const CaptureTime& captured, const TimeZone& zone, std::int64_t clock_seconds) {
    const auto utc = captured.utc_offset_minutes
                         ? captured.local_milliseconds - std::int64_t{*captured.utc_offset_minutes} * 60'000
                         : zone.to_utc_milliseconds(captured.local_milliseconds);
    return utc + clock_seconds * 1000;
}

}  // namespace eventlens
