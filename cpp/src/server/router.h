#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "server/http_message.h"

namespace eventlens::server {

class Service;
struct Caller;

using Handler = std::function<Reply(Service&, const Caller&, const Request&)>;

// Who may use a route.
enum class Gate {
    open,          // everybody
    organisation,  // a key of the path's {org_id}
    event,         // the same, and {event_id} is the organisation's
    administrator,
};

// The event's switch that must be on.
enum class Feature { none, bib_search, selfie_search, timeline_search, video_selfie, video_bib, video_any };

struct Route {
    std::string method;
    std::string pattern;  // "/api/v1/ext/{org_id}/events"
    Handler handler;
    Gate gate = Gate::open;
    Feature feature = Feature::none;
    Work work = Work::reading;
    bool search = false;             // counts against the tighter limit for searches
    std::size_t max_body = 1 << 20;  // bytes; 0: as the configuration says for the largest
};

class Router {
  public:
    explicit Router(std::vector<Route> routes);

    // The route of a request, whose parameters it fills. Throws Refusal: 404 for no route, 405 with Allow for
    // another method, 400 for a path that cannot be decoded. HEAD is answered by the route of GET.
    const Route& route(Request& request) const;

    // Methods of a path, for Allow; empty: there is none.
    std::vector<std::string> methods(std::string_view path) const;

    const std::vector<Route>& routes() const { return routes_; }

  private:
    struct Pattern {
        std::vector<std::string> segments;  // "{name}" stands for any that is not empty
        int parameters = 0;
    };
    bool matches(const Pattern& pattern, const std::vector<std::string_view>& segments) const;

    // The routes of a path, one for each method: ".../search-by-bib" is not the ".../{request_id}" that it
    // fits, too.
    std::vector<std::size_t> places_of(const std::vector<std::string_view>& segments) const;

    std::vector<Route> routes_;
    std::vector<Pattern> patterns_;  // one for each route
};

}  // namespace eventlens::server
