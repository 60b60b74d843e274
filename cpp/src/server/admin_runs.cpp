#include <nlohmann/json.hpp>

#include "server/admin_body.h"
#include "server/admin_routes.h"
#include "server/parameters.h"
#include "server/replies.h"
#include "server/service.h"
#include "wire/work_json.h"

// Index runs: asked for here, done by the IndexQueue.
namespace eventlens::server {

namespace {

using nlohmann::json;

Reply start_run(Service& service, const Caller&, const Request& request) {
    const EventId event = path_integer(request, "event_id");
    std::string location;
    SourceId source = 0;
    bool by_id = false;
    bool retry_failed = false;
    read_body(request, [&](wire::Fields& fields) {
        by_id = fields.has("source_id");
        if (!by_id) fields.require("source");
        fields.text("source", location);
        fields.integer("source_id", source);
        fields.flag("retry_failed", retry_failed);
    });
    if (by_id && !location.empty())
        throw Refusal(422, "body.source: Give either source or source_id, not both");
    const IndexRunInfo run = by_id ? service.engine().start_index_run(event, source, retry_failed)
                                   : service.engine().start_index_run(event, location, retry_failed);
    service.wake_index_queue();
    return success("Index run queued", wire::run_item(run));
}

Reply list_runs(Service& service, const Caller&, const Request& request) {
    json items = json::array();
    for (const IndexRunInfo& run : service.catalog().index_runs(path_integer(request, "event_id")))
        items.push_back(wire::run_item(run));
    return success("Index runs, the latest hundred", {{"runs", items}});
}

Reply one_run(Service& service, const Caller&, const Request& request) {
    const IndexRunInfo run = service.catalog().index_run(path_integer(request, "run_id"));
    json item = wire::run_item(run);
    json& failures = item["failures"] = json::array();
    for (const IndexRunFailure& failure : service.catalog().index_run_failures(run.id))
        failures.push_back({{"key", failure.key}, {"reason", failure.reason}});
    return success("Index run", item);
}

Reply cancel_run(Service& service, const Caller&, const Request& request) {
    const IndexRunInfo run = service.catalog().cancel_index_run(path_integer(request, "run_id"));
    return success(run.cancelling ? "The run ends as soon as it can" : "Index run", wire::run_item(run));
}

}  // namespace

std::vector<Route> admin_run_routes() {
    const std::string of_event = "/api/v1/admin/events/{event_id}/runs";
    const std::string one = "/api/v1/admin/runs/{run_id}";
    const auto route = [](const char* method, const std::string& pattern, Handler handler) {
        return Route{
            .method = method, .pattern = pattern, .handler = std::move(handler), .gate = Gate::administrator};
    };
    Route start = route("POST", of_event, start_run);
    start.work = Work::storage;  // a new source is looked for
    return {route("GET", of_event, list_runs), std::move(start), route("GET", one, one_run),
            route("POST", one + "/cancel", cancel_run)};
}

}  // namespace eventlens::server
