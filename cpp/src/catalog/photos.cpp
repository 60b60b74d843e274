#include <algorithm>

#include "base/uuid.h"
#include "catalog/blobs.h"
#include "catalog/catalog_impl.h"
#include "catalog/renditions.h"
#include "catalog/rows.h"

// What indexing stores and removes.
namespace eventlens {

namespace {

// Intersection over union.
float overlap(const Rect& a, const Rect& b) {
    const float width = std::min(a.x + a.width, b.x + b.width) - std::max(a.x, b.x);
    const float height = std::min(a.y + a.height, b.y + b.height) - std::max(a.y, b.y);
    if (width <= 0 || height <= 0) return 0;
    const float both = width * height;
    return both / (a.width * a.height + b.width * b.height - both);
}

// Stores the photos of one batch, inside its transaction.
class BatchWriter {
  public:
    BatchWriter(sqlite::Database& database, SourceId source, const Recognition& made_by)
        : database_(database), source_(source), zone_(TimeZone::named("UTC")) {
        auto row = database_.query(
            "SELECT s.event, e.time_zone FROM sources s JOIN events e ON e.id = s.event WHERE s.id = ?",
            source);
        if (!row.step()) throw_not_found("source", source);
        event_ = row.integer(0);
        zone_ = TimeZone::named(row.text(1));
        change_ = next_change(database_, event_);
        embedder_ = find_or_add_model(database_, made_by.embedder);
        reader_ = find_or_add_model(database_, made_by.reader);
    }

    PhotoId put(const PhotoRecord& record) {
        if (record.key.empty()) throw Error(ErrorCode::bad_input, "a photo without a key");
        if (is_forbidden(database_, source_, record.key)) {  // since the run that puts it began
            abandon_renditions(database_, event_, source_, record.key);
            for (const Rendition& rendition : record.renditions)
                discard_renditions(database_, event_, rendition.store, record.uuid);
            return 0;
        }
        const bool processed = record.failure.empty();
        bool same_contents = false;
        const PhotoId photo = put_row(record, same_contents);
        if (processed && same_contents && has_faces(photo, record.faces)) {
            database_.run("DELETE FROM embeddings WHERE photo = ? AND model = ?", photo, embedder_);
        } else {
            database_.run("DELETE FROM faces WHERE photo = ?", photo);  // and their embeddings
            database_.run("DELETE FROM photo_embedders WHERE photo = ?", photo);
        }
        database_.run("DELETE FROM bib_reads WHERE photo = ?", photo);
        if (record.renditions.empty()) {
            end_renditions(database_, photo, processed && same_contents ? Recorded::keep : Recorded::discard);
        } else {
            record_renditions(database_, photo, record.uuid, record.renditions);
        }
        if (!processed) return photo;
        put_faces(photo, record.faces);
        put_reads(photo, record.bib_reads);
        database_.run("INSERT INTO photo_embedders(photo, model) VALUES (?, ?) ON CONFLICT DO NOTHING", photo,
                      embedder_);
        return photo;
    }

  private:
    // The photo's own row. `same_contents`: it was known with this fingerprint.
    PhotoId put_row(const PhotoRecord& record, bool& same_contents) {
        const auto key = bytes_of(record.key);
        const auto fingerprint = bytes_of(record.fingerprint);
        std::optional<PhotoId> known;
        {
            auto row = database_.query("SELECT id, fingerprint FROM photos WHERE source = ? AND key = ?",
                                       source_, key);
            if (row.step()) {
                known = row.integer(0);
                same_contents = std::ranges::equal(row.blob(1), fingerprint);
            }
        }
        std::optional<std::int64_t> local;
        std::optional<std::int64_t> offset;
        std::optional<std::int64_t> utc;
        if (record.captured) {
            local = record.captured->local_milliseconds;
            offset = record.captured->utc_offset_minutes;
            utc = utc_of(*record.captured, zone_, clock_seconds(record.camera));
        }
        std::optional<std::string> failure;
        if (!record.failure.empty()) failure = record.failure;
        if (known) {
            database_.run(
                "UPDATE photos SET fingerprint = ?, bytes = ?, width = ?, height = ?, captured_local = ?,"
                " captured_offset = ?, captured_utc = ?, camera = ?, failure = ?, reader = ?, indexed = ?, "
                "changed = ?"
                " WHERE id = ?",
                fingerprint, record.bytes, record.size.width, record.size.height, local, offset, utc,
                record.camera, failure, reader_, now_milliseconds(), change_, *known);
            return *known;
        }
        const Uuid uuid = begun_uuid(record.key).value_or(make_uuid());
        database_.run(
            "INSERT INTO photos(uuid, event, source, key, fingerprint, bytes, width, height, captured_local,"
            " captured_offset, captured_utc, camera, failure, reader, indexed, changed)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            std::as_bytes(std::span(uuid)), event_, source_, key, fingerprint, record.bytes,
            record.size.width, record.size.height, local, offset, utc, record.camera, failure, reader_,
            now_milliseconds(), change_);
        return database_.last_insert_id();
    }

