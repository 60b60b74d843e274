#include "wire/work_json.h"

#include <nlohmann/json.hpp>

#include "wire/event_json.h"
#include "wire/image_json.h"

namespace eventlens::wire {

using nlohmann::json;

namespace {

json time_or_null(const std::optional<UtcMilliseconds>& time) {
    return time ? json(utc_time(*time)) : json(nullptr);
}

}  // namespace

json run_item(const IndexRunInfo& run) {
    json counts = json::object();
    for (const auto& [name, value] : index_run_counts) counts[std::string(name)] = run.counts.*value;
    if (run.counts.total < 0) counts["total"] = nullptr;  // the source is still being listed
    return {{"run_id", run.id},
            {"event_id", run.event},
            {"source_id", run.source},
            {"source", run.source_uri},
            {"retry_failed", run.retry_failed},
            {"status", std::string(name_of(run.state))},
            {"cancelling", run.cancelling},
            {"error", text_or_null(run.error)},
            {"created", utc_time(run.created)},
            {"started", time_or_null(run.started)},
            {"finished", time_or_null(run.finished)},
            {"attempts", run.attempts},
            {"counts", counts}};
}

json webhook_item(const Webhook& webhook) {
    return {{"webhook_id", webhook.id}, {"org_id", webhook.organisation},
            {"url", webhook.url},       {"kinds", webhook.kinds},
            {"active", webhook.active}, {"created", utc_time(webhook.created)}};
}

json delivery_item(const WebhookDelivery& delivery) {
    return {{"delivery_id", delivery.uuid},
            {"kind", delivery.kind},
            {"payload", delivery.payload},
            {"created", utc_time(delivery.created)},
            {"attempts", delivery.attempts},
            {"next_try", time_or_null(delivery.next_try)},
            {"delivered", time_or_null(delivery.delivered)},
            {"last_status", delivery.last_status ? json(*delivery.last_status) : json(nullptr)},
            {"last_error", text_or_null(delivery.last_error)}};
}

}  // namespace eventlens::wire
