#include <nlohmann/json.hpp>

#include "server/admin_routes.h"
#include "server/parameters.h"
#include "server/replies.h"
#include "server/service.h"
#include "wire/event_json.h"

// What is counted: searches that were matched, and the media they were matched against.
namespace eventlens::server {

namespace {

using nlohmann::json;

// The organisation's searches include those of events that were deleted since.
Reply usage(Service& service, const Caller&, const Request& request) {
    const Organisation organisation = service.catalog().organisation(path_integer(request, "org_id"));
    json events = json::array();
    for (const EventInfo& event : service.catalog().events(organisation.id)) {
        events.push_back({{"event_id", event.id},
                          {"name", event.settings.name},
                          {"billable_searches", event.billable_searches},
                          {"media", wire::counts_item(service.catalog().counts(event.id))}});
    }
    return success("Usage", {{"org_id", organisation.id},
                             {"billable_searches", organisation.billable_searches},
                             {"events", events}});
}

}  // namespace

std::vector<Route> admin_usage_routes() {
    return {{.method = "GET",
             .pattern = "/api/v1/admin/organisations/{org_id}/usage",
             .handler = usage,
             .gate = Gate::administrator}};
}

}  // namespace eventlens::server
