#include "catalog/catalog_impl.h"
#include "catalog/renditions.h"

// Where an event's photos and videos lie, and what indexing is to leave alone there.
namespace eventlens {

void forbid_photo(sqlite::Database& database, EventId event, PhotoId photo) {
    database.run(
        "INSERT INTO forbidden(source, key, content) SELECT source, key, fingerprint FROM photos"
        " WHERE id = ? AND event = ?"
        " ON CONFLICT DO NOTHING",
        photo, event);
}

void forbid_video(sqlite::Database& database, EventId event, VideoId video) {
    database.run(
        "INSERT INTO forbidden(source, key, content) SELECT source, key, fingerprint FROM videos"
        " WHERE id = ? AND event = ?"
        " ON CONFLICT DO NOTHING",
        video, event);
}

bool is_forbidden(sqlite::Database& database, SourceId source, const std::string& key) {
    return database.query("SELECT 1 FROM forbidden WHERE source = ? AND key = ?", source, bytes_of(key))
        .step();
}

std::vector<std::string> Catalog::forbidden_contents(SourceId source) const {
    const auto read = impl_->read();
    std::vector<std::string> contents;
    auto row = read->query(
        "SELECT DISTINCT content FROM forbidden WHERE source = ? AND length(content) > 0 ORDER BY content",
        source);
    while (row.step()) contents.push_back(row.blob_text(0));
    return contents;
}

std::vector<std::string> Catalog::forbidden_keys(SourceId source) const {
    const auto read = impl_->read();
    std::vector<std::string> keys;
    auto row = read->query("SELECT key FROM forbidden WHERE source = ? ORDER BY key", source);
    while (row.step()) keys.push_back(row.blob_text(0));
    return keys;
}

SourceId Catalog::add_source(EventId event, const std::string& uri, const std::string& access) {
    auto write = impl_->write();
    require_event(write.database(), event);
    write->run(
        "INSERT INTO sources(event, uri, access) VALUES (?, ?, ?)"
        " ON CONFLICT(event, uri) DO UPDATE SET access = excluded.access",
        event, uri, access);
    auto row = write->query("SELECT id FROM sources WHERE event = ? AND uri = ?", event, uri);
    row.step();
    const SourceId source = row.integer(0);
    write.commit();
    return source;
}

std::vector<SourceInfo> Catalog::sources(EventId event) const {
    const auto read = impl_->read();
    require_event(read.database(), event);
    std::vector<SourceInfo> sources;
    auto row = read->query("SELECT id, uri, access FROM sources WHERE event = ? ORDER BY id", event);
    while (row.step()) sources.push_back({row.integer(0), row.text(1), row.text(2)});
    return sources;
}

void Catalog::remove_source(EventId event, SourceId source) {
    const auto some = [&](std::string_view ids_of_source) {
        const auto read = impl_->read();
        std::vector<std::int64_t> ids;
        auto row = read->query(ids_of_source, source, std::int64_t{rows_at_once});
        while (row.step()) ids.push_back(row.integer(0));
        return ids;
    };
    if (!impl_->read()->query("SELECT 1 FROM sources WHERE id = ? AND event = ?", source, event).step())
        throw_not_found("source", source);
    while (true) {
        const auto photos = some("SELECT id FROM photos WHERE source = ? LIMIT ?");
        if (!photos.empty()) remove_photos(event, photos);
        const auto videos = some("SELECT id FROM videos WHERE source = ? LIMIT ?");
        if (!videos.empty()) remove_videos(event, videos);

        auto write = impl_->write();  // unless somebody goes on adding to it
        if (write
                ->query(
                    "SELECT 1 FROM photos WHERE source = ?1 UNION ALL SELECT 1 FROM videos WHERE source = ?1",
                    source)
                .step())
            continue;
        std::vector<std::string> begun;
        {
            auto row = write->query("SELECT key FROM begun_renditions WHERE source = ?", source);
            while (row.step()) begun.push_back(row.blob_text(0));
        }
        for (const std::string& key : begun)
            eventlens::abandon_renditions(write.database(), event, source, key);
        write->run("DELETE FROM sources WHERE id = ?", source);
        write.commit();
        break;
    }
    impl_->empty_log();
}

}  // namespace eventlens
