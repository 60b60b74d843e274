#include <algorithm>
#include <utility>

#include "base/uuid.h"
#include "catalog/catalog_impl.h"
#include "catalog/rows.h"
#include "catalog/webhooks.h"

// Index runs that wait, run and have run.
namespace eventlens {

namespace {

constexpr std::array<std::pair<IndexRunState, std::string_view>, 5> state_names{
    {{IndexRunState::queued, "queued"},
     {IndexRunState::running, "running"},
     {IndexRunState::completed, "completed"},
     {IndexRunState::failed, "failed"},
     {IndexRunState::cancelled, "cancelled"}}};

IndexRunState state_named(const std::string& text) {
    for (const auto& [state, name] : state_names) {
        if (name == text) return state;
    }
    throw Error(ErrorCode::bad_input, "catalog: a stored index run is damaged");
}

// To complete with a condition.
std::string select_run(std::string_view condition) {
    return std::string(
               "SELECT r.id, r.event, r.source, s.uri, r.retry_failed, r.state, r.cancel, r.error, r.created,"
               " r.started, r.finished, r.attempts FROM index_runs r JOIN sources s ON s.id = r.source "
               "WHERE ")
        .append(condition);
}

IndexRunInfo run_at(sqlite::Database& database, const sqlite::Query& row) {
    IndexRunInfo run;
    run.id = row.integer(0);
    run.event = row.integer(1);
    run.source = row.integer(2);
    run.source_uri = row.text(3);
    run.retry_failed = row.integer(4) != 0;
    run.state = state_named(row.text(5));
    run.cancelling = row.integer(6) != 0 && run.state == IndexRunState::running;
    run.error = row.text(7);
    run.created = row.integer(8);
    run.started = row.maybe_integer(9);
    run.finished = row.maybe_integer(10);
    run.attempts = static_cast<int>(row.integer(11));
    auto count = database.query("SELECT name, value FROM index_run_counts WHERE run = ?", run.id);
    while (count.step()) {
        const auto known = std::ranges::find(index_run_counts, count.text(0), &IndexRunCount::name);
        if (known != index_run_counts.end()) run.counts.*known->value = count.integer(1);
    }
    return run;
}

IndexRunInfo find_run(sqlite::Database& database, IndexRunId run) {
    auto row = database.query(select_run("r.id = ?"), run);
    if (!row.step()) throw_not_found("index run", run);
    return run_at(database, row);
}

bool holds(sqlite::Database& database, const Claim& claim) {
    const auto token = parse_uuid(claim.token);
    return token && database
                        .query("SELECT 1 FROM index_runs WHERE id = ? AND token = ? AND state = 'running'",
                               claim.id, std::as_bytes(std::span(*token)))
                        .step();
}

void put_counts(sqlite::Database& database, IndexRunId run, const IndexRunCounts& counts) {
    for (const auto& [name, value] : index_run_counts) {
        database.run("INSERT OR REPLACE INTO index_run_counts(run, name, value) VALUES (?, ?, ?)", run, name,
                     counts.*value);
    }
}

void finish(sqlite::Database& database, IndexRunId id, IndexRunState state, const std::string& error) {
    database.run(
        "UPDATE index_runs SET state = ?, error = ?, finished = ?, token = NULL, lease_until = 0 WHERE id = "
        "?",
        name_of(state), error, now_milliseconds(), id);
    const IndexRunInfo run = find_run(database, id);
    const IndexRunCounts& counts = run.counts;
    const auto field = [](std::string_view name, std::int64_t value) {
        return ",\"" + std::string(name) + "\":" + std::to_string(value);
    };
    enqueue_deliveries(database, run.event, "index.finished",
                       R"({"event_id":)" + std::to_string(run.event) + field("run_id", run.id) +
                           R"(,"status":")" + std::string(name_of(state)) + "\"" +
                           field("added", counts.added) + field("updated", counts.updated) +
                           field("unchanged", counts.unchanged) + field("removed", counts.removed) +
                           field("failed", counts.failed + counts.videos_failed) + "}");
}

}  // namespace

std::string_view name_of(IndexRunState state) {
    for (const auto& [value, name] : state_names) {
        if (value == state) return name;
    }
    throw Error(ErrorCode::internal, "catalog: a state without a name");
}

IndexRunInfo Catalog::add_index_run(EventId event, SourceId source, bool retry_failed) {
    auto write = impl_->write();
    if (!write->query("SELECT 1 FROM sources WHERE id = ? AND event = ?", source, event).step())
        throw_not_found("source", source);
    std::optional<IndexRunId> queued;
    {
        auto row = write->query(
            "SELECT id FROM index_runs WHERE source = ? AND state = 'queued' AND retry_failed = ?", source,
            retry_failed);
        if (row.step()) queued = row.integer(0);
    }
    if (!queued) {
        write->run(
            "INSERT INTO index_runs(event, source, retry_failed, state, created) VALUES (?, ?, ?, 'queued', "
            "?)",
            event, source, retry_failed, now_milliseconds());
        queued = write->last_insert_id();
    }
    IndexRunInfo run = find_run(write.database(), *queued);
    write.commit();
    return run;
}

IndexRunInfo Catalog::index_run(IndexRunId run) const {
    return find_run(impl_->read().database(), run);
}

