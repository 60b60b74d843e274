#include <algorithm>
#include <cmath>

#include "base/uuid.h"
#include "catalog/appearances.h"
#include "catalog/catalog_impl.h"
#include "catalog/rows.h"

// Videos, and how far they have been read.
namespace eventlens {

namespace {

void forget_appearances(sqlite::Database& database, EventId event, VideoId video, std::int64_t change) {
    database.run(
        "INSERT INTO appearance_removals(event, changed, appearance) SELECT ?, ?, id FROM appearances WHERE "
        "video = ?",
        event, change, video);
    database.run("DELETE FROM appearances WHERE video = ?", video);
}

// What is known of a video, as far as it decides where to begin.
struct Before {
    VideoId video = 0;
    bool same = false;  // the same contents, by the same models, and nothing failed
    double indexed_until = 0;
    bool finished = false;
    std::int64_t damaged_frames = 0;
};

std::optional<Before> known_before(sqlite::Database& database, SourceId source, const VideoRecord& record,
                                   std::int64_t embedder, std::int64_t reader) {
    auto row = database.query(
        "SELECT id, fingerprint = ?3 AND embedder IS ?4 AND reader = ?5 AND failure IS NULL, indexed_until,"
        " finished, damaged_frames FROM videos WHERE source = ?1 AND key = ?2",
        source, bytes_of(record.key), bytes_of(record.fingerprint), embedder, reader);
    if (!row.step()) return std::nullopt;
    return Before{row.integer(0), row.integer(1) != 0, row.real(2), row.integer(3) != 0, row.integer(4)};
}

// The event has videos now: clients may ask for them, unless somebody has said otherwise.
void turn_on_video_flags(sqlite::Database& database, EventId event, std::int64_t change) {
    database.run(
        "UPDATE events SET video_search = 1, video_selfie_search = 1, settings_changed = ?"
        " WHERE id = ? AND NOT video_flags_chosen AND NOT (video_search AND video_selfie_search)",
        change, event);
}

void require_sound(const VideoReading& reading, const VideoFootage& footage) {
    if (reading.finished) throw Error(ErrorCode::bad_input, "the video was read to its end already");
    require_finite({footage.until}, "a position in a video");
    if (footage.until < reading.indexed_until) {
        throw Error(ErrorCode::bad_input, "a position before the one that the video was read to");
    }
    for (const Appearance& appearance : footage.appearances) {
        if (appearance.continues >= static_cast<int>(reading.going_on_ids.size())) {
            throw Error(ErrorCode::bad_input, "an appearance that continues one that does not go on");
        }
    }
}

constexpr std::string_view select_video =
    "SELECT id, uuid, event, source, key, fingerprint, bytes, container, codec, width, height, rotation,"
    " frame_rate, duration, audio_tracks, recorded_utc, failure, hidden, indexed_until, finished,"
    " damaged_frames, indexed FROM videos WHERE ";

std::optional<VideoEntry> next_video(sqlite::Query& row) {
    if (!row.step()) return std::nullopt;
    VideoEntry video;
    video.id = row.integer(0);
    video.uuid = uuid_at(row, 1);
    video.event = row.integer(2);
    video.source = row.integer(3);
    video.key = row.blob_text(4);
    video.fingerprint = row.blob_text(5);
    video.bytes = row.integer(6);
    video.info.container = row.text(7);
    video.info.codec = row.text(8);
    video.info.size = {static_cast<int>(row.integer(9)), static_cast<int>(row.integer(10))};
    video.info.rotation = static_cast<int>(row.integer(11));
    video.info.frame_rate = row.real(12);
    video.info.duration = row.real(13);
    video.info.audio_tracks = static_cast<int>(row.integer(14));
    video.info.recorded_utc = row.maybe_integer(15);
    video.failure = row.text(16);
    video.hidden = row.integer(17) != 0;
    video.indexed_until = row.real(18);
    video.finished = row.integer(19) != 0;
    video.damaged_frames = row.integer(20);
    video.indexed = row.integer(21);
    return video;
}

// `condition` completes select_video; `values` are its parameters.
template <typename... Values>
std::optional<VideoEntry> video_where(sqlite::Database& database, std::string_view condition,
                                      const Values&... values) {
    auto row = database.query(std::string(select_video).append(condition), values...);
    return next_video(row);
}

}  // namespace

VideoReading Catalog::begin_video(SourceId source, const Recognition& made_by, const VideoRecord& record) {
    if (record.key.empty()) throw Error(ErrorCode::bad_input, "a video without a key");
    const VideoInfo& info = record.info;
    require_finite({info.frame_rate, info.duration}, "a video with a frame rate or a duration");
    std::optional<std::string> failure;
    if (!record.failure.empty()) failure = record.failure;

    auto write = impl_->write();
    EventId event = 0;
    {
        auto row = write->query("SELECT event FROM sources WHERE id = ?", source);
        if (!row.step()) throw_not_found("source", source);
        event = row.integer(0);
    }
    if (is_forbidden(write.database(), source, record.key)) {  // since the run that reads it began
        VideoReading none;
        none.finished = true;
        return none;
    }
    const auto change = next_change(write.database(), event);
    if (!failure) turn_on_video_flags(write.database(), event, change);
    const auto embedder = find_or_add_model(write.database(), made_by.embedder);
    const auto reader = find_or_add_model(write.database(), made_by.reader);
    const auto before = known_before(write.database(), source, record, embedder, reader);
    VideoReading reading{.turn = change};
    const bool same = before && before->same;
    if (same) {
        reading.indexed_until = before->indexed_until;
        reading.damaged_frames = before->damaged_frames;
    } else if (before) {
        forget_appearances(write.database(), event, before->video, change);
    }
    reading.finished = failure || (same && before->finished);

    if (same && failure) {  // what it once said of itself stays, too
        reading.video = before->video;
        write->run("UPDATE videos SET failure = ?, turn = ?, finished = 1, indexed = ? WHERE id = ?", failure,
                   change, now_milliseconds(), reading.video);
    } else {
        const Uuid uuid = make_uuid();
        auto row = write->query(
            "INSERT INTO videos(uuid, event, source, key, fingerprint, bytes, container, codec, width, "
            "height,"
            " rotation, frame_rate, duration, audio_tracks, recorded_utc, failure, embedder, reader, turn,"
            " indexed_until, finished, damaged_frames, indexed)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT(source, key) DO UPDATE SET fingerprint = excluded.fingerprint, bytes = "
            "excluded.bytes,"
            " container = excluded.container, codec = excluded.codec, width = excluded.width,"
            " height = excluded.height, rotation = excluded.rotation, frame_rate = excluded.frame_rate,"
            " duration = excluded.duration, audio_tracks = excluded.audio_tracks,"
            " recorded_utc = excluded.recorded_utc, failure = excluded.failure, embedder = excluded.embedder,"
            " reader = excluded.reader, turn = excluded.turn, indexed_until = excluded.indexed_until,"
            " finished = excluded.finished, damaged_frames = excluded.damaged_frames, indexed = "
            "excluded.indexed"
            " RETURNING id",
            std::as_bytes(std::span(uuid)), event, source, bytes_of(record.key), bytes_of(record.fingerprint),
            record.bytes, info.container, info.codec, info.size.width, info.size.height, info.rotation,
            info.frame_rate, info.duration, info.audio_tracks, info.recorded_utc, failure, embedder, reader,
            change, reading.indexed_until, reading.finished, reading.damaged_frames, now_milliseconds());
        row.step();
        reading.video = row.integer(0);
        row.run();
    }
    if (!reading.finished) {
        for (AppearanceContent& going_on : appearances_going_on(write.database(), reading.video, embedder)) {
            reading.going_on_ids.push_back(going_on.appearance);
            reading.going_on.push_back(std::move(going_on.seen));
        }
    }
    write.commit();
    return reading;
}

bool Catalog::put_footage(VideoReading& reading, const VideoFootage& footage) {
    require_sound(reading, footage);
    std::optional<std::string> failure;
    if (!footage.failure.empty()) failure = footage.failure;
    VideoReading next{.video = reading.video,
                      .turn = reading.turn,
                      .indexed_until = footage.until,
                      .damaged_frames = footage.damaged_frames,
                      .finished = footage.finished || failure};

    auto write = impl_->write();
    AppearanceWriter writer(write.database());
    {
        auto row = write->query("SELECT event, embedder FROM videos WHERE id = ? AND turn = ?", reading.video,
                                reading.turn);
        if (!row.step()) return false;
        writer.event = row.integer(0);
        writer.video = reading.video;
        writer.embedder = row.integer(1);
    }
    if (!footage.appearances.empty()) writer.change = next_change(write.database(), writer.event);
    write->run("UPDATE appearances SET goes_on = 0 WHERE video = ? AND goes_on", reading.video);
    for (const Appearance& seen : footage.appearances) {
        std::optional<AppearanceId> continued;
        if (seen.continues >= 0) continued = reading.going_on_ids[static_cast<std::size_t>(seen.continues)];
        const AppearanceId id = writer.put(seen, continued);
        if (!seen.goes_on || next.finished) continue;
        next.going_on.push_back(seen);
        next.going_on.back().continues = -1;
        next.going_on_ids.push_back(id);
    }
    write->run(
        "UPDATE videos SET indexed_until = ?, finished = ?, damaged_frames = ?, failure = ?, indexed = ?"
        " WHERE id = ?",
        next.indexed_until, next.finished, next.damaged_frames, failure, now_milliseconds(), next.video);
    write.commit();
    reading = std::move(next);
    return true;
}

void Catalog::known_videos(SourceId source, const Recognition& wanted,
                           const std::function<void(const KnownVideo&)>& visit) const {
    impl_->visit_known<KnownVideo>(
        source, visit,
        "SELECT id, key, fingerprint, bytes, failure IS NOT NULL, indexed_until = 0 OR ("
        "  reader = (SELECT id FROM models WHERE name = ?3)"
        "  AND embedder IS (SELECT id FROM models WHERE name = ?4)), finished"
        " FROM videos WHERE source = ?1 AND key > ?2 ORDER BY key LIMIT ?5",
        [](sqlite::Query& row) -> KnownVideo {
            return {row.integer(0),      row.blob_text(1),    row.blob_text(2),   row.integer(3),
                    row.integer(4) != 0, row.integer(5) != 0, row.integer(6) != 0};
        },
        wanted);
}

bool forget_video(sqlite::Database& database, EventId event, VideoId video, std::int64_t change) {
    if (!database.query("SELECT 1 FROM videos WHERE id = ? AND event = ?", video, event).step()) return false;
    forget_appearances(database, event, video, change);
    database.run("DELETE FROM videos WHERE id = ?", video);
    return true;
}

std::size_t Catalog::Impl::remove_videos(EventId event, std::span<const VideoId> videos, Removal removal) {
    std::size_t removed = 0;
    for (const VideoId video : videos) {  // each may have thousands of appearances
        auto transaction = write();
        const auto change = next_change(transaction.database(), event);
        if (removal == Removal::for_good) forbid_video(transaction.database(), event, video);
        if (!forget_video(transaction.database(), event, video, change)) continue;
        transaction.commit();
        ++removed;
    }
    if (removed > 0) empty_log();
    return removed;
}

std::size_t Catalog::remove_videos(EventId event, std::span<const VideoId> videos) {
    return impl_->remove_videos(event, videos, Removal::forget);
}

std::size_t Catalog::delete_videos(EventId event, std::span<const VideoId> videos) {
    return impl_->remove_videos(event, videos, Removal::for_good);
}

void Catalog::Impl::remove_video_embeddings(EventId event, const std::string& embedder) {
    while (true) {
        auto transaction = write();
        const auto change = next_change(transaction.database(), event);
        VideoId video = 0;
        {
            auto row = transaction->query(
                "SELECT v.id FROM videos v JOIN models m ON m.id = v.embedder WHERE v.event = ? AND m.name = "
                "?"
                " LIMIT 1",
                event, embedder);
            if (!row.step()) return;
            video = row.integer(0);
        }
        // A new turn: whoever is reading the video stops, as what they would add has nothing to join.
        transaction->run("UPDATE videos SET embedder = NULL, turn = ? WHERE id = ?", change, video);
        transaction->run(
            "DELETE FROM appearance_embeddings WHERE appearance IN (SELECT id FROM appearances WHERE video = "
            "?)",
            video);
        transaction->run("UPDATE appearances SET changed = ? WHERE video = ?", change, video);
        transaction.commit();
    }
}

std::size_t Catalog::set_videos_hidden(EventId event, std::span<const VideoId> videos, bool hidden) {
    auto write = impl_->write();
    const auto change = next_change(write.database(), event);
    std::size_t changed = 0;
    for (const VideoId video : videos) {
        write->run("UPDATE videos SET hidden = ?1 WHERE id = ?2 AND event = ?3 AND hidden <> ?1", hidden,
                   video, event);
        if (write->changes() == 0) continue;
        write->run("UPDATE appearances SET changed = ? WHERE video = ?", change, video);
        ++changed;
    }
    write.commit();
    return changed;
}

VideoEntry Catalog::video(VideoId video) const {
    const auto read = impl_->read();
    auto entry = video_where(read.database(), "id = ?", video);
    if (!entry) throw_not_found("video", video);
    return *std::move(entry);
}

std::vector<VideoEntry> Catalog::videos(EventId event) const {
    const auto read = impl_->read();
    require_event(read.database(), event);
    std::vector<VideoEntry> videos;
    auto row = read->query(std::string(select_video) + "event = ? ORDER BY id", event);
    while (auto entry = next_video(row)) videos.push_back(*std::move(entry));
    return videos;
}

std::optional<VideoEntry> Catalog::find_video(EventId event, const std::string& uuid) const {
    const auto parsed = parse_uuid(uuid);
    if (!parsed) return std::nullopt;
    const auto read = impl_->read();
    return video_where(read.database(), "uuid = ? AND event = ?", std::as_bytes(std::span(*parsed)), event);
}

std::optional<VideoEntry> Catalog::find_video_by_key(SourceId source, const std::string& key) const {
    const auto read = impl_->read();
    return video_where(read.database(), "source = ? AND key = ?", source, bytes_of(key));
}

}  // namespace eventlens
