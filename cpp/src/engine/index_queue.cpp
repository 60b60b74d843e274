#include "engine/index_queue.h"

#include <chrono>
#include <exception>
#include <utility>

#include "engine/leases.h"
#include "engine/shift.h"
#include "eventlens/error.h"

namespace eventlens {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds between_tellings{1};

// Leave a run that is under way.
struct Stopped {};
struct Cancelled {};

IndexRunCounts counts_of(const IndexProgress& progress) {
    return {.listed = progress.listed,
            .total = progress.total,
            .done = progress.done,
            .failed = progress.failed,
            .unchanged = progress.unchanged,
            .faces = progress.faces,
            .bib_reads = progress.bib_reads,
            .videos_total = progress.videos.total,
            .videos_done = progress.videos.done,
            .videos_failed = progress.videos.failed,
            .footage_seconds = static_cast<std::int64_t>(progress.videos.footage),
            .appearances = progress.videos.appearances};
}

void add_report(IndexRunCounts& counts, const IndexReport& report) {
    counts.unchanged = report.unchanged;
    counts.faces = report.faces;
    counts.bib_reads = report.bib_reads;
    counts.footage_seconds = static_cast<std::int64_t>(report.footage);
    counts.appearances = report.appearances;
    counts.added = report.added;
    counts.updated = report.updated;
    counts.removed = report.removed;
    counts.moved = report.moved;
    counts.renditions = report.renditions;
    counts.renditions_failed = static_cast<std::int64_t>(report.renditions_failed.size());
    counts.seconds = static_cast<std::int64_t>(report.seconds);
}

std::vector<IndexRunFailure> failures_of(const IndexReport& report) {
    std::vector<IndexRunFailure> failures;
    for (const auto* some : {&report.failed, &report.unlisted, &report.renditions_failed}) {
        for (const IndexFailure& failure : *some) failures.push_back({failure.key, failure.reason});
    }
    return failures;
}

std::string location_of(const Catalog& catalog, EventId event, SourceId source) {
    for (const SourceInfo& known : catalog.sources(event)) {
        if (known.id == source) return eventlens::location_of(known.uri, known.access);
    }
    throw Error(ErrorCode::not_found, "the source of this run is gone");
}

// One run, from its claim to its end.
class ClaimedRun {
  public:
    ClaimedRun(Engine& engine, const Claim& claim, const IndexOptions& options,
               const std::function<bool()>& stopped, const std::function<void(const IndexRunCounts&)>& told)
        : engine_(engine), claim_(claim), options_(options), stopped_(stopped), hears_(told) {}

    void run() {
        std::string trouble;
        try {
            const IndexRunInfo info = engine_.catalog().index_run(claim_.id);
            const IndexReport report =
                engine_.index(info.event, location_of(engine_.catalog(), info.event, info.source),
                              watched(info.retry_failed));
            add_report(counts_, report);
            hear();
            engine_.catalog().finish_index_run(claim_, IndexRunState::completed, counts_,
                                               failures_of(report));
            return;
        } catch (const Stopped&) {
            hear();
            engine_.catalog().give_back_index_run(claim_);
            return;
        } catch (const Cancelled&) {
            hear();
            engine_.catalog().finish_index_run(claim_, IndexRunState::cancelled, counts_);
            return;
        } catch (const std::exception& error) {
            if (stopped_()) {  // most likely the reason
                hear();
                engine_.catalog().give_back_index_run(claim_);
                return;
            }
            trouble = error.what();
        }
        hear();
        engine_.catalog().finish_index_run(claim_, IndexRunState::failed, counts_, {}, trouble);
    }

  private:
    IndexOptions watched(bool retry_failed) {
        IndexOptions watched = options_;
        watched.retry_failed = retry_failed;
        watched.progress = [this](const IndexProgress& progress) {
            counts_ = counts_of(progress);
            tell();
        };
        watched.while_waiting = [this] { tell(); };
        return watched;
    }

    void hear() const {
        if (hears_) hears_(counts_);
    }

    void tell() {
        if (stopped_()) throw Stopped{};
        const Clock::time_point now = Clock::now();
        if (now - told_ < between_tellings) return;
        told_ = now;
        hear();
        if (!engine_.catalog().tell_index_run(claim_, counts_)) throw Cancelled{};
    }

    Engine& engine_;
    const Claim& claim_;
    const IndexOptions& options_;
    const std::function<bool()>& stopped_;
    const std::function<void(const IndexRunCounts&)>& hears_;
    IndexRunCounts counts_;
    Clock::time_point told_{};
};

}  // namespace

void do_index_run(Engine& engine, const Claim& claim, const IndexOptions& options,
                  const std::function<bool()>& stopped,
                  const std::function<void(const IndexRunCounts&)>& told) {
    ClaimedRun(engine, claim, options, stopped, told).run();
}

struct IndexQueue::Impl {
    Impl(Engine& serving, IndexQueueOptions wanted)
        : engine(serving),
          options(std::move(wanted)),
          leases(
              options.lease,
              [this](const Claim& claim) { return engine.catalog().renew_index_run(claim, options.lease); },
              options.on_problem),
          shift(
              1, options.look_every, [this](const std::atomic<bool>& ending) { return work(ending); },
              options.on_problem) {}

    bool work(const std::atomic<bool>& ending) {
        const auto claim = engine.catalog().claim_index_run(options.lease);
        if (!claim) return false;
        const auto held = leases.hold(*claim);
        std::function<void(const IndexRunCounts&)> told;
        if (options.on_progress)
            told = [&](const IndexRunCounts& counts) { options.on_progress(claim->id, counts); };
        engine.do_index_run(
            *claim, options.index, [&] { return ending || held->lost; }, told);
        if (options.on_finished) tell_finished(claim->id);
        return true;
    }

    void tell_finished(IndexRunId id) const {
        IndexRunInfo run;
        try {
            run = engine.catalog().index_run(id);
        } catch (const Error& error) {
            if (error.code() != ErrorCode::not_found) throw;
            return;  // its event was removed meanwhile
        }
        if (run.state != IndexRunState::queued && run.state != IndexRunState::running)
            options.on_finished(run);
    }

    Engine& engine;
    const IndexQueueOptions options;
    LeaseKeeper leases;
    Shift shift;  // ends first
};

IndexQueue::IndexQueue(Engine& engine, const IndexQueueOptions& options)
    : impl_(std::make_unique<Impl>(engine, options)) {}
IndexQueue::~IndexQueue() = default;

void IndexQueue::wake() {
    impl_->shift.wake();
}

void IndexQueue::end() {
    impl_->shift.end();
}

}  // namespace eventlens
