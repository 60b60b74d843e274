#include <chrono>

#include <nlohmann/json.hpp>

#include "base/uuid.h"
#include "server/admin_body.h"
#include "server/admin_routes.h"
#include "server/parameters.h"
#include "server/replies.h"
#include "server/service.h"
#include "wire/event_json.h"

// Events: their settings, rosters, sources and failures, and tokens for participants.
namespace eventlens::server {

namespace {

using nlohmann::json;

constexpr std::size_t largest_roster = 64 << 20;  // bytes; parse_roster_csv()
constexpr std::size_t most_failures = 1000;
constexpr std::int64_t longest_token = 90LL * 24 * 3600;  // seconds
constexpr std::int64_t usual_token = 3600;

json files_left(const std::vector<IndexFailure>& left) {
    json items = json::array();
    for (const IndexFailure& failure : left)
        items.push_back({{"key", failure.key}, {"reason", failure.reason}});
    return items;
}

json told(Service& service, EventId event) {
    json item = wire::event_item(service.catalog().event(event));
    item["media"] = wire::counts_item(service.catalog().counts(event));
    return item;
}

Reply list_events(Service& service, const Caller&, const Request& request) {
    const OrganisationId organisation = service.catalog().organisation(path_integer(request, "org_id")).id;
    json items = json::array();
    for (const EventInfo& event : service.catalog().events(organisation))
        items.push_back(wire::event_item(event));
    return success("Events", {{"events", items}});
}

Reply create_event(Service& service, const Caller&, const Request& request) {
    const OrganisationId organisation = path_integer(request, "org_id");
    EventSettings settings;
    read_body(request, [&](wire::Fields& fields) {
        fields.require("name");
        wire::read_settings(fields, settings);
    });
    return success("Event created", told(service, service.engine().create_event(settings, organisation)));
}

Reply one_event(Service& service, const Caller&, const Request& request) {
    return success("Event", told(service, path_integer(request, "event_id")));
}

Reply change_event(Service& service, const Caller&, const Request& request) {
    const EventId event = path_integer(request, "event_id");
    service.engine().change_event(event, [&](EventSettings& settings) {
        read_body(request, [&](wire::Fields& fields) { wire::read_settings(fields, settings); });
    });
    return success("Event changed", told(service, event));
}

Reply delete_event(Service& service, const Caller&, const Request& request) {
    const EventId event = path_integer(request, "event_id");
    const std::vector<IndexFailure> left = service.engine().delete_event(event);
    return success("Event deleted", {{"event_id", event}, {"files_left", files_left(left)}});
}

Reply put_roster(Service& service, const Caller&, const Request& request) {
    const EventId event = path_integer(request, "event_id");
    const std::string_view type = request.headers.get("Content-Type").value_or("");
    if (!type.starts_with("text/csv") && !type.starts_with("text/plain"))
        throw Refusal(415, "The body must be text/csv");
    const std::vector<RosterEntry> roster = parse_roster_csv(std::as_bytes(std::span(request.body)));
    service.catalog().set_roster(event, roster);
    return success("Roster stored", {{"event_id", event}, {"participants", roster.size()}});
}

std::string quoted(const std::string& field) {
    std::string text = "\"";
    for (const char c : field) text += c == '"' ? "\"\"" : std::string(1, c);
    return text + '"';
}

// As put_roster() takes it.
Reply get_roster(Service& service, const Caller&, const Request& request) {
    Reply reply{.content_type = "text/csv; charset=utf-8", .body = "bib,name\n"};
    for (const RosterEntry& entry : service.catalog().roster(path_integer(request, "event_id")))
        reply.body += quoted(entry.bib) + ',' + quoted(entry.name) + '\n';
    reply.headers.emplace_back("Cache-Control", "no-store");
    return reply;
}

json source_items(Service& service, EventId event) {
    json items = json::array();
    for (const SourceInfo& source : service.catalog().sources(event))
        items.push_back({{"source_id", source.id}, {"source", source.uri}, {"access", source.access}});
    return items;
}

Reply list_sources(Service& service, const Caller&, const Request& request) {
    return success("Sources", {{"sources", source_items(service, path_integer(request, "event_id"))}});
}

Reply add_source(Service& service, const Caller&, const Request& request) {
    const EventId event = path_integer(request, "event_id");
    std::string location;
    read_body(request, [&](wire::Fields& fields) {
        fields.require("source");
        fields.text("source", location);
    });
    const SourceId added = service.engine().add_source(event, location);
    return success("Source added; a run indexes it",
                   {{"source_id", added}, {"sources", source_items(service, event)}});
}

Reply delete_source(Service& service, const Caller&, const Request& request) {
    const EventId event = path_integer(request, "event_id");
    const SourceId source = path_integer(request, "source_id");
    const std::vector<IndexFailure> left = service.engine().remove_source(event, source);
    return success("Source deleted, with what came from it",
                   {{"source_id", source}, {"files_left", files_left(left)}});
}

Reply list_failures(Service& service, const Caller&, const Request& request) {
    json items = json::array();
    for (const MediaFailure& failure :
         service.catalog().failures(path_integer(request, "event_id"), most_failures)) {
        items.push_back({{"kind", failure.video != 0 ? "video" : "photo"},
                         {"key", failure.key},
                         {"reason", failure.reason},
                         {"partly", failure.partly}});
    }
    return success("What could not be processed, up to 1000", {{"failures", items}});
}

Reply make_visitor_token(Service& service, const Caller&, const Request& request) {
    const EventInfo event = service.catalog().event(path_integer(request, "event_id"));
    std::int64_t lasts = usual_token;
    read_body(request, [&](wire::Fields& fields) { fields.integer("lasts", lasts); });
    if (lasts < 1 || lasts > longest_token)
        throw Refusal(422, "body.lasts: Input should be within 1 and " + std::to_string(longest_token));
    const auto now =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
    const VisitorToken token{.organisation = event.organisation,
                             .event = event.id,
                             .expires = now.count() + lasts,
                             .name = uuid_text(make_uuid())};
    return success("Token for one event", {{"token", make_token(token, service.links().secret())},
                                           {"org_id", token.organisation},
                                           {"event_id", token.event},
                                           {"expires", wire::utc_time(token.expires * 1000)}});
}

}  // namespace

std::vector<Route> admin_event_routes() {
    const std::string of_organisation = "/api/v1/admin/organisations/{org_id}/events";
    const std::string one = "/api/v1/admin/events/{event_id}";
    const auto route = [](const char* method, const std::string& pattern, Handler handler) {
        return Route{
            .method = method, .pattern = pattern, .handler = std::move(handler), .gate = Gate::administrator};
    };
    std::vector<Route> routes{route("GET", of_organisation, list_events),
                              route("POST", of_organisation, create_event),
                              route("GET", one, one_event),
                              route("PATCH", one, change_event),
                              route("DELETE", one, delete_event),
                              route("GET", one + "/roster", get_roster),
                              route("PUT", one + "/roster", put_roster),
                              route("GET", one + "/sources", list_sources),
                              route("POST", one + "/sources", add_source),
                              route("DELETE", one + "/sources/{source_id}", delete_source),
                              route("GET", one + "/failures", list_failures),
                              route("POST", one + "/tokens", make_visitor_token)};
    for (Route& each : routes) {
        if (each.method == "PUT") each.max_body = largest_roster;
        if (each.method == "DELETE" || each.pattern.ends_with("/sources")) each.work = Work::storage;
    }
    return routes;
}

}  // namespace eventlens::server
