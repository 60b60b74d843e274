#include <array>
#include <utility>

#include "base/uuid.h"
#include "catalog/catalog_impl.h"
#include "catalog/renditions.h"
#include "catalog/rows.h"
#include "catalog/webhooks.h"

// Clips that are made of what a search found, by workers who may disappear at any moment.
namespace eventlens {

namespace {

constexpr std::array<std::pair<ClipJobState, std::string_view>, 6> state_names{
    {{ClipJobState::processing, "processing"},
     {ClipJobState::completed, "completed"},
     {ClipJobState::no_matches, "no_matches"},
     {ClipJobState::no_segments, "no_segments"},
     {ClipJobState::clip_failed, "clip_failed"},
     {ClipJobState::failed, "failed"}}};

ClipJobState state_named(const std::string& text) {
    for (const auto& [state, name] : state_names) {
        if (name == text) return state;
    }
    throw Error(ErrorCode::bad_input, "catalog: a stored clip job is damaged");
}

bool came_to_nothing(ClipJobState state) {
    return state == ClipJobState::clip_failed || state == ClipJobState::failed;
}

// To complete with a condition.
constexpr std::string_view select_job =
    "SELECT j.id, s.event, s.request_id, s.kind, j.state, j.error, j.created, j.finished, j.attempts"
    " FROM clip_jobs j JOIN searches s ON s.id = j.search WHERE ";
constexpr std::string_view select_clip =
    "SELECT c.uuid, c.video, v.key, c.start, c.until, t.id, t.uri, t.access, c.key, c.bytes, c.failure, "
    "c.video_gone"
    " FROM clips c JOIN videos v ON v.id = c.video JOIN stores t ON t.id = c.store WHERE ";

std::string sql(std::string_view select, std::string_view condition) {
    return std::string(select).append(condition);
}

JobClip clip_at(const sqlite::Query& row) {
    return {.uuid = uuid_at(row, 0),
            .video = row.integer(1),
            .video_key = row.blob_text(2),
            .span = {row.real(3), row.real(4)},
            .file = {row.integer(5), row.text(6), row.text(7), row.text(8)},
            .bytes = row.maybe_integer(9).value_or(0)};
}

// Without its clips.
ClipJob job_at(const sqlite::Query& row) {
    ClipJob job;
    job.id = row.integer(0);
    job.event = row.integer(1);
    job.request_id = uuid_at(row, 2);
    job.kind = row.text(3) == "bib" ? SearchKind::bib : SearchKind::selfie;
    job.state = state_named(row.text(4));
    job.error = row.text(5);
    job.created = row.integer(6);
    job.finished = row.maybe_integer(7);
    job.attempts = static_cast<int>(row.integer(8));
    return job;
}

void read_clips(sqlite::Database& database, ClipJob& job) {
    auto row = database.query(sql(select_clip, "c.job = ? AND NOT v.hidden ORDER BY c.video"), job.id);
    while (row.step()) {
        JobClip clip = clip_at(row);
        if (!row.is_null(9)) {
            job.clips.push_back(std::move(clip));
        } else if (!row.is_null(10)) {
            job.failures.push_back(
                {clip.video, std::move(clip.video_key), row.text(10), row.integer(11) != 0});
        }
    }
    // Clips go with their videos.
    if (job.state == ClipJobState::completed && job.clips.empty()) job.state = ClipJobState::clip_failed;
}

std::optional<ClipJob> job_of_search(sqlite::Database& database, EventId event, const Uuid& request) {
    auto row = database.query(
        sql(select_job, "s.event = ? AND s.request_id = ? AND (s.expires IS NULL OR s.expires > ?)"), event,
        std::as_bytes(std::span(request)), now_milliseconds());
    if (!row.step()) return std::nullopt;
    ClipJob job = job_at(row);
    read_clips(database, job);
    return job;
}

// Whether the claim still holds. A lease that has ended holds as long as nobody else took the work on.
bool holds(sqlite::Database& database, const Claim& claim) {
    const auto token = parse_uuid(claim.token);
    return token && database
                        .query("SELECT 1 FROM clip_jobs WHERE id = ? AND token = ? AND state = 'processing'",
                               claim.id, std::as_bytes(std::span(*token)))
                        .step();
}

// What the job's clips come to.
ClipJobState outcome(sqlite::Database& database, std::int64_t job, bool broke_off) {
    auto row = database.query("SELECT count(*), count(bytes) FROM clips WHERE job = ?", job);
    row.step();
    if (row.integer(1) > 0) return ClipJobState::completed;
    if (broke_off) return ClipJobState::failed;
    return row.integer(0) > 0 ? ClipJobState::clip_failed : ClipJobState::no_segments;
}

// To whom it may concern.
void announce(sqlite::Database& database, std::int64_t job) {
    EventId event = 0;
    std::string data;
    {
        auto row = database.query(
            "SELECT s.event, s.request_id, s.kind, j.state,"
            " (SELECT count(bytes) FROM clips WHERE job = j.id),"
            " (SELECT count(failure) FROM clips WHERE job = j.id)"
            " FROM clip_jobs j JOIN searches s ON s.id = j.search WHERE j.id = ?",
            job);
        if (!row.step()) return;
        event = row.integer(0);
        data = R"({"event_id":)" + std::to_string(event) + R"(,"request_id":")" + uuid_at(row, 1) +
               R"(","kind":")" + row.text(2) + R"(","status":")" + row.text(3) + R"(","clips":)" +
               std::to_string(row.integer(4)) + R"(,"failed":)" + std::to_string(row.integer(5)) + "}";
    }
    enqueue_deliveries(database, event, "clips.finished", data);
}

