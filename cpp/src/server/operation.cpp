#include "server/operation.h"

#include "eventlens/error.h"
#include "server/admin_routes.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/replies.h"
#include "server/routes.h"
#include "server/service.h"

#include <nlohmann/json.hpp>

namespace eventlens::server {

struct Operation::Impl {
    Impl(Service& of, Metrics& with_metrics, Log& with_log)
        : service(of), metrics(with_metrics), log(with_log) {}

    // The first search of an event would wait for its faces to be read, and the first of all for the models.
    void warm_up() {
        while (!ending && !load_models()) pause(std::chrono::seconds(5));
        ready = !ending;
        try {
            for (const EventId event : service.catalog().event_ids()) {
                if (ending) return;
                load_faces(event);
            }
        } catch (const std::exception& error) {
            log.warning("faces are read by the first search: " + without_names(error.what()));
        }
    }

    void load_faces(EventId event) {
        try {
            (void)service.engine().gallery_stats(event);
        } catch (const std::exception& error) {
            log.warning("faces of event " + std::to_string(event) +
                        " are read by the first search: " + without_names(error.what()));
        }
    }

    // Without them nothing can be searched, numbers neither; they may still be fetched.
    bool load_models() {
        try {
            (void)service.engine().face_finder();
            return true;
        } catch (const std::exception& error) {
            if (!models_missing.exchange(true))
                log.warning(std::string("nothing can be searched: ") + error.what());
            return false;
        }
    }

    void pause(std::chrono::milliseconds length) const {
        const auto end = std::chrono::steady_clock::now() + length;
        while (!ending && std::chrono::steady_clock::now() < end)
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }

    void watch_backlog() const {
        const auto watch = [this](const char* name, const char* help, std::int64_t Backlog::*what) {
            metrics.watch(name, help, [catalog = &service.catalog(), what] {
                return static_cast<double>(catalog->backlog().*what);
            });
        };
        watch("eventlens_clip_jobs_pending", "Clip jobs that wait or are in work.", &Backlog::clip_jobs);
        watch("eventlens_index_runs_pending", "Index runs that wait or run.", &Backlog::index_runs);
        watch("eventlens_webhook_deliveries_pending", "Deliveries that wait for their next attempt.",
              &Backlog::deliveries);
    }

    std::function<void(double)> count_searches() const {
        return [count = metrics.counter("eventlens_selfie_searches_total", "Selfies that were searched for."),
                time = metrics.counter("eventlens_selfie_search_seconds_total",
                                       "Time that they took, from the picture to what is stored.")](
                   double seconds) {
            count(1);
            time(seconds);
        };
    }

    std::function<void(const WebhookDelivery&, bool)> attempts_counted() const {
        return [delivered = metrics.counter("eventlens_webhook_deliveries_total", "Deliveries that arrived."),
                failed = metrics.counter("eventlens_webhook_failures_total",
                                         "Attempts of deliveries that did not."),
                given_up = metrics.counter("eventlens_webhook_given_up_total",
                                           "Deliveries that are not tried any more."),
                log = &log](const WebhookDelivery& delivery, bool arrived) {
            (arrived ? delivered : failed)(1);
            if (arrived || delivery.attempts < most_delivery_attempts) return;
            given_up(1);
            log->warning("webhook " + std::to_string(delivery.webhook) + ": delivery " + delivery.uuid +
                         " was given up");
        };
    }

    // Clients are told less than the log about why clips could not be made. Reasons may name folders and
    // buckets of the organiser's.
    std::function<void(const ClipJob&)> clips_counted() const {
        return [made = metrics.counter("eventlens_clips_made_total", "Clips that were cut and stored."),
                failed = metrics.counter("eventlens_clips_failed_total", "Clips that could not be."),
                log = &log](const ClipJob& job) {
            made(static_cast<double>(job.clips.size()));
            failed(static_cast<double>(job.failures.size()));
            const std::string event = "clips of event " + std::to_string(job.event) + ": ";
            for (const ClipFailure& failure : job.failures)
                log->warning(event + "video " + std::to_string(failure.video) + ": " +
                             without_names(failure.reason));
            if (job.state == ClipJobState::failed) log->warning(event + without_names(job.error));
        };
    }

    // What has been added since it was told last: runs are told of while they go on.
    std::function<void(IndexRunId, const IndexRunCounts&)> media_counted() const {
        return [photos = metrics.counter("eventlens_photos_indexed_total",
                                         "Photos that index runs of this server processed."),
                videos = metrics.counter("eventlens_videos_indexed_total", "Videos likewise."),
                footage = metrics.counter("eventlens_footage_indexed_seconds_total",
                                          "Length of what was read of them."),
                failed = metrics.counter("eventlens_media_failed_total",
                                         "Photos and videos that could not be processed."),
                last = IndexRunCounts{},
                of = IndexRunId{0}](IndexRunId run, const IndexRunCounts& counts) mutable {
            if (run != of) last = {};
            of = run;
            const auto add = [&](const auto& counter, auto now, auto before) {
                if (now > before) counter(static_cast<double>(now - before));
            };
            add(photos, counts.done - counts.failed, last.done - last.failed);
            add(videos, counts.videos_done - counts.videos_failed, last.videos_done - last.videos_failed);
            add(footage, counts.footage_seconds, last.footage_seconds);
            add(failed, counts.failed + counts.videos_failed, last.failed + last.videos_failed);
            last = counts;
        };
    }

