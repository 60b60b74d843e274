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
        try {
            (void)service.engine().face_finder();
        } catch (const Error& error) {
            log.warning(std::string("selfies cannot be searched: ") + error.what());
            models_missing = true;
        }
        ready = true;
        for (const EventId event : service.catalog().event_ids()) {
            if (ending) return;
            try {
                (void)service.engine().gallery_stats(event);
            } catch (const Error& error) {
                log.warning("event " + std::to_string(event) + " could not be loaded: " + error.what());
            }
        }
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
    const auto problems_of = [log = &impl_->log](const char* what) {
        return [log, what](const std::string& problem) { log->warning(std::string(what) + ": " + problem); };
    };
    WebhookSenderOptions webhooks;
    webhooks.on_problem = problems_of("webhooks");
    webhooks.on_attempt = [log = &impl_->log](const WebhookDelivery& delivery, bool delivered) {
        if (!delivered && delivery.attempts >= most_delivery_attempts)
            log->warning("webhook " + std::to_string(delivery.webhook) + ": delivery " + delivery.uuid +
                         " was given up");
    };
    impl_->webhooks = std::make_unique<WebhookSender>(engine, webhooks);
    impl_->service.wake_webhooks = [sender = impl_->webhooks.get()] { sender->wake(); };

    ClipWorkerOptions clips;
    clips.threads = config.clip_workers;
    clips.on_problem = problems_of("clips");
    clips.on_finished = [sender = impl_->webhooks.get()](const ClipJob&) { sender->wake(); };
    impl_->clip_workers = std::make_unique<ClipWorkers>(engine, clips);
    impl_->service.wake_clip_workers = [workers = impl_->clip_workers.get()] { workers->wake(); };

    IndexQueueOptions runs;
    runs.index.workers = config.index_workers;
    runs.on_problem = problems_of("index runs");
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

void Operation::stop() {
    begin_ending();
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
        if (!impl->ready)
            return failure(503, impl->ending ? "The server is ending" : "The models are being loaded");
        (void)impl->service.catalog().access_counter();  // the catalog answers
        return success(impl->models_missing ? "ready, without models: selfies cannot be searched" : "ready",
                       {{"status", "ready"}});
    };
    return {{.method = "GET", .pattern = "/healthz", .handler = alive, .weight = Weight::light},
            {.method = "GET", .pattern = "/readyz", .handler = ready, .weight = Weight::light}};
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
          admin_webhook_routes(), admin_usage_routes()})
        routes.insert(routes.end(), more.begin(), more.end());
    return routes;
}

}  // namespace eventlens::server