void finish(sqlite::Database& database, std::int64_t job, const std::string& error) {
    const ClipJobState state = outcome(database, job, !error.empty());
    if (!error.empty()) {
        database.run("UPDATE clips SET failure = ? WHERE job = ? AND bytes IS NULL AND failure IS NULL",
                     error, job);
    }
    database.run(
        "UPDATE clip_jobs SET state = ?, error = ?, finished = ?, token = NULL, lease_until = 0 WHERE id = ?",
        name_of(state), state == ClipJobState::failed ? error : std::string(), now_milliseconds(), job);
    announce(database, job);
}

StoreId store_for_clips(sqlite::Database& database, EventId event) {
    {
        auto row = database.query("SELECT store FROM rendition_settings WHERE event = ?", event);
        if (row.step()) return row.integer(0);
    }
    return find_or_add_store(database, {}, {});  // the workspace's own folder
}

}  // namespace

std::string_view name_of(ClipJobState state) {
    for (const auto& [value, name] : state_names) {
        if (value == state) return name;
    }
    throw Error(ErrorCode::internal, "catalog: a state without a name");
}

std::string clips_folder(EventId event) {
    return "vids/" + std::to_string(event) + "/";
}

std::string clip_key(EventId event, SearchKind kind, const std::string& request_id,
                     const std::string& clip_uuid) {
    return clips_folder(event) + "motion/" + (kind == SearchKind::bib ? "bib/" : "selfie/") + request_id +
           "/" + clip_uuid + ".mp4";
}