std::vector<IndexRunInfo> Catalog::index_runs(EventId event, std::size_t limit) const {
    const auto read = impl_->read();
    require_event(read.database(), event);
    std::vector<IndexRunInfo> runs;
    auto row = read->query(select_run("r.event = ? ORDER BY r.id DESC LIMIT ?"), event,
                           static_cast<std::int64_t>(limit));
    while (row.step()) runs.push_back(run_at(read.database(), row));
    return runs;
}

std::vector<IndexRunFailure> Catalog::index_run_failures(IndexRunId run) const {
    const auto read = impl_->read();
    (void)find_run(read.database(), run);
    std::vector<IndexRunFailure> failures;
    auto row = read->query("SELECT key, reason FROM index_run_failures WHERE run = ? ORDER BY ordinal", run);
    while (row.step()) failures.push_back({row.blob_text(0), row.text(1)});
    return failures;
}

IndexRunInfo Catalog::cancel_index_run(IndexRunId id) {
    auto write = impl_->write();
    const IndexRunInfo run = find_run(write.database(), id);
    if (run.state == IndexRunState::queued) finish(write.database(), id, IndexRunState::cancelled, {});
    if (run.state == IndexRunState::running) write->run("UPDATE index_runs SET cancel = 1 WHERE id = ?", id);
    IndexRunInfo now = find_run(write.database(), id);
    write.commit();
    return now;
}

std::optional<Claim> Catalog::claim_index_run(std::chrono::milliseconds lease) {
    constexpr std::string_view waiting =
        "SELECT id, attempts, cancel FROM index_runs WHERE state IN ('queued', 'running') AND lease_until <= "
        "?"
        " ORDER BY id LIMIT 1";
    if (!impl_->read()->query(waiting, now_milliseconds()).step()) return std::nullopt;
    auto write = impl_->write();
    const auto now = now_milliseconds();
    std::optional<Claim> claim;
    while (!claim) {
        IndexRunId run = 0;
        std::int64_t attempts = 0;
        bool cancel = false;
        {
            auto row = write->query(waiting, now);
            if (!row.step()) break;
            run = row.integer(0);
            attempts = row.integer(1);
            cancel = row.integer(2) != 0;
        }
        if (cancel) {
            finish(write.database(), run, IndexRunState::cancelled, {});
        } else if (attempts >= most_attempts) {
            finish(write.database(), run, IndexRunState::failed,
                   "the run ended the process each time it was tried");
        } else {
            const Uuid token = make_uuid();
            write->run(
                "UPDATE index_runs SET state = 'running', token = ?, lease_until = ?, attempts = attempts + "
                "1,"
                " started = coalesce(started, ?) WHERE id = ?",
                std::as_bytes(std::span(token)), now + lease.count(), now, run);
            claim = Claim{run, uuid_text(token)};
        }
    }
    write.commit();
    return claim;
}

bool Catalog::renew_index_run(const Claim& claim, std::chrono::milliseconds lease) {
    auto write = impl_->write();
    if (!holds(write.database(), claim)) return false;
    write->run("UPDATE index_runs SET lease_until = ? WHERE id = ?", now_milliseconds() + lease.count(),
               claim.id);
    write.commit();
    return true;
}

void Catalog::give_back_index_run(const Claim& claim) {
    auto write = impl_->write();
    if (!holds(write.database(), claim)) return;
    write->run("UPDATE index_runs SET token = NULL, lease_until = 0, attempts = attempts - 1 WHERE id = ?",
               claim.id);
    write.commit();
}

bool Catalog::tell_index_run(const Claim& claim, const IndexRunCounts& counts) {
    auto write = impl_->write();
    if (!holds(write.database(), claim)) return false;
    put_counts(write.database(), claim.id, counts);
    const bool cancel = write->query("SELECT 1 FROM index_runs WHERE id = ? AND cancel", claim.id).step();
    write.commit();
    return !cancel;
}

bool Catalog::finish_index_run(const Claim& claim, IndexRunState state, const IndexRunCounts& counts,
                               std::span<const IndexRunFailure> failures, const std::string& error) {
    auto write = impl_->write();
    if (!holds(write.database(), claim)) return false;
    put_counts(write.database(), claim.id, counts);
    std::int64_t ordinal = 0;
    for (const IndexRunFailure& failure : failures.first(std::min(failures.size(), most_run_failures))) {
        write->run("INSERT OR REPLACE INTO index_run_failures(run, ordinal, key, reason) VALUES (?, ?, ?, ?)",
                   claim.id, ordinal++, bytes_of(failure.key), failure.reason);
    }
    finish(write.database(), claim.id, state, error);
    write.commit();
    return true;
}

Backlog Catalog::backlog() const {
    // Each is answered by the partial index of those that wait.
    const auto read = impl_->read();
    return {
        .clip_jobs = read->integer("SELECT count(*) FROM clip_jobs WHERE state = 'processing'"),
        .index_runs = read->integer("SELECT count(*) FROM index_runs WHERE state IN ('queued', 'running')"),
        .deliveries = read->integer("SELECT count(*) FROM webhook_deliveries WHERE next_try IS NOT NULL")};
}

}  // namespace eventlens
