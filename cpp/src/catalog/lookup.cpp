#include <algorithm>

#include "base/uuid.h"
#include "catalog/catalog_impl.h"
#include "catalog/rows.h"

// What searches read: photos, their contents, and what changed.
namespace eventlens {

namespace {

// Faces, embeddings and reads of a photo whose row was read already.
void read_content(sqlite::Database& database, std::int64_t model, PhotoContent& content) {
    auto face_row = database.query(
        "SELECT f.x, f.y, f.width, f.height, f.landmarks, f.confidence, f.quality, e.vector FROM faces f"
        " LEFT JOIN embeddings e ON e.photo = f.photo AND e.ordinal = f.ordinal AND e.model = ?2"
        " WHERE f.photo = ?1 ORDER BY f.ordinal",
        content.photo, model);
    while (face_row.step()) content.faces.push_back(face_at(face_row, 0));
    auto read_row = database.query(
        "SELECT text, confidences, corners, evidence FROM bib_reads WHERE photo = ? ORDER BY ordinal",
        content.photo);
    while (read_row.step()) content.bib_reads.push_back(bib_read_at(read_row, 0));
}

// Ends in a condition to be added.
#define EVENTLENS_SELECT_PHOTO                                                                 \
    "SELECT id, uuid, event, source, key, fingerprint, bytes, width, height, captured_local, " \
    "captured_offset,"                                                                         \
    " captured_utc, camera, failure, hidden, indexed FROM photos WHERE "

std::optional<PhotoInfo> next_photo(sqlite::Query row) {
    if (!row.step()) return std::nullopt;
    PhotoInfo photo;
    photo.id = row.integer(0);
    photo.uuid = uuid_at(row, 1);
    photo.event = row.integer(2);
    photo.source = row.integer(3);
    photo.key = row.blob_text(4);
    photo.fingerprint = row.blob_text(5);
    photo.bytes = row.integer(6);
    photo.size = {static_cast<int>(row.integer(7)), static_cast<int>(row.integer(8))};
    if (const auto local = row.maybe_integer(9)) {
        photo.captured = CaptureTime{*local, std::nullopt};
        if (const auto offset = row.maybe_integer(10))
            photo.captured->utc_offset_minutes = static_cast<int>(*offset);
    }
    photo.captured_utc = row.maybe_integer(11);
    photo.camera = row.text(12);
    photo.failure = row.text(13);
    photo.hidden = row.integer(14) != 0;
    photo.indexed = row.integer(15);
    return photo;
}

std::optional<PhotoInfo> photo_with_id(sqlite::Database& database, PhotoId photo) {
    return next_photo(database.query(EVENTLENS_SELECT_PHOTO "id = ?", photo));
}

}  // namespace

PhotoInfo Catalog::photo(PhotoId photo) const {
    const auto read = impl_->read();
    auto info = photo_with_id(read.database(), photo);
    if (!info) throw_not_found("photo", photo);
    return *std::move(info);
}

std::vector<PhotoInfo> Catalog::photos(std::span<const PhotoId> photos) const {
    const auto read = impl_->read();
    std::vector<PhotoInfo> infos;
    infos.reserve(photos.size());
    for (const PhotoId photo : photos) {
        if (auto info = photo_with_id(read.database(), photo)) infos.push_back(*std::move(info));
    }
    return infos;
}

std::optional<PhotoInfo> Catalog::find_photo(EventId event, const std::string& uuid) const {
    const auto parsed = parse_uuid(uuid);
    if (!parsed) return std::nullopt;
    const auto read = impl_->read();
    return next_photo(read->query(EVENTLENS_SELECT_PHOTO "uuid = ? AND event = ?",
                                  std::as_bytes(std::span(*parsed)), event));
}

std::optional<PhotoInfo> Catalog::find_photo_by_key(SourceId source, const std::string& key) const {
    const auto read = impl_->read();
    return next_photo(read->query(EVENTLENS_SELECT_PHOTO "source = ? AND key = ?", source, bytes_of(key)));
}

#undef EVENTLENS_SELECT_PHOTO

std::vector<PhotoPlace> Catalog::photo_order(EventId event) const {
    const auto read = impl_->read();
    require_event(read.database(), event);
    std::vector<PhotoPlace> order;
    std::size_t timeless = 0;  // the index has them first
    auto row = read->query(
        "SELECT id, uuid, captured_utc FROM photos WHERE event = ? AND failure IS NULL AND hidden = 0"
        " ORDER BY captured_utc, uuid",
        event);
    while (row.step()) {
        PhotoPlace& place = order.emplace_back();
        place.photo = row.integer(0);
        const auto uuid = row.blob(1);
        std::copy_n(uuid.begin(), std::min(uuid.size(), place.uuid.size()), place.uuid.begin());
        place.captured_utc = row.maybe_integer(2);
        if (!place.captured_utc) ++timeless;
    }
    std::rotate(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(timeless), order.end());
    return order;
}

PhotoContent Catalog::content(PhotoId photo, const std::string& embedder) const {
    const auto read = impl_->read();
    const auto model = find_model(read.database(), embedder);
    auto row = read->query(
        "SELECT hidden, EXISTS(SELECT 1 FROM photo_embedders e WHERE e.photo = p.id AND e.model = ?2) FROM "
        "photos p"
        " WHERE p.id = ?1",
        photo, model);
    if (!row.step()) throw_not_found("photo", photo);
    PhotoContent content;
    content.photo = photo;
    content.hidden = row.integer(0) != 0;
    content.embedded = row.integer(1) != 0;
    read_content(read.database(), model, content);
    return content;
}

std::int64_t Catalog::change_counter(EventId event) const {
    const auto read = impl_->read();
    auto row = read->query("SELECT change_counter FROM events WHERE id = ?", event);
    if (!row.step()) throw_not_found("event", event);
    return row.integer(0);
}

EventChanges Catalog::changes_since(EventId event, std::int64_t counter, const std::string& embedder,
                                    const std::function<void(PhotoContent&&)>& put,
                                    const std::function<void(PhotoId)>& remove) const {
    const auto read_page = [&](sqlite::Database& database, ChangePlace& last, std::int64_t until) {
        std::vector<PhotoContent> page;
        const auto model = find_model(database, embedder);
        auto row = database.query(
            "SELECT p.id, p.hidden, p.changed, EXISTS(SELECT 1 FROM photo_embedders e WHERE e.photo = p.id"
            " AND e.model = ?5) FROM photos p WHERE p.event = ?1 AND (p.changed, p.id) > (?2, ?3)"
            " AND p.changed <= ?4 ORDER BY p.changed, p.id LIMIT ?6",
            event, last.change, last.id, until, model, std::int64_t{changes_at_once});
        while (row.step()) {
            PhotoContent& content = page.emplace_back();
            content.photo = row.integer(0);
            content.hidden = row.integer(1) != 0;
            content.embedded = row.integer(3) != 0;
            last = {.change = row.integer(2), .id = content.photo};
            read_content(database, model, content);
        }
        return page;
    };
    return impl_->tell_changes<PhotoContent>(
        event, counter, "SELECT photo FROM removals WHERE event = ? AND changed > ?", read_page, put, remove);
}

}  // namespace eventlens
