#include <array>
#include <map>
#include <span>

#include "base/uuid.h"
#include "catalog/appearances.h"
#include "catalog/catalog_impl.h"
#include "catalog/renditions.h"
#include "catalog/rows.h"

// Removing an event as a whole, and seeing to it that the files hold nothing of it any more.
namespace eventlens {

namespace {

// What goes with something: its name in a receipt, and how many of it belong to an id.
struct Kind {
    std::string_view name;
    std::string_view count;
};

constexpr std::array kinds_of_photo{
    Kind{"photos", "SELECT count(*) FROM photos WHERE id = ?"},
    Kind{"faces", "SELECT count(*) FROM faces WHERE photo = ?"},
    Kind{"embeddings", "SELECT count(*) FROM embeddings WHERE photo = ?"},
    Kind{"bib_reads", "SELECT count(*) FROM bib_reads WHERE photo = ?"},
    Kind{"renditions", "SELECT count(*) FROM renditions WHERE photo = ?"},
};
constexpr std::array kinds_of_video{
    Kind{"videos", "SELECT count(*) FROM videos WHERE id = ?"},
    Kind{"appearances", "SELECT count(*) FROM appearances WHERE video = ?"},
    Kind{"faces",
         "SELECT count(*) FROM appearances a JOIN appearance_faces f ON f.appearance = a.id WHERE a.video = "
         "?"},
    Kind{"embeddings",
         "SELECT count(*) FROM appearances a JOIN appearance_embeddings e ON e.appearance = a.id"
         " WHERE a.video = ?"},
    Kind{"bib_reads",
         "SELECT count(*) FROM appearances a JOIN appearance_reads r ON r.appearance = a.id WHERE a.video = "
         "?"},
    Kind{"clips", "SELECT count(bytes) FROM clips WHERE video = ?"},
};
constexpr std::array kinds_of_search{
    Kind{"clips", "SELECT count(c.bytes) FROM clip_jobs j JOIN clips c ON c.job = j.id WHERE j.search = ?"},
    Kind{"searches", "SELECT count(*) FROM searches WHERE id = ?"},
    Kind{"selfies", "SELECT count(*) FROM search_selfies WHERE search = ?"},
    Kind{"embeddings", "SELECT count(*) FROM search_selfies WHERE search = ?"},
};
constexpr std::array kinds_of_event{
    Kind{"roster_entries", "SELECT count(*) FROM roster WHERE event = ?"},
};

using Tally = std::map<std::string, std::int64_t>;

Tally tally_of_nothing() {
    Tally tally;
    for (const auto kinds : {std::span<const Kind>(kinds_of_photo), std::span<const Kind>(kinds_of_video),
                             std::span<const Kind>(kinds_of_search), std::span<const Kind>(kinds_of_event)}) {
        for (const Kind& kind : kinds) tally.emplace(kind.name, 0);
    }
    return tally;
}

void count(sqlite::Database& database, std::span<const Kind> kinds, std::int64_t id, Tally& tally) {
    for (const Kind& kind : kinds) {
        auto row = database.query(kind.count, id);
        row.step();
        tally[std::string(kind.name)] += row.integer(0);
    }
}

// False: it was begun before. Throws Error(not_found) where there is neither event nor purge.
bool begin_purge(sqlite::Database& database, EventId event, std::int64_t bytes) {
    if (database.query("SELECT 1 FROM purges WHERE event = ?", event).step()) return false;
    const Uuid uuid = make_uuid();
    database.run(
        "INSERT INTO purges(event, uuid, name, begun, bytes) SELECT id, ?, name, ?, ? FROM events WHERE id = "
        "?",
        std::as_bytes(std::span(uuid)), now_milliseconds(), bytes, event);
    if (database.changes() == 0) throw_not_found("event", event);
    return true;
}

}  // namespace

bool Catalog::Impl::remove_part(EventId event, bool counted) {
    auto transaction = write();
    sqlite::Database& database = transaction.database();
    if (!database.query("SELECT 1 FROM events WHERE id = ?", event).step()) return false;
    const auto change = next_change(database, event);
    const auto some = [&](std::string_view ids_of_event) {
        std::vector<std::int64_t> ids;
        auto row = database.query(ids_of_event, event);
        while (row.step()) ids.push_back(row.integer(0));
        return ids;
    };
    // What is left is removed at once as soon as it is little, so that somebody who goes on adding to the
    // event cannot keep it from going.
    Tally tally;
    const auto photos = some("SELECT id FROM photos WHERE event = ? LIMIT 1000");
    for (const PhotoId photo : photos) {
        if (counted) count(database, kinds_of_photo, photo, tally);
        forget_photo(database, event, photo, change);
    }
    bool all = photos.size() < 1000;
    if (all) {
        const auto videos = some("SELECT id FROM videos WHERE event = ? LIMIT 2");
        if (!videos.empty()) {  // one, as it may have thousands of appearances
            if (counted) count(database, kinds_of_video, videos.front(), tally);
            forget_video(database, event, videos.front(), change);
        }
        all = videos.size() < 2;
    }
    if (all) {
        const auto searches = some("SELECT id FROM searches WHERE event = ? LIMIT 100");
        for (const std::int64_t search : searches) {
            if (counted) count(database, kinds_of_search, search, tally);
            database.run("DELETE FROM searches WHERE id = ?", search);
        }
        all = searches.size() < 100;
    }
    if (all) {
        if (counted) count(database, kinds_of_event, event, tally);
        end_renditions_of_event(database, event);
        database.run("DELETE FROM events WHERE id = ?", event);
    }
    for (const auto& [kind, removed] : tally) {
        database.run(
            "INSERT INTO purge_counts(event, kind, removed) VALUES (?, ?, ?)"
            " ON CONFLICT(event, kind) DO UPDATE SET removed = removed + excluded.removed",
            event, kind, removed);
    }
    transaction.commit();
    return true;
}

void Catalog::delete_event(EventId event) {
    require_event(impl_->read().database(), event);
    while (impl_->remove_part(event, false)) {
    }
    impl_->empty_log();
}

Purge Catalog::purge(EventId event) {
    bool resumed = false;
    {
        auto write = impl_->write();
        resumed = !begin_purge(write.database(), event, bytes());
        write.commit();
    }
    while (impl_->remove_part(event, true)) {
    }
    for (Purge& purge : unfinished_purges()) {
        if (purge.event != event) continue;
        purge.resumed = resumed;
        return std::move(purge);
    }
    throw Error(ErrorCode::not_found, "another process has just finished the purge of this event");
}

void Catalog::end_purge(EventId event) {
    {
        auto write = impl_->write();
        write->run("DELETE FROM purges WHERE event = ?", event);
        write.commit();
    }
    impl_->empty_log();
}

std::vector<Purge> Catalog::unfinished_purges() const {
    const auto read = impl_->read();
    std::vector<Purge> purges;
    auto row = read->query("SELECT event, uuid, name, begun, bytes FROM purges ORDER BY event");
    while (row.step()) {
        Purge& purge = purges.emplace_back();
        purge.event = row.integer(0);
        purge.uuid = uuid_at(row, 1);
        purge.event_name = row.text(2);
        purge.begun = row.integer(3);
        purge.resumed = true;
        purge.bytes = row.integer(4);
        purge.removed = tally_of_nothing();
        auto counts = read->query("SELECT kind, removed FROM purge_counts WHERE event = ?", purge.event);
        while (counts.step()) purge.removed[counts.text(0)] = counts.integer(1);
    }
    return purges;
}

void Catalog::compact() {
    const std::lock_guard lock(impl_->writing);
    // A connection of its own, as where it puts things aside is a setting of a connection. The temporary file
    // loses its name as soon as it is open: it goes with the process, however that ends.
    sqlite::Database database(impl_->file, impl_->options.patience);
    const auto size = database.integer("PRAGMA page_count") * database.integer("PRAGMA page_size");
    database.execute(size <= impl_->options.compact_in_memory ? "PRAGMA temp_store = MEMORY"
                                                              : "PRAGMA temp_store = FILE");
    database.execute("VACUUM");
    if (database.integer("PRAGMA wal_checkpoint(TRUNCATE)") != 0) {
        throw Error(ErrorCode::overloaded, "catalog " + impl_->file.string() +
                                               ": another process keeps reading what was removed; try again");
    }
}

std::int64_t Catalog::bytes() const {
    std::int64_t bytes = 0;
    for (const char* suffix : {"", "-wal", "-shm"}) {
        std::error_code missing;  // the log comes and goes
        const auto size = std::filesystem::file_size(impl_->file.string() + suffix, missing);
        if (!missing) bytes += static_cast<std::int64_t>(size);
    }
    return bytes;
}

}  // namespace eventlens