    Service& service;
    Metrics& metrics;
    Log& log;
    std::atomic<bool> ready{false};
    std::atomic<bool> models_missing{false};
    std::atomic<bool> ending{false};
    std::thread warming;
    std::unique_ptr<WebhookSender> webhooks;  // outlives those who have news for it
    std::unique_ptr<ClipWorkers> clip_workers;
    std::unique_ptr<IndexQueue> index_queue;
    std::unique_ptr<Housekeeper> housekeeper;
};

Operation::Operation(Service& service, Metrics& metrics, Log& log)
    : impl_(std::make_unique<Impl>(service, metrics, log)) {}

Operation::~Operation() {
    stop();
}

void Operation::start() {
    impl_->warming = std::thread([impl = impl_.get()] { impl->warm_up(); });
    Engine& engine = impl_->service.engine();
    const Config& config = impl_->service.config();
    impl_->watch_backlog();
    impl_->service.selfie_searched = impl_->count_searches();
    const auto problems_of = [log = &impl_->log](const char* what) {
        return [log, what](const std::string& problem) {
            log->warning(std::string(what) + ": " + without_names(problem));
        };
    };
    WebhookSenderOptions webhooks;
    webhooks.on_problem = problems_of("webhooks");
    webhooks.on_attempt = impl_->attempts_counted();
    impl_->webhooks = std::make_unique<WebhookSender>(engine, webhooks);
    impl_->service.wake_webhooks = [sender = impl_->webhooks.get()] { sender->wake(); };

    ClipWorkerOptions clips;
    clips.threads = config.clip_workers;
    clips.on_problem = problems_of("clips");
    clips.on_finished = [sender = impl_->webhooks.get(), note = impl_->clips_counted()](const ClipJob& job) {
        note(job);
        sender->wake();
    };
    impl_->clip_workers = std::make_unique<ClipWorkers>(engine, clips);
    impl_->service.wake_clip_workers = [workers = impl_->clip_workers.get()] { workers->wake(); };

    IndexQueueOptions runs;
    runs.index.workers = config.index_workers;
    runs.on_problem = problems_of("index runs");
    runs.on_progress = impl_->media_counted();
    runs.on_finished = [sender = impl_->webhooks.get()](const IndexRunInfo&) { sender->wake(); };
    impl_->index_queue = std::make_unique<IndexQueue>(engine, runs);
    impl_->service.wake_index_queue = [queue = impl_->index_queue.get()] { queue->wake(); };

    HousekeeperOptions housekeeping;
    housekeeping.on_problem = problems_of("housekeeping");
    impl_->housekeeper = std::make_unique<Housekeeper>(engine, housekeeping);
}

void Operation::begin_ending() {
    impl_->ready = false;
    impl_->ending = true;
}

void Operation::leave_work() {
    if (impl_->index_queue) impl_->index_queue->end();
    if (impl_->clip_workers) impl_->clip_workers->end();
}

void Operation::stop() {
    begin_ending();
    leave_work();
    impl_->service.wake_clip_workers = [] {};
    impl_->service.wake_index_queue = [] {};
    impl_->service.wake_webhooks = [] {};
    impl_->housekeeper.reset();
    impl_->index_queue.reset();
    impl_->clip_workers.reset();
    impl_->webhooks.reset();
    if (impl_->warming.joinable()) impl_->warming.join();
}

std::vector<Route> Operation::health_routes() {
    const auto alive = [](Service&, const Caller&, const Request&) {
        return success("ok", {{"status", "ok"}});
    };
    const auto ready = [impl = impl_.get()](Service&, const Caller&, const Request&) {
        if (!impl->ready || impl->ending)
            return failure(503, impl->ending           ? "The server is ending"
                                : impl->models_missing ? "The models cannot be loaded; the log says why"
                                                       : "The models are being loaded");
        (void)impl->service.catalog().access_counter();  // the catalog answers
        return success("ready", {{"status", "ready"}});
    };
    return {{.method = "GET", .pattern = "/healthz", .handler = alive, .work = Work::light},
            {.method = "GET", .pattern = "/readyz", .handler = ready, .work = Work::light}};
}

std::vector<Route> Operation::administration_routes() {
    const auto metrics = [impl = impl_.get()](Service&, const Caller&, const Request&) {
        Reply reply{.content_type = "text/plain; version=0.0.4; charset=utf-8"};
        reply.body = impl->metrics.text();
        return reply;
    };
    std::vector<Route> routes{{.method = "GET", .pattern = "/metrics", .handler = metrics}};
    for (const auto& more :
         {admin_organisation_routes(), admin_event_routes(), admin_deletion_routes(), admin_run_routes(),
          admin_webhook_routes(), admin_usage_routes(), admin_page_routes()})
        routes.insert(routes.end(), more.begin(), more.end());
    return routes;
}

}  // namespace eventlens::server