ClipJob Catalog::start_clip_job(EventId event, const std::string& request_id, bool found_anybody) {
    const auto uuid = parse_uuid(request_id);
    auto write = impl_->write();
    std::optional<std::int64_t> search;
    if (uuid) {
        auto row = write->query(
            "SELECT id, searched_videos FROM searches"
            " WHERE event = ? AND request_id = ? AND (expires IS NULL OR expires > ?)",
            event, std::as_bytes(std::span(*uuid)), now_milliseconds());
        if (row.step()) {
            if (row.integer(1) == 0)
                throw Error(ErrorCode::bad_input, "this search was made before the event had videos");
            search = row.integer(0);
        }
    }
    if (!search) throw Error(ErrorCode::not_found, "there is no search " + request_id);
    const auto before = job_of_search(write.database(), event, *uuid);
    if (before && !came_to_nothing(before->state)) return *before;

    if (before) write->run("DELETE FROM clip_jobs WHERE id = ?", before->id);
    const ClipJobState state = found_anybody ? ClipJobState::processing : ClipJobState::no_matches;
    const auto now = now_milliseconds();
    std::optional<UtcMilliseconds> finished;
    if (!found_anybody) finished = now;
    write->run("INSERT INTO clip_jobs(search, state, created, finished) VALUES (?, ?, ?, ?)", *search,
               name_of(state), now, finished);
    const ClipJob job = *job_of_search(write.database(), event, *uuid);
    if (!found_anybody) announce(write.database(), job.id);
    write.commit();
    return job;
}

std::optional<ClipJob> Catalog::clip_job(EventId event, const std::string& request_id) const {
    const auto uuid = parse_uuid(request_id);
    if (!uuid) return std::nullopt;
    return job_of_search(impl_->read().database(), event, *uuid);
}

ClipJob Catalog::clip_job(const Claim& claim) const {
    const auto read = impl_->read();
    auto row = read->query(sql(select_job, "j.id = ?"), claim.id);
    if (!row.step()) throw_not_found("clip job", claim.id);
    ClipJob job = job_at(row);
    read_clips(read.database(), job);
    return job;
}

std::optional<Claim> Catalog::claim_clip_job(std::chrono::milliseconds lease) {
    constexpr std::string_view waiting =
        "SELECT id, attempts FROM clip_jobs WHERE state = 'processing' AND lease_until <= ? ORDER BY id "
        "LIMIT 1";
    if (!impl_->read()->query(waiting, now_milliseconds()).step()) return std::nullopt;
    auto write = impl_->write();
    const auto now = now_milliseconds();
    std::optional<Claim> claim;
    while (!claim) {
        std::int64_t job = 0;
        std::int64_t attempts = 0;
        {
            auto row = write->query(waiting, now);
            if (!row.step()) break;
            job = row.integer(0);
            attempts = row.integer(1);
        }
        if (attempts >= most_attempts) {
            finish(write.database(), job, "making the clips ended the process each time it was tried");
            continue;
        }
        const Uuid token = make_uuid();
        write->run("UPDATE clip_jobs SET token = ?, lease_until = ?, attempts = attempts + 1 WHERE id = ?",
                   std::as_bytes(std::span(token)), now + lease.count(), job);
        claim = Claim{job, uuid_text(token)};
    }
    write.commit();
    return claim;
}

bool Catalog::renew_clip_job(const Claim& claim, std::chrono::milliseconds lease) {
    auto write = impl_->write();
    if (!holds(write.database(), claim)) return false;
    write->run("UPDATE clip_jobs SET lease_until = ? WHERE id = ?", now_milliseconds() + lease.count(),
               claim.id);
    write.commit();
    return true;
}

void Catalog::give_back_clip_job(const Claim& claim) {
    auto write = impl_->write();
    if (!holds(write.database(), claim)) return;
    write->run("UPDATE clip_jobs SET token = NULL, lease_until = 0, attempts = attempts - 1 WHERE id = ?",
               claim.id);
    write.commit();
}

