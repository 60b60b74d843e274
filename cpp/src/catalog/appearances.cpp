#include "catalog/appearances.h"

#include "catalog/blobs.h"
#include "catalog/catalog_impl.h"
#include "catalog/rows.h"

// Who was in view in videos, and when.
namespace eventlens {

namespace {

// What one appearance row holds; the conditions that follow name its columns a, those of its video v. The
// parameter ?1 is the model whose embeddings are wanted.
constexpr std::string_view select_appearance =
    "SELECT a.id, coalesce(a.chain, a.id), a.video, v.hidden, a.start, a.until, a.sightings, a.path, "
    "a.face_time,"
    " a.faces_embedded, a.goes_on, a.changed, f.appearance, f.x, f.y, f.width, f.height, f.landmarks,"
    " f.confidence, f.quality, e.vector FROM appearances a JOIN videos v ON v.id = a.video"
    " LEFT JOIN appearance_faces f ON f.appearance = a.id"
    " LEFT JOIN appearance_embeddings e ON e.appearance = a.id AND e.model = ?1 WHERE ";
constexpr int changed_column = 11;

AppearanceContent appearance_at(sqlite::Database& database, const sqlite::Query& row) {
    AppearanceContent content;
    content.appearance = row.integer(0);
    content.chain = row.integer(1);
    content.video = row.integer(2);
    content.hidden = row.integer(3) != 0;
    Appearance& seen = content.seen;
    seen.span = {row.real(4), row.real(5)};
    seen.sightings = row.integer(6);
    seen.path = path_of(row.blob(7));
    seen.face_time = row.real(8);
    seen.faces_embedded = static_cast<int>(row.integer(9));
    seen.goes_on = row.integer(10) != 0;
    if (!row.is_null(12)) seen.face = face_at(row, 13);
    auto read_row = database.query(
        "SELECT time, text, confidences, corners, evidence FROM appearance_reads WHERE appearance = ?"
        " ORDER BY ordinal",
        content.appearance);
    while (read_row.step()) seen.bib_reads.push_back({read_row.real(0), bib_read_at(read_row, 1)});
    return content;
}

// `condition` completes select_appearance; `values` are its parameters, from ?2 on.
template <typename... Values>
std::vector<AppearanceContent> appearances_where(sqlite::Database& database, std::string_view condition,
                                                 std::int64_t model, const Values&... values) {
    std::vector<AppearanceContent> appearances;
    auto row = database.query(std::string(select_appearance).append(condition), model, values...);
    while (row.step()) appearances.push_back(appearance_at(database, row));
    return appearances;
}

}  // namespace

AppearanceId AppearanceWriter::put(const Appearance& seen, std::optional<AppearanceId> continued) {
    require_finite({seen.span.start, seen.span.end, seen.face_time}, "an appearance with a time");
    if (seen.span.end < seen.span.start) {
        throw Error(ErrorCode::bad_input, "an appearance that ends before it starts");
    }
    for (const auto& [time, box] : seen.path) {
        require_finite({time, box.x, box.y, box.width, box.height}, "an appearance with a waypoint");
    }
    std::optional<AppearanceId> chain;
    if (continued) {
        auto row = database_.query("SELECT coalesce(chain, id) FROM appearances WHERE id = ? AND video = ?",
                                   *continued, video);
        if (!row.step()) throw Error(ErrorCode::bad_input, "an appearance that continues one of no video");
        chain = row.integer(0);
    }
    database_.run(
        "INSERT INTO appearances(event, video, chain, start, until, sightings, path, face_time, "
        "faces_embedded,"
        " goes_on, changed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        event, video, chain, seen.span.start, seen.span.end, seen.sightings,
        std::span<const std::byte>(path_blob(seen.path)), seen.face_time, seen.faces_embedded, seen.goes_on,
        change);
    const AppearanceId appearance = database_.last_insert_id();
    if (seen.face) put_face(appearance, *seen.face);
    put_reads(appearance, seen.bib_reads);
    return appearance;
}

void AppearanceWriter::put_face(AppearanceId appearance, const Face& face) {
    require_finite({face.box.x, face.box.y, face.box.width, face.box.height, face.confidence, face.quality},
                   "a face with a number");
    database_.run(
        "INSERT INTO appearance_faces(appearance, x, y, width, height, landmarks, confidence, quality)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        appearance, double{face.box.x}, double{face.box.y}, double{face.box.width}, double{face.box.height},
        std::span<const std::byte>(point_blob(face.landmarks)), double{face.confidence},
        double{face.quality});
    if (face.embedding.empty()) return;
    database_.run("INSERT INTO appearance_embeddings(appearance, model, vector) VALUES (?, ?, ?)", appearance,
                  embedder, std::span<const std::byte>(embedding_blob(face.embedding)));
}

void AppearanceWriter::put_reads(AppearanceId appearance, std::span<const TimedRead> reads) {
    int ordinal = 0;
    for (const auto& [time, read] : reads) {
        require_finite({time}, "a bib read at a time");
        database_.run(
            "INSERT INTO appearance_reads(appearance, ordinal, time, text, confidences, corners, evidence)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            appearance, ordinal++, time, read.text, std::span<const std::byte>(float_blob(read.confidences)),
            std::span<const std::byte>(point_blob(read.corners)),
            std::span<const std::byte>(float_blob(read.evidence)));
    }
}

std::vector<AppearanceContent> appearances_going_on(sqlite::Database& database, VideoId video,
                                                    std::int64_t embedder) {
    return appearances_where(database, "a.video = ?2 AND a.goes_on ORDER BY a.id", embedder, video);
}

std::vector<AppearanceContent> Catalog::appearances(VideoId video, const std::string& embedder) const {
    const auto read = impl_->read();
    if (!read->query("SELECT 1 FROM videos WHERE id = ?", video).step()) throw_not_found("video", video);
    return appearances_where(read.database(), "a.video = ?2 ORDER BY a.start, a.id",
                             find_model(read.database(), embedder), video);
}

std::vector<AppearanceContent> Catalog::appearances(std::span<const AppearanceId> appearances,
                                                    const std::string& embedder) const {
    const auto read = impl_->read();
    const auto model = find_model(read.database(), embedder);
    std::vector<AppearanceContent> contents;
    contents.reserve(appearances.size());
    for (const AppearanceId appearance : appearances) {
        for (AppearanceContent& content :
             appearances_where(read.database(), "a.id = ?2", model, appearance)) {
            contents.push_back(std::move(content));
        }
    }
    return contents;
}

AppearanceContent Catalog::appearance(AppearanceId appearance, const std::string& embedder) const {
    auto found = appearances(std::span(&appearance, 1), embedder);
    if (found.empty()) throw_not_found("appearance", appearance);
    return std::move(found.front());
}

EventChanges Catalog::appearance_changes_since(EventId event, std::int64_t counter,
                                               const std::string& embedder,
                                               const std::function<void(AppearanceContent&&)>& put,
                                               const std::function<void(AppearanceId)>& remove) const {
    const auto read_page = [&](sqlite::Database& database, ChangePlace& last, std::int64_t until) {
        std::vector<AppearanceContent> page;
        auto row = database.query(std::string(select_appearance) +
                                      "a.event = ?2 AND (a.changed, a.id) > (?3, ?4) AND a.changed <= ?5 "
                                      "ORDER BY a.changed, a.id LIMIT ?6",
                                  find_model(database, embedder), event, last.change, last.id, until,
                                  std::int64_t{changes_at_once});
        while (row.step()) {
            AppearanceContent& content = page.emplace_back(appearance_at(database, row));
            content.seen.path.clear();
            last = {.change = row.integer(changed_column), .id = content.appearance};
        }
        return page;
    };
    return impl_->tell_changes<AppearanceContent>(
        event, counter, "SELECT appearance FROM appearance_removals WHERE event = ? AND changed > ?",
        read_page, put, remove);
}

}  // namespace eventlens
