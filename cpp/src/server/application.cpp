#include "server/application.h"

#include <algorithm>
#include <chrono>

#include "base/uuid.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/networks.h"
#include "server/parameters.h"
#include "server/replies.h"

namespace eventlens::server {

namespace {

constexpr std::string_view contract_prefix = "/api/v1/ext/";
constexpr std::string_view administration_prefix = "/api/v1/admin/";

std::int64_t now_seconds() {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

const char* word_for(Feature feature) {
    switch (feature) {
        case Feature::bib_search: return "BIB search";
        case Feature::selfie_search: return "Face search";
        case Feature::timeline_search: return "Timeline search";
        default: return "Video search";
    }
}

bool is_on(Feature feature, const EventFeatures& features) {
    switch (feature) {
        case Feature::none: return true;
        case Feature::bib_search: return features.bib_search;
        case Feature::selfie_search: return features.selfie_search;
        case Feature::timeline_search: return features.timeline_search;
        case Feature::video_selfie: return features.video_search && features.video_selfie_search;
        case Feature::video_bib: return features.video_search && features.bib_search;
        case Feature::video_any: return features.video_search;
    }
    return false;
}

// The organisation of a path of the contract, for CORS: 0 for others.
OrganisationId organisation_of(std::string_view path) {
    if (!path.starts_with(contract_prefix)) return 0;
    path.remove_prefix(contract_prefix.size());
    return integer_of(path.substr(0, path.find('/'))).value_or(0);
}

Caller administrator() {
    Caller caller;
    caller.client = "administrator";
    return caller;
}

}  // namespace

ContractApplication::ContractApplication(Service& service, Metrics& metrics, Log& log,
                                         std::vector<Route> routes, std::vector<std::string> hosts)
    : service_(service),
      metrics_(metrics),
      log_(log),
      router_(std::move(routes)),
      hosts_(std::move(hosts)),
      requests_(service.config().rate.requests, service.config().rate.burst),
      searches_(service.config().rate.searches, service.config().rate.search_burst),
      visitor_requests_(service.config().rate.visitor_requests, 2 * service.config().rate.visitor_requests),
      visitor_searches_(service.config().rate.visitor_searches, 10 * service.config().rate.visitor_searches),
      id_prefix_(uuid_text(make_uuid()).substr(0, 8) + "-") {}

Admission ContractApplication::admit(Request& request) {
    request.id = id_prefix_ + std::to_string(last_id_.fetch_add(1) + 1);
    // Whoever looks whether the server is well, asks by its address.
    const bool watches = request.path == "/healthz" || request.path == "/readyz";
    if (!hosts_.empty() && !watches && std::ranges::find(hosts_, request.host) == hosts_.end())
        throw Refusal(403, "The host " + request.host + " is not approved");
    if (request.method == "OPTIONS") {  // a browser asks whether it may: it sends no key yet
        const auto methods = router_.methods(request.path);
        if (methods.empty()) throw Refusal(404, "There is nothing at this path");
        std::string allowed;
        for (const std::string& method : methods) allowed += (allowed.empty() ? "" : ", ") + method;
        return {.max_body = 1 << 16, .work = Work::light, .answer = [allowed](const Request&) {
                    Reply reply{.status = 204, .content_type = ""};
                    reply.headers.emplace_back("Allow", allowed);
                    return reply;
                }};
    }
    const Route& route = router_.route(request);
    Caller caller = let_in(route, request);
    limit(route, request, caller);
    const auto largest = static_cast<std::size_t>(service_.config().limits.body_mb) << 20;
    const auto event = request.parameters.find("event_id");
    return {.max_body = route.max_body > 0 ? route.max_body : largest,
            .work = route.work,
            .share = event == request.parameters.end() ? "" : event->second,
            .answer = [this, &route, caller = std::move(caller)](const Request& whole) {
                return route.handler(service_, caller, whole);
            }};
}

Caller ContractApplication::let_in(const Route& route, const Request& request) {
    switch (route.gate) {
        case Gate::open: return {};
        case Gate::administrator: require_administrator(request); return administrator();
        case Gate::organisation:
        case Gate::event: break;
    }
    if (const auto token = request.headers.get("X-Event-Token");
        token && !request.headers.get("X-API-Key") && route.gate == Gate::event)
        return let_in_with_token(route, request, *token);
    return let_in_with_key(route, request);
}

Caller ContractApplication::let_in_with_key(const Route& route, const Request& request) {
    const std::string_view key = request.headers.get("X-API-Key").value_or("");
    if (key.empty()) throw Refusal(401, "The header X-API-Key is missing");
    Caller caller;
    caller.directory = service_.access().directory();
    const ApiKey* known = caller.directory->key(key);
    if (!known || !known->active) throw Refusal(403, "The API key is invalid or inactive");
    caller.client = "key " + std::to_string(known->id);
    caller.organisation = known->organisation;
    if (path_integer(request, "org_id") != known->organisation)
        throw Refusal(403, "The organisation does not belong to this API key");
    if (route.gate == Gate::organisation) return caller;
    caller.event = caller.directory->event(path_integer(request, "event_id"));
    if (!caller.event) throw Refusal(404, "Event configuration not found");
    if (caller.event->organisation != known->organisation)
        throw Refusal(403, "The event does not belong to the organisation");
    if (!is_on(route.feature, caller.event->settings.features))
        throw Refusal(403, std::string(word_for(route.feature)) + " is disabled for this event");
    return caller;
}

// A participant is told nothing about what their token does not speak of, not even whether it exists.
Caller ContractApplication::let_in_with_token(const Route& route, const Request& request,
                                              std::string_view text) {
    const auto token = read_token(text, service_.links().secret(), now_seconds());
    if (!token) throw Refusal(403, "This link has expired; ask the organiser for a new one");
    Caller caller;
    caller.directory = service_.access().directory();
    caller.organisation = token->organisation;
    caller.client = "visitor " + token->name;
    caller.visitor = true;
    caller.event = caller.directory->event(token->event);
    if (path_integer(request, "org_id") != token->organisation ||
        path_integer(request, "event_id") != token->event || !caller.event ||
        caller.event->organisation != token->organisation)
        throw Refusal(403, "This link is for another event");
    if (!is_on(route.feature, caller.event->settings.features))
        throw Refusal(403, std::string(word_for(route.feature)) + " is disabled for this event");
    return caller;
}

void ContractApplication::require_administrator(const Request& request) const {
    const std::string& expected = service_.config().admin_key;
    if (expected.empty()) throw Refusal(404, "There is nothing at this path");  // administration is off
    const std::string_view given = request.headers.get("X-Admin-Key").value_or("");
    if (given.empty()) throw Refusal(401, "The header X-Admin-Key is missing");
    if (!same_secret(given, expected)) throw Refusal(403, "The administrator's key is wrong");
}

void ContractApplication::limit(const Route& route, const Request& request, const Caller& caller) {
    if (caller.client.empty() || route.gate == Gate::administrator) return;
    int wait = 0;
    if (caller.visitor) {
        // Everybody who photographs the code at the finish has the same token.
        const std::string visitor = caller.client + " at " + place_in_network(request.peer);
        wait = visitor_requests_.take(visitor);
        if (wait == 0 && route.search) wait = visitor_searches_.take(visitor);
    } else {
        wait = requests_.take(caller.client);
        if (wait == 0 && route.search) wait = searches_.take(caller.client);
    }
    if (wait == 0) return;
    Refusal refusal(429, "Too many requests; try again in " + std::to_string(wait) + " s");
    refusal.headers.emplace_back("Retry-After", std::to_string(wait));
    throw refusal;
}

Reply ContractApplication::refuse(const Request& request, const std::exception& reason) {
    const bool administers = request.path.starts_with(administration_prefix);
    Reply reply = reply_for(reason, administers ? Told::errors : Told::refusals);
    if (reply.status >= 500) log_.failure(request, reason);
    return reply;
}

void ContractApplication::complete(const Request& request, Reply& reply) {
    auto& headers = reply.headers;
    if (!request.id.empty()) headers.emplace_back("X-Request-Id", request.id);
    headers.emplace_back("X-Content-Type-Options", "nosniff");
    headers.emplace_back("Referrer-Policy", "no-referrer");
    if (reply.content_type == "application/json" &&
        std::ranges::none_of(headers, [](const auto& header) { return header.first == "Cache-Control"; }))
        headers.emplace_back("Cache-Control", "no-store");
    if (request.secure) headers.emplace_back("Strict-Transport-Security", "max-age=31536000");

    try {
        allow_origin(request, reply);
    } catch (const std::exception& error) {  // a page of another origin does not see this answer
        log_.failure(request, error);
    }
}

void ContractApplication::allow_origin(const Request& request, Reply& reply) {
    const auto origin = request.headers.get("Origin");
    if (!origin) return;
    auto& headers = reply.headers;
    const OrganisationId id = organisation_of(request.path);
    if (id == 0) return;
    headers.emplace_back("Vary", "Origin");
    const auto directory = service_.access().directory();
    const auto organisation = directory->organisations.find(id);
    if (organisation == directory->organisations.end()) return;
    const auto& origins = organisation->second.cors_origins;
    if (std::ranges::find(origins, *origin) == origins.end() &&
        std::ranges::find(origins, "*") == origins.end())
        return;
    headers.emplace_back("Access-Control-Allow-Origin", std::string(*origin));
    headers.emplace_back("Access-Control-Expose-Headers", "Retry-After, X-Request-Id");
    if (request.method != "OPTIONS") return;
    headers.emplace_back("Access-Control-Allow-Methods", "GET, POST, OPTIONS");
    headers.emplace_back("Access-Control-Allow-Headers", "Content-Type, X-API-Key, X-Event-Token");
    headers.emplace_back("Access-Control-Max-Age", "600");
}

void ContractApplication::answered(const Request& request, const Reply& reply,
                                   std::chrono::microseconds took) {
    metrics_.answered(request, reply, took);
    log_.answered(request, reply, took);
}

}  // namespace eventlens::server