bool Catalog::plan_clip_job(const Claim& claim, std::span<const ClipPlan> clips) {
    auto write = impl_->write();
    if (!holds(write.database(), claim)) return false;
    if (write->query("SELECT 1 FROM clips WHERE job = ?", claim.id).step()) return true;
    ClipJob job;
    {
        auto row = write->query(sql(select_job, "j.id = ?"), claim.id);
        if (!row.step()) return false;
        job = job_at(row);
    }
    const StoreId store = store_for_clips(write.database(), job.event);
    for (const ClipPlan& clip : clips) {
        require_finite({clip.span.start, clip.span.end}, "a clip");
        const Uuid uuid = make_uuid();
        // Not of a video that was removed meanwhile.
        write->run(
            "INSERT INTO clips(uuid, job, video, start, until, store, key)"
            " SELECT ?, ?, id, ?, ?, ?, ? FROM videos WHERE id = ? AND event = ?",
            std::as_bytes(std::span(uuid)), claim.id, clip.span.start, clip.span.end, store,
            clip_key(job.event, job.kind, job.request_id, uuid_text(uuid)), clip.video, job.event);
    }
    write.commit();
    return true;
}

std::optional<JobClip> Catalog::next_clip(const Claim& claim) {
    auto write = impl_->write();
    if (!holds(write.database(), claim)) return std::nullopt;
    std::optional<JobClip> clip;
    {
        // Should cutting one of them end the process, the others are there by the time it is tried again.
        auto row = write->query(
            sql(select_clip,
                "c.job = ? AND c.bytes IS NULL AND c.failure IS NULL ORDER BY c.tries, c.id LIMIT 1"),
            claim.id);
        if (row.step()) clip = clip_at(row);
    }
    if (!clip) return std::nullopt;
    write->run("UPDATE clips SET tries = tries + 1 WHERE job = ? AND video = ?", claim.id, clip->video);
    write.commit();
    return clip;
}

bool Catalog::put_clip(const Claim& claim, const JobClip& stored) {
    const Uuid uuid = parse_uuid(stored.uuid).value_or(Uuid{});
    const auto bytes = std::as_bytes(std::span(uuid));
    auto write = impl_->write();
    const bool held = holds(write.database(), claim);
    if (!write->query("SELECT 1 FROM clips WHERE uuid = ?", bytes).step()) {
        write->run("INSERT OR IGNORE INTO unwanted_files(store, key) VALUES (?, ?)", stored.file.store,
                   stored.file.key);
    } else if (held) {
        write->run("UPDATE clips SET bytes = ?, failure = NULL WHERE uuid = ?", stored.bytes, bytes);
    }
    write.commit();
    return held;
}

bool Catalog::fail_clip(const Claim& claim, const JobClip& clip, const std::string& reason,
                        bool video_is_gone) {
    const Uuid uuid = parse_uuid(clip.uuid).value_or(Uuid{});
    auto write = impl_->write();
    if (!holds(write.database(), claim)) return false;
    write->run("UPDATE clips SET failure = ?, video_gone = ? WHERE uuid = ?", reason, video_is_gone,
               std::as_bytes(std::span(uuid)));
    write.commit();
    return true;
}

bool Catalog::finish_clip_job(const Claim& claim, const std::string& error) {
    auto write = impl_->write();
    if (!holds(write.database(), claim)) return false;
    finish(write.database(), claim.id, error);
    write.commit();
    return true;
}

std::optional<JobClip> Catalog::find_clip(EventId event, const std::string& request_id,
                                          const std::string& clip_uuid) const {
    const auto request = parse_uuid(request_id);
    const auto uuid = parse_uuid(clip_uuid);
    if (!request || !uuid) return std::nullopt;
    const auto read = impl_->read();
    auto row = read->query(
        sql(select_clip,
            "c.uuid = ? AND c.bytes IS NOT NULL AND NOT v.hidden AND EXISTS(SELECT 1 FROM clip_jobs j"
            " JOIN searches s ON s.id = j.search WHERE j.id = c.job AND s.event = ? AND s.request_id = ?"
            " AND (s.expires IS NULL OR s.expires > ?))"),
        std::as_bytes(std::span(*uuid)), event, std::as_bytes(std::span(*request)), now_milliseconds());
    if (!row.step()) return std::nullopt;
    return clip_at(row);
}

}  // namespace eventlens
