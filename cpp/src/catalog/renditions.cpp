#include "catalog/renditions.h"

#include <algorithm>
#include <set>

#include "base/uuid.h"
#include "catalog/catalog_impl.h"
#include "catalog/rows.h"

namespace eventlens {

namespace {

constexpr int least_side = 16;
constexpr int greatest_side = 8192;

std::string_view name_of(RenditionKind kind) {
    return kind == RenditionKind::thumbnail ? "thumbnail" : "preview";
}

RenditionKind kind_named(std::string_view name) {
    return name == name_of(RenditionKind::thumbnail) ? RenditionKind::thumbnail : RenditionKind::preview;
}

std::string folder_of(EventId event) {
    return "imgs/" + std::to_string(event) + "/";
}

void check(const RenditionSettings& settings) {
    const auto require = [](bool fine, const char* what) {
        if (!fine) throw Error(ErrorCode::bad_input, what);
    };
    require(settings.thumbnail_side >= least_side && settings.preview_side <= greatest_side,
            "a rendition's long side must be within 16..8192 pixels");
    require(settings.thumbnail_side <= settings.preview_side, "thumbnails must not be larger than previews");
    require(settings.quality >= 1 && settings.quality <= 100, "a rendition's quality must be within 1..100");
    const WatermarkLayout& layout = settings.layout;
    require_finite({layout.width, layout.margin, layout.opacity}, "a watermark's layout");
}

std::vector<std::byte> bytes_at(const sqlite::Query& row, int column) {
    const auto stored = row.blob(column);
    return {stored.begin(), stored.end()};
}

Place place_named(const std::string& name) {
    const auto found = std::ranges::find(place_names, name);
    if (found == place_names.end()) throw Error(ErrorCode::bad_input, "catalog: a stored place is damaged");
    return static_cast<Place>(found - place_names.begin());
}

void discard_file(sqlite::Database& database, StoreId store, const std::string& key) {
    database.run("INSERT INTO unwanted_files(store, key) VALUES (?, ?) ON CONFLICT DO NOTHING", store, key);
}

// Both kinds: where one was made, the other was about to be.
void discard_files(sqlite::Database& database, StoreId store, EventId event, const std::string& uuid) {
    for (const RenditionKind kind : rendition_kinds)
        discard_file(database, store, rendition_key(event, uuid, kind));
}

void want_files(sqlite::Database& database, StoreId store, EventId event, const std::string& uuid) {
    for (const RenditionKind kind : rendition_kinds) {
        database.run("DELETE FROM unwanted_files WHERE store = ? AND key = ?", store,
                     rendition_key(event, uuid, kind));
    }
}

struct PhotoName {
    EventId event = 0;
    SourceId source = 0;
    std::string key;
    std::string uuid;
};

PhotoName name_of_photo(sqlite::Database& database, PhotoId photo) {
    auto row = database.query("SELECT event, source, key, uuid FROM photos WHERE id = ?", photo);
    if (!row.step()) throw_not_found("photo", photo);
    return {row.integer(0), row.integer(1), row.blob_text(2), uuid_at(row, 3)};
}

std::set<StoreId> stores_with_records(sqlite::Database& database, PhotoId photo) {
    std::set<StoreId> stores;
    auto row = database.query("SELECT DISTINCT store FROM renditions WHERE photo = ?", photo);
    while (row.step()) stores.insert(row.integer(0));
    return stores;
}

bool has_renditions(sqlite::Database& database, EventId event) {
    return database.query("SELECT 1 FROM rendition_settings WHERE event = ?", event).step();
}

EventId event_of(sqlite::Database& database, SourceId source) {
    auto row = database.query("SELECT event FROM sources WHERE id = ?", source);
    if (!row.step()) throw_not_found("source", source);
    return row.integer(0);
}

// Of one photo, known or not.
std::string begin_photo(sqlite::Database& database, EventId event, SourceId source, StoreId store,
                        const std::string& photo_key) {
    const auto key = bytes_of(photo_key);
    std::optional<PhotoId> known;
    std::string uuid;
    {
        auto row = database.query("SELECT id, uuid FROM photos WHERE source = ? AND key = ?", source, key);
        if (row.step()) {
            known = row.integer(0);
            uuid = uuid_at(row, 1);
        }
    }
    std::optional<StoreId> begun_in;
    {
        // One whose photo has moved to another key since is not this one.
        auto row = database.query(
            "SELECT uuid, store FROM begun_renditions b WHERE source = ? AND key = ?"
            " AND NOT EXISTS(SELECT 1 FROM photos p WHERE p.uuid = b.uuid AND p.key <> b.key)",
            source, key);
        if (row.step()) {
            if (!known) uuid = uuid_at(row, 0);
            begun_in = row.integer(1);
        }
    }
    if (uuid.empty()) uuid = uuid_text(make_uuid());
    if (begun_in && *begun_in != store &&
        (!known || !stores_with_records(database, *known).contains(*begun_in)))
        discard_files(database, *begun_in, event, uuid);
    const Uuid bytes = *parse_uuid(uuid);
    database.run("INSERT OR REPLACE INTO begun_renditions(source, key, uuid, store) VALUES (?, ?, ?, ?)",
                 source, key, std::as_bytes(std::span(bytes)), store);
    want_files(database, store, event, uuid);
    return uuid;
}

// Ends in a condition to be added to.
#define EVENTLENS_SELECT_RENDITION \
    "SELECT kind, store, width, height, bytes, recipe FROM renditions WHERE photo = ?"

Rendition rendition_at(const sqlite::Query& row) {
    return {kind_named(row.text(0)),
            row.integer(1),
            {static_cast<int>(row.integer(2)), static_cast<int>(row.integer(3))},
            row.integer(4),
            row.text(5)};
}

// Conditions on a photo p of the event ?1 with the recipes ?2 (thumbnail), ?3 (preview) and ?4 (portrait).
#define EVENTLENS_LACKS(kind, recipe)                                                \
    "NOT EXISTS(SELECT 1 FROM renditions r WHERE r.photo = p.id AND r.kind = '" kind \
    "' AND r.recipe = " recipe " AND r.store = (SELECT store FROM rendition_settings WHERE event = ?1))"
#define EVENTLENS_LACKS_THUMBNAIL EVENTLENS_LACKS("thumbnail", "?2")
#define EVENTLENS_LACKS_PREVIEW EVENTLENS_LACKS("preview", "CASE WHEN p.height > p.width THEN ?4 ELSE ?3 END")

}  // namespace

std::string rendition_key(EventId event, const std::string& photo_uuid, RenditionKind kind) {
    return folder_of(event) + (kind == RenditionKind::thumbnail ? "small/" : "large/") + photo_uuid + ".jpg";
}

StoreId find_or_add_store(sqlite::Database& database, const std::string& uri, const std::string& access) {
    database.run(
        "INSERT INTO stores(uri, access) VALUES (?, ?) ON CONFLICT(uri) DO UPDATE SET access = "
        "excluded.access",
        uri, access);
    auto row = database.query("SELECT id FROM stores WHERE uri = ?", uri);
    row.step();
    return row.integer(0);
}

void record_renditions(sqlite::Database& database, PhotoId photo, const std::string& made_as,
                       std::span<const Rendition> renditions) {
    const PhotoName name = name_of_photo(database, photo);
    if (made_as != name.uuid || !has_renditions(database, name.event)) {
        for (const Rendition& rendition : renditions)
            discard_files(database, rendition.store, name.event, made_as);
        end_renditions(database, photo, Recorded::discard);
        return;
    }
    for (const Rendition& rendition : renditions) {
        const std::string key = rendition_key(name.event, name.uuid, rendition.kind);
        std::optional<StoreId> before;
        {
            auto row = database.query("SELECT store FROM renditions WHERE photo = ? AND kind = ?", photo,
                                      name_of(rendition.kind));
            if (row.step()) before = row.integer(0);
        }
        if (before && *before != rendition.store) discard_file(database, *before, key);
        database.run(
            "INSERT OR REPLACE INTO renditions(photo, kind, store, width, height, bytes, recipe)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            photo, name_of(rendition.kind), rendition.store, rendition.size.width, rendition.size.height,
            rendition.bytes, rendition.recipe);
        database.run("DELETE FROM unwanted_files WHERE store = ? AND key = ?", rendition.store, key);
    }
    database.run("DELETE FROM begun_renditions WHERE source = ? AND key = ?", name.source,
                 bytes_of(name.key));
}

void end_renditions(sqlite::Database& database, PhotoId photo, Recorded recorded) {
    const PhotoName name = name_of_photo(database, photo);
    if (recorded == Recorded::discard) {
        for (const StoreId store : stores_with_records(database, photo))
            discard_files(database, store, name.event, name.uuid);
        database.run("DELETE FROM renditions WHERE photo = ?", photo);
    }
    std::optional<StoreId> begun_in;
    {
        auto row = database.query("SELECT store, uuid FROM begun_renditions WHERE source = ? AND key = ?",
                                  name.source, bytes_of(name.key));
        if (row.step() && uuid_at(row, 1) == name.uuid) begun_in = row.integer(0);
    }
    if (!begun_in) return;
    if (!stores_with_records(database, photo).contains(*begun_in))
        discard_files(database, *begun_in, name.event, name.uuid);
    database.run("DELETE FROM begun_renditions WHERE source = ? AND key = ?", name.source,
                 bytes_of(name.key));
}

void end_renditions_of_event(sqlite::Database& database, EventId event) {
    struct Begun {
        StoreId store;
        std::string uuid;
    };
    std::vector<Begun> all;
    {
        auto row = database.query(
            "SELECT b.store, b.uuid FROM begun_renditions b JOIN sources s ON s.id = b.source"
            " WHERE s.event = ? AND NOT EXISTS(SELECT 1 FROM photos p WHERE p.uuid = b.uuid)",
            event);
        while (row.step()) all.push_back({row.integer(0), uuid_at(row, 1)});
    }
    for (const Begun& begun : all) discard_files(database, begun.store, event, begun.uuid);
    database.run(
        "DELETE FROM begun_renditions WHERE source IN (SELECT id FROM sources WHERE event = ?)"
        " AND NOT EXISTS(SELECT 1 FROM photos p WHERE p.uuid = begun_renditions.uuid)",
        event);
}

void abandon_renditions(sqlite::Database& database, EventId event, SourceId source, const std::string& key) {
    std::optional<StoreId> store;
    std::string uuid;
    {
        // Not of a photo that somebody else has put since.
        auto row = database.query(
            "SELECT store, uuid FROM begun_renditions b WHERE source = ? AND key = ?"
            " AND NOT EXISTS(SELECT 1 FROM photos p WHERE p.uuid = b.uuid)",
            source, bytes_of(key));
        if (row.step()) {
            store = row.integer(0);
            uuid = uuid_at(row, 1);
        }
    }
    if (!store) return;
    discard_files(database, *store, event, uuid);
    database.run("DELETE FROM begun_renditions WHERE source = ? AND key = ?", source, bytes_of(key));
}

void discard_renditions(sqlite::Database& database, EventId event, StoreId store, const std::string& uuid) {
    const auto bytes = parse_uuid(uuid);
    if (!bytes) return;
    const bool there =
        database.query("SELECT 1 FROM photos WHERE uuid = ?", std::as_bytes(std::span(*bytes))).step();
    if (!there) discard_files(database, store, event, uuid);
}

void Catalog::discard_renditions_of_removed(EventId event, SourceId source, StoreId store,
                                            std::span<const std::string> uuids) {
    auto write = impl_->write();
    if (write->query("SELECT 1 FROM sources WHERE id = ?", source).step()) return;
    for (const std::string& uuid : uuids) discard_renditions(write.database(), event, store, uuid);
    write.commit();
}

void Catalog::set_renditions(EventId event, const RenditionSettings& settings) {
    check(settings);
    auto write = impl_->write();
    require_event(write.database(), event);
    const StoreId store = find_or_add_store(write.database(), settings.store_uri, settings.store_access);
    const WatermarkLayout& layout = settings.layout;
    write->run(
        "INSERT OR REPLACE INTO rendition_settings(event, store, thumbnail_side, preview_side, quality, "
        "artwork,"
        " artwork_portrait, position, width, margin, opacity) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        event, store, settings.thumbnail_side, settings.preview_side, settings.quality,
        std::span<const std::byte>(settings.artwork), std::span<const std::byte>(settings.artwork_portrait),
        place_names.at(static_cast<std::size_t>(layout.place)), layout.width, layout.margin, layout.opacity);
    write.commit();
}

std::optional<RenditionSettings> Catalog::renditions(EventId event) const {
    const auto read = impl_->read();
    require_event(read.database(), event);
    auto row = read->query(
        "SELECT s.id, s.uri, s.access, r.thumbnail_side, r.preview_side, r.quality, r.artwork, "
        "r.artwork_portrait,"
        " r.position, r.width, r.margin, r.opacity FROM rendition_settings r JOIN stores s ON s.id = r.store"
        " WHERE r.event = ?",
        event);
    if (!row.step()) return std::nullopt;
    return RenditionSettings{.store = row.integer(0),
                             .store_uri = row.text(1),
                             .store_access = row.text(2),
                             .thumbnail_side = static_cast<int>(row.integer(3)),
                             .preview_side = static_cast<int>(row.integer(4)),
                             .quality = static_cast<int>(row.integer(5)),
                             .artwork = bytes_at(row, 6),
                             .artwork_portrait = bytes_at(row, 7),
                             .layout = {.place = place_named(row.text(8)),
                                        .width = row.real(9),
                                        .margin = row.real(10),
                                        .opacity = row.real(11)}};
}

void Catalog::remove_renditions(EventId event) {
    {
        auto write = impl_->write();
        require_event(write.database(), event);
        write->run("DELETE FROM rendition_settings WHERE event = ?", event);
        end_renditions_of_event(write.database(), event);
        write.commit();
    }
    PhotoId last = 0;
    while (true) {
        auto write = impl_->write();
        std::vector<PhotoId> some;
        {
            // The plus keeps SQLite from the index by event, which would sort the whole event for every page.
            auto row = write->query(
                "SELECT p.id FROM photos p WHERE +p.event = ?1 AND p.id > ?2 AND ("
                " EXISTS(SELECT 1 FROM renditions r WHERE r.photo = p.id)"
                " OR EXISTS(SELECT 1 FROM begun_renditions b WHERE b.source = p.source AND b.key = p.key))"
                " ORDER BY p.id LIMIT ?3",
                event, last, std::int64_t{rows_at_once});
            while (row.step()) some.push_back(row.integer(0));
        }
        if (some.empty()) return;
        for (const PhotoId photo : some) end_renditions(write.database(), photo, Recorded::discard);
        write.commit();
        last = some.back();
    }
}

std::vector<std::string> Catalog::begin_renditions(SourceId source, StoreId store,
                                                   std::span<const std::string> keys) {
    auto write = impl_->write();
    const EventId event = event_of(write.database(), source);
    std::vector<std::string> uuids;
    uuids.reserve(keys.size());
    for (const std::string& key : keys) {
        if (key.empty()) throw Error(ErrorCode::bad_input, "a photo without a key");
        uuids.push_back(begin_photo(write.database(), event, source, store, key));
    }
    write.commit();
    return uuids;
}

std::vector<std::string> Catalog::begun_renditions(SourceId source) const {
    const auto read = impl_->read();
    std::vector<std::string> keys;
    auto row = read->query(
        "SELECT key FROM begun_renditions b WHERE source = ?"
        " AND NOT EXISTS(SELECT 1 FROM photos p WHERE p.uuid = b.uuid) ORDER BY key",
        source);
    while (row.step()) keys.push_back(row.blob_text(0));
    return keys;
}

void Catalog::abandon_renditions(SourceId source, std::span<const std::string> keys) {
    auto write = impl_->write();
    const EventId event = event_of(write.database(), source);
    for (const std::string& key : keys) eventlens::abandon_renditions(write.database(), event, source, key);
    write.commit();
}

std::size_t Catalog::put_renditions(EventId event, std::span<const PhotoRenditions> photos) {
    auto write = impl_->write();
    const bool event_is_gone = !write->query("SELECT 1 FROM events WHERE id = ?", event).step();
    std::size_t recorded = 0;
    for (const PhotoRenditions& made : photos) {
        std::optional<bool> changed;  // nothing: removed
        {
            auto row =
                write->query("SELECT fingerprint FROM photos WHERE id = ? AND event = ?", made.photo, event);
            if (row.step()) changed = row.blob_text(0) != made.fingerprint;
        }
        if (!changed) {
            for (const Rendition& rendition : made.renditions)
                discard_files(write.database(), rendition.store, event, made.uuid);
        } else if (*changed) {
            end_renditions(write.database(), made.photo, Recorded::discard);
        } else {
            record_renditions(write.database(), made.photo, made.uuid, made.renditions);
            ++recorded;
        }
    }
    write.commit();
    if (event_is_gone) throw_not_found("event", event);
    return recorded;
}

std::vector<OutdatedPhoto> Catalog::outdated_renditions(EventId event, const RenditionRecipes& wanted,
                                                        PhotoId after, std::size_t limit, bool all) const {
    struct Lacking {
        PhotoId photo;
        bool thumbnail;
        bool preview;
    };
    std::vector<Lacking> lacking;
    {
        const auto read = impl_->read();
        require_event(read.database(), event);
        auto row = read->query("SELECT p.id, " EVENTLENS_LACKS_THUMBNAIL ", " EVENTLENS_LACKS_PREVIEW
                               " FROM photos p WHERE +p.event = ?1 AND p.id > ?5 AND p.failure IS NULL"
                               " AND (?6 OR " EVENTLENS_LACKS_THUMBNAIL " OR " EVENTLENS_LACKS_PREVIEW
                               ")"
                               " ORDER BY p.id LIMIT ?7",
                               event, wanted.thumbnail, wanted.preview, wanted.portrait_preview, after, all,
                               static_cast<std::int64_t>(limit));
        while (row.step()) lacking.push_back({row.integer(0), row.integer(1) != 0, row.integer(2) != 0});
    }
    std::vector<PhotoId> ids;
    ids.reserve(lacking.size());
    for (const Lacking& item : lacking) ids.push_back(item.photo);
    std::vector<OutdatedPhoto> photos;
    auto item = lacking.begin();
    for (PhotoInfo& photo : this->photos(ids)) {  // some may be gone by now
        while (item->photo != photo.id) ++item;
        OutdatedPhoto& outdated = photos.emplace_back(OutdatedPhoto{std::move(photo), {}});
        if (all || item->thumbnail) outdated.kinds.push_back(RenditionKind::thumbnail);
        if (all || item->preview) outdated.kinds.push_back(RenditionKind::preview);
    }
    return photos;
}

std::int64_t Catalog::count_outdated_renditions(EventId event, const RenditionRecipes& wanted) const {
    const auto read = impl_->read();
    require_event(read.database(), event);
    auto row = read->query(
        "SELECT count(*) FROM photos p WHERE p.event = ?1 AND p.failure IS NULL"
        " AND (" EVENTLENS_LACKS_THUMBNAIL " OR " EVENTLENS_LACKS_PREVIEW ")",
        event, wanted.thumbnail, wanted.preview, wanted.portrait_preview);
    row.step();
    return row.integer(0);
}

std::optional<Rendition> Catalog::rendition(PhotoId photo, RenditionKind kind) const {
    const auto read = impl_->read();
    auto row = read->query(EVENTLENS_SELECT_RENDITION " AND kind = ?", photo, name_of(kind));
    if (!row.step()) return std::nullopt;
    return rendition_at(row);
}

std::map<PhotoId, std::vector<Rendition>> Catalog::renditions_of(std::span<const PhotoId> photos) const {
    const auto read = impl_->read();
    std::map<PhotoId, std::vector<Rendition>> renditions;
    for (const PhotoId photo : photos) {
        if (renditions.contains(photo)) continue;
        auto row = read->query(EVENTLENS_SELECT_RENDITION " ORDER BY kind", photo);
        while (row.step()) renditions[photo].push_back(rendition_at(row));
    }
    return renditions;
}

#undef EVENTLENS_SELECT_RENDITION

StoreInfo Catalog::store(StoreId store) const {
    const auto read = impl_->read();
    auto row = read->query("SELECT id, uri, access FROM stores WHERE id = ?", store);
    if (!row.step()) throw_not_found("store", store);
    return {row.integer(0), row.text(1), row.text(2)};
}

StoredFile Catalog::rendition_file(PhotoId photo, const Rendition& rendition) const {
    const auto read = impl_->read();
    const PhotoName name = name_of_photo(read.database(), photo);
    auto row = read->query("SELECT uri, access FROM stores WHERE id = ?", rendition.store);
    if (!row.step()) throw_not_found("store", rendition.store);
    return {rendition.store, row.text(0), row.text(1), rendition_key(name.event, name.uuid, rendition.kind)};
}

std::vector<StoreId> Catalog::stores_with_unwanted_files() const {
    const auto read = impl_->read();
    std::vector<StoreId> stores;
    auto row = read->query(
        "SELECT id FROM stores s WHERE EXISTS(SELECT 1 FROM unwanted_files f WHERE f.store = s.id)");
    while (row.step()) stores.push_back(row.integer(0));
    return stores;
}

std::vector<StoredFile> Catalog::unwanted_files(StoreId store, std::size_t limit) const {
    const auto read = impl_->read();
    std::vector<StoredFile> files;
    auto row = read->query(
        "SELECT s.id, s.uri, s.access, f.key FROM unwanted_files f JOIN stores s ON s.id = f.store"
        " WHERE f.store = ? ORDER BY f.key LIMIT ?",
        store, static_cast<std::int64_t>(limit));
    while (row.step()) files.push_back({row.integer(0), row.text(1), row.text(2), row.text(3)});
    return files;
}

std::int64_t Catalog::count_unwanted_files(EventId event) const {
    const auto read = impl_->read();
    auto row = read->query("SELECT count(*) FROM unwanted_files WHERE key GLOB ? || '*' OR key GLOB ? || '*'",
                           folder_of(event), clips_folder(event));
    row.step();
    return row.integer(0);
}

std::vector<std::string> Catalog::store_uris() const {
    const auto read = impl_->read();
    std::vector<std::string> uris;
    auto row = read->query("SELECT uri FROM stores ORDER BY id");
    while (row.step()) uris.push_back(row.text(0));
    return uris;
}

bool Catalog::is_unwanted(const StoredFile& file) const {
    return impl_->read()
        ->query("SELECT 1 FROM unwanted_files WHERE store = ? AND key = ?", file.store, file.key)
        .step();
}

void Catalog::forget_unwanted_files(std::span<const StoredFile> files) {
    auto write = impl_->write();
    for (const StoredFile& file : files)
        write->run("DELETE FROM unwanted_files WHERE store = ? AND key = ?", file.store, file.key);
    write.commit();
}

}  // namespace eventlens
