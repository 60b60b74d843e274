#include <algorithm>

#include <nlohmann/json.hpp>

#include "server/parameters.h"
#include "server/replies.h"
#include "server/routes.h"
#include "server/service.h"
#include "wire/image_json.h"

// Ping, the organisation's events, one event's details.
namespace eventlens::server {

namespace {

using nlohmann::json;

constexpr std::int64_t events_on_a_page = 10;
constexpr std::int64_t most_on_a_page = 100;

Reply ping(Service&, const Caller& caller, const Request&) {
    return success("pong",
                   {{"status", "ok"}, {"org_id", caller.organisation}, {"event_id", caller.event->id}});
}

Reply list_events(Service&, const Caller& caller, const Request& request) {
    Mistakes mistakes;
    const Query query(request.query, mistakes);
    const Page page = page_of(query, events_on_a_page, most_on_a_page, mistakes);
    mistakes.refuse();

    std::vector<const EventInfo*> events;
    for (const auto& [id, event] : caller.directory->events) {
        if (event.organisation == caller.organisation) events.push_back(&event);
    }
    std::ranges::sort(events, [](const EventInfo* a, const EventInfo* b) {
        return std::pair(a->settings.date, a->id) > std::pair(b->settings.date, b->id);
    });
    const auto total = static_cast<std::int64_t>(events.size());
    json items = json::array();
    const std::int64_t first = page.offset(total);
    for (std::int64_t place = first; place < std::min(first + page.size, total); ++place)
        items.push_back(wire::event_list_item(*events[static_cast<std::size_t>(place)]));
    return success("Records for events", {{"events", items}, {"pagination", pagination_of(page, total)}});
}

Reply event_details(Service&, const Caller& caller, const Request&) {
    return success("Event details", wire::event_details(*caller.event));
}

}  // namespace

std::vector<Route> event_routes() {
    return {
        {.method = "GET",
         .pattern = "/api/v1/ext/{org_id}/event/{event_id}/ping",
         .handler = ping,
         .gate = Gate::event,
         .work = Work::light},
        {.method = "GET",
         .pattern = "/api/v1/ext/{org_id}/events",
         .handler = list_events,
         .gate = Gate::organisation,
         .work = Work::light},
        {.method = "GET",
         .pattern = "/api/v1/ext/{org_id}/event/{event_id}/details",
         .handler = event_details,
         .gate = Gate::event,
         .work = Work::light},
    };
}

}  // namespace eventlens::server