    // The one that the photo's renditions bear already, if they were begun.
    std::optional<Uuid> begun_uuid(const std::string& key) {
        auto row = database_.query(
            "SELECT uuid FROM begun_renditions b WHERE source = ? AND key = ?"
            " AND NOT EXISTS(SELECT 1 FROM photos p WHERE p.uuid = b.uuid)",
            source_, bytes_of(key));
        return row.step() ? parse_uuid(uuid_at(row, 0)) : std::nullopt;
    }

    std::int64_t clock_seconds(const std::string& camera) {
        auto row =
            database_.query("SELECT seconds FROM clocks WHERE event = ? AND camera = ?", event_, camera);
        return row.step() ? row.integer(0) : 0;
    }

    // True when these faces, in this order, are stored already; found on another machine they may differ by
    // little.
    bool has_faces(PhotoId photo, std::span<const Face> faces) {
        constexpr float same = 0.8F;
        std::size_t ordinal = 0;
        auto row =
            database_.query("SELECT x, y, width, height FROM faces WHERE photo = ? ORDER BY ordinal", photo);
        while (row.step()) {
            if (ordinal == faces.size() || overlap(rect_at(row, 0), faces[ordinal].box) < same) return false;
            ++ordinal;
        }
        return ordinal == faces.size();
    }

    void put_faces(PhotoId photo, std::span<const Face> faces) {
        int ordinal = 0;
        for (const Face& face : faces) {
            require_finite(
                {face.box.x, face.box.y, face.box.width, face.box.height, face.confidence, face.quality},
                "a face with a number");
            database_.run(
                "INSERT INTO faces(photo, ordinal, x, y, width, height, landmarks, confidence, quality)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(photo, ordinal) DO UPDATE SET x = "
                "excluded.x,"
                " y = excluded.y, width = excluded.width, height = excluded.height, landmarks = "
                "excluded.landmarks,"
                " confidence = excluded.confidence, quality = excluded.quality",
                photo, ordinal, double{face.box.x}, double{face.box.y}, double{face.box.width},
                double{face.box.height}, std::span<const std::byte>(point_blob(face.landmarks)),
                double{face.confidence}, double{face.quality});
            if (!face.embedding.empty()) {
                database_.run("INSERT INTO embeddings(photo, ordinal, model, vector) VALUES (?, ?, ?, ?)",
                              photo, ordinal, embedder_,
                              std::span<const std::byte>(embedding_blob(face.embedding)));
            }
            ++ordinal;
        }
    }

    void put_reads(PhotoId photo, std::span<const BibRead> reads) {
        int ordinal = 0;
        for (const BibRead& read : reads) {
            database_.run(
                "INSERT INTO bib_reads(photo, ordinal, text, confidences, corners, evidence) VALUES (?, ?, "
                "?, ?, ?, ?)",
                photo, ordinal++, read.text, std::span<const std::byte>(float_blob(read.confidences)),
                std::span<const std::byte>(point_blob(read.corners)),
                std::span<const std::byte>(float_blob(read.evidence)));
        }
    }

