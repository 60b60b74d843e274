#include "python_types.h"

// What is asked of a server: index runs that wait, run and have run; and the webhooks that are told of what
// has finished.
namespace eventlens::python {

namespace {

void bind_values(py::module_& module) {
    py::class_<IndexRunInfo>(module, "IndexRunInfo", "An index run that somebody asked for.")
        .def_readonly("id", &IndexRunInfo::id)
        .def_readonly("event", &IndexRunInfo::event)
        .def_readonly("source", &IndexRunInfo::source)
        .def_property_readonly("source_uri",
                               [](const IndexRunInfo& run) { return text_of_key(run.source_uri); })
        .def_readonly("retry_failed", &IndexRunInfo::retry_failed)
        .def_property_readonly("state",
                               [](const IndexRunInfo& run) { return std::string(name_of(run.state)); })
        .def_readonly("cancelling", &IndexRunInfo::cancelling, "It runs, and is to end.")
        .def_property_readonly("error", [](const IndexRunInfo& run) { return text_of_key(run.error); })
        .def_readonly("created", &IndexRunInfo::created, "Milliseconds since 1970-01-01T00:00:00Z.")
        .def_readonly("started", &IndexRunInfo::started)
        .def_readonly("finished", &IndexRunInfo::finished)
        .def_readonly("attempts", &IndexRunInfo::attempts)
        .def_property_readonly(
            "counts",
            [](const IndexRunInfo& run) {
                std::map<std::string, std::int64_t> counts;
                for (const auto& [name, value] : index_run_counts) counts.emplace(name, run.counts.*value);
                return counts;
            },
            "By name; a total of -1 is not known yet.");

    py::class_<Webhook>(module, "CoreWebhook", "Who is told of what has finished: not the secret.")
        .def_readonly("id", &Webhook::id)
        .def_readonly("organisation", &Webhook::organisation)
        .def_readonly("url", &Webhook::url)
        .def_readonly("kinds", &Webhook::kinds)
        .def_readonly("active", &Webhook::active)
        .def_readonly("created", &Webhook::created, "Milliseconds since 1970-01-01T00:00:00Z.");

    py::class_<WebhookDelivery>(module, "CoreWebhookDelivery", "What a webhook was told, or is to be told.")
        .def_readonly("uuid", &WebhookDelivery::uuid)
        .def_readonly("webhook", &WebhookDelivery::webhook)
        .def_readonly("kind", &WebhookDelivery::kind)
        .def_readonly("payload", &WebhookDelivery::payload, "JSON.")
        .def_readonly("created", &WebhookDelivery::created, "Milliseconds since 1970-01-01T00:00:00Z.")
        .def_readonly("attempts", &WebhookDelivery::attempts)
        .def_readonly("next_try", &WebhookDelivery::next_try, "None: it arrived, or was given up.")
        .def_readonly("delivered", &WebhookDelivery::delivered)
        .def_readonly("last_status", &WebhookDelivery::last_status)
        .def_property_readonly(
            "last_error", [](const WebhookDelivery& delivery) { return text_of_key(delivery.last_error); });

    module.def(
        "webhook_kinds", [] { return std::vector<std::string>(webhook_kinds.begin(), webhook_kinds.end()); },
        "What webhooks can be told of.");
}

}  // namespace

void bind_work(py::module_& module, py::class_<Engine>& engine) {
    bind_values(module);
    using Release = py::call_guard<py::gil_scoped_release>;
    engine
        .def(
            "start_index_run",
            [](Engine& e, EventId event, const std::string& location, bool retry_failed) {
                return e.start_index_run(event, location, retry_failed);
            },
            "event"_a, "location"_a, "retry_failed"_a, Release())
        .def(
            "start_index_run_of_source",
            [](Engine& e, EventId event, SourceId source, bool retry_failed) {
                return e.start_index_run(event, source, retry_failed);
            },
            "event"_a, "source"_a, "retry_failed"_a, Release())
        .def(
            "index_runs", [](Engine& e, EventId event) { return e.catalog().index_runs(event); }, "event"_a,
            Release())
        .def(
            "index_run", [](Engine& e, IndexRunId run) { return e.catalog().index_run(run); }, "run"_a,
            Release())
        .def(
            "index_run_failures",
            [](Engine& e, IndexRunId run) {
                std::vector<IndexFailure> failures;
                for (IndexRunFailure& f : e.catalog().index_run_failures(run))
                    failures.push_back({std::move(f.key), std::move(f.reason)});
                return failures;
            },
            "run"_a, Release())
        .def(
            "cancel_index_run", [](Engine& e, IndexRunId run) { return e.catalog().cancel_index_run(run); },
            "run"_a, Release())
        .def(
            "add_webhook",
            [](Engine& e, OrganisationId organisation, const std::string& url, const std::string& secret,
               const std::vector<std::string>& kinds) {
                return e.catalog().add_webhook(organisation, url, secret, kinds);
            },
            "organisation"_a, "url"_a, "secret"_a, "kinds"_a, Release())
        .def(
            "update_webhook",
            [](Engine& e, WebhookId webhook, const std::string& url, const std::vector<std::string>& kinds,
               bool active) { e.catalog().update_webhook(webhook, url, kinds, active); },
            "webhook"_a, "url"_a, "kinds"_a, "active"_a, Release())
        .def(
            "remove_webhook", [](Engine& e, WebhookId webhook) { e.catalog().remove_webhook(webhook); },
            "webhook"_a, Release())
        .def(
            "webhook", [](Engine& e, WebhookId webhook) { return e.catalog().webhook(webhook); }, "webhook"_a,
            Release())
        .def(
            "webhooks",
            [](Engine& e, OrganisationId organisation) { return e.catalog().webhooks(organisation); },
            "organisation"_a, Release())
        .def(
            "add_ping", [](Engine& e, WebhookId webhook) { return e.catalog().add_ping(webhook); },
            "webhook"_a, Release())
        .def(
            "webhook_deliveries",
            [](Engine& e, WebhookId webhook) { return e.catalog().webhook_deliveries(webhook); }, "webhook"_a,
            Release());
}

}  // namespace eventlens::python