    sqlite::Database& database_;
    SourceId source_;
    EventId event_ = 0;
    TimeZone zone_;
    std::int64_t change_ = 0;
    std::int64_t embedder_ = 0;
    std::int64_t reader_ = 0;
};

}  // namespace

std::vector<PhotoId> Catalog::put_batch(SourceId source, const Recognition& made_by,
                                        std::span<const PhotoRecord> photos) {
    std::vector<PhotoId> ids;
    ids.reserve(photos.size());
    auto write = impl_->write();
    BatchWriter batch(write.database(), source, made_by);
    for (const PhotoRecord& photo : photos) ids.push_back(batch.put(photo));
    write.commit();
    return ids;
}

void Catalog::known_objects(SourceId source, const Recognition& wanted,
                            const std::function<void(const KnownObject&)>& visit) const {
    impl_->visit_known<KnownObject>(
        source, visit,
        "SELECT p.id, p.key, p.fingerprint, p.bytes, p.failure IS NOT NULL,"
        " p.reader = (SELECT id FROM models WHERE name = ?3) AND EXISTS("
        "  SELECT 1 FROM photo_embedders e JOIN models m ON m.id = e.model WHERE e.photo = p.id AND "
        "m.name = ?4)"
        " FROM photos p WHERE p.source = ?1 AND p.key > ?2 ORDER BY p.key LIMIT ?5",
        [](sqlite::Query& row) -> KnownObject {
            return {row.integer(0), row.blob_text(1),    row.blob_text(2),
                    row.integer(3), row.integer(4) != 0, row.integer(5) != 0};
        },
        wanted);
}

std::size_t Catalog::move_objects(SourceId source, std::span<const MovedObject> objects) {
    std::size_t moved = 0;
    while (!objects.empty()) {
        const auto some = objects.first(std::min(objects.size(), rows_at_once));
        objects = objects.subspan(some.size());
        auto transaction = impl_->write();
        for (const MovedObject& object : some) {
            if (object.to.empty()) throw Error(ErrorCode::bad_input, "an object's key must not be empty");
            for (const std::string_view table : {"photos", "videos"}) {
                transaction->run(
                    "UPDATE OR IGNORE " + std::string(table) + " SET key = ?3 WHERE source = ?1 AND key = ?2",
                    source, bytes_of(object.from), bytes_of(object.to));
                moved += static_cast<std::size_t>(transaction->changes());
            }
        }
        transaction.commit();
    }
    return moved;
}

bool forget_photo(sqlite::Database& database, EventId event, PhotoId photo, std::int64_t change) {
    if (!database.query("SELECT 1 FROM photos WHERE id = ? AND event = ?", photo, event).step()) return false;
    end_renditions(database, photo, Recorded::discard);
    database.run("DELETE FROM photos WHERE id = ?", photo);
    database.run("INSERT INTO removals(event, changed, photo) VALUES (?, ?, ?)", event, change, photo);
    return true;
}

std::size_t Catalog::Impl::remove_photos(EventId event, std::span<const PhotoId> photos, Removal removal) {
    std::size_t removed = 0;
    while (!photos.empty()) {
        const auto some = photos.first(std::min(photos.size(), rows_at_once));
        photos = photos.subspan(some.size());
        auto transaction = write();
        const auto change = next_change(transaction.database(), event);
        for (const PhotoId photo : some) {
            if (removal == Removal::for_good) forbid_photo(transaction.database(), event, photo);
            if (forget_photo(transaction.database(), event, photo, change)) ++removed;
        }
        transaction.commit();
    }
    if (removed > 0) empty_log();
    return removed;
}

std::size_t Catalog::remove_photos(EventId event, std::span<const PhotoId> photos) {
    return impl_->remove_photos(event, photos, Removal::forget);
}

std::size_t Catalog::delete_photos(EventId event, std::span<const PhotoId> photos) {
    return impl_->remove_photos(event, photos, Removal::for_good);
}

void Catalog::remove_embeddings(EventId event, const std::string& embedder) {
    impl_->remove_video_embeddings(event, embedder);
    PhotoId last = 0;
    while (true) {
        auto write = impl_->write();
        const auto change = next_change(write.database(), event);
        std::vector<PhotoId> some;
        std::int64_t model = 0;
        {
            // The plus keeps SQLite from the index by event, which would sort the whole event for every page.
            auto row = write->query(
                "SELECT p.id, m.id FROM photos p JOIN models m ON m.name = ?2"
                " WHERE +p.event = ?1 AND p.id > ?3 AND EXISTS("
                "  SELECT 1 FROM photo_embedders e WHERE e.photo = p.id AND e.model = m.id) ORDER BY p.id "
                "LIMIT ?4",
                event, embedder, last, std::int64_t{rows_at_once});
            while (row.step()) {
                some.push_back(row.integer(0));
                model = row.integer(1);
            }
        }
        if (some.empty()) break;
        for (const PhotoId photo : some) {
            write->run("DELETE FROM embeddings WHERE photo = ? AND model = ?", photo, model);
            write->run("DELETE FROM photo_embedders WHERE photo = ? AND model = ?", photo, model);
            write->run("UPDATE photos SET changed = ? WHERE id = ?", change, photo);
        }
        write.commit();
        last = some.back();
    }
    impl_->empty_log();
}

std::size_t Catalog::set_hidden(EventId event, std::span<const PhotoId> photos, bool hidden) {
    auto write = impl_->write();
    const auto change = next_change(write.database(), event);
    std::size_t changed = 0;
    for (const PhotoId photo : photos) {
        write->run(
            "UPDATE photos SET hidden = ?1, changed = ?2 WHERE id = ?3 AND event = ?4 AND hidden <> ?1",
            hidden, change, photo, event);
        changed += static_cast<std::size_t>(write->changes());
    }
    write.commit();
    return changed;
}

std::size_t Catalog::retry_failed(EventId event) {
    auto write = impl_->write();
    require_event(write.database(), event);
    write->run("UPDATE photos SET fingerprint = x'' WHERE event = ? AND failure IS NOT NULL", event);
    const auto photos = write->changes();
    write->run("UPDATE videos SET fingerprint = x'' WHERE event = ? AND failure IS NOT NULL", event);
    const auto videos = write->changes();
    write.commit();
    return static_cast<std::size_t>(photos + videos);
}

std::vector<MediaFailure> Catalog::failures(EventId event, std::size_t limit) const {
    const auto read = impl_->read();
    require_event(read.database(), event);
    std::vector<MediaFailure> failures;
    auto photo = read->query(
        "SELECT id, key, failure FROM photos WHERE event = ? AND failure IS NOT NULL ORDER BY id LIMIT ?",
        event, static_cast<std::int64_t>(limit));
    while (photo.step()) {
        failures.push_back({.photo = photo.integer(0), .key = photo.blob_text(1), .reason = photo.text(2)});
    }
    auto video = read->query(
        "SELECT id, key, failure, indexed_until > 0 FROM videos WHERE event = ? AND failure IS NOT NULL"
        " ORDER BY id LIMIT ?",
        event, static_cast<std::int64_t>(limit - failures.size()));
    while (video.step()) {
        failures.push_back({.video = video.integer(0),
                            .key = video.blob_text(1),
                            .reason = video.text(2),
                            .partly = video.integer(3) != 0});
    }
    return failures;
}

EventCounts Catalog::counts(EventId event) const {
    const auto read = impl_->read();
    require_event(read.database(), event);
    auto row = read->query(
        "SELECT (SELECT count(*) FROM photos WHERE event = ?1),"
        " (SELECT count(*) FROM photos WHERE event = ?1 AND failure IS NOT NULL),"
        " (SELECT count(*) FROM photos WHERE event = ?1 AND hidden)",
        event);
    row.step();
    auto video_row = read->query(
        "SELECT count(*), total(failure IS NOT NULL AND indexed_until = 0), total(NOT finished), "
        "total(hidden),"
        " total(indexed_until) FROM videos WHERE event = ?",
        event);
    video_row.step();
    VideoCounts videos{.total = video_row.integer(0),
                       .failed = video_row.integer(1),
                       .in_progress = video_row.integer(2),
                       .hidden = video_row.integer(3),
                       .seconds = video_row.real(4)};
    videos.processed = videos.total - videos.failed - videos.in_progress;
    return {.total = row.integer(0),
            .processed = row.integer(0) - row.integer(1),
            .failed = row.integer(1),
            .hidden = row.integer(2),
            .videos = videos};
}

std::vector<EmbedderProgress> Catalog::embedders(EventId event) const {
    const auto read = impl_->read();
    require_event(read.database(), event);
    std::vector<EmbedderProgress> progress;
    auto row = read->query(
        "SELECT m.name, sum(photos), sum(videos) FROM ("
        " SELECT e.model, count(*) AS photos, 0 AS videos FROM photos p JOIN photo_embedders e ON e.photo = "
        "p.id"
        "  WHERE p.event = ?1 GROUP BY e.model"
        " UNION ALL SELECT embedder, 0, count(*) FROM videos WHERE event = ?1 AND indexed_until > 0"
        "  GROUP BY embedder"
        ") JOIN models m ON m.id = model GROUP BY m.id ORDER BY m.name",
        event);
    while (row.step()) progress.push_back({row.text(0), row.integer(1), row.integer(2)});
    return progress;
}

}  // namespace eventlens
