#include "server/router.h"

#include <algorithm>
#include <utility>

#include "server/parameters.h"
#include "server/replies.h"

namespace eventlens::server {

namespace {

std::vector<std::string_view> segments_of(std::string_view path) {
    std::vector<std::string_view> segments;
    while (!path.empty()) {
        path.remove_prefix(1);  // the '/'
        const std::size_t end = std::min(path.find('/'), path.size());
        segments.push_back(path.substr(0, end));
        path.remove_prefix(end);
    }
    return segments;
}

bool is_parameter(std::string_view segment) {
    return segment.starts_with('{');
}

bool answers(const Route& route, std::string_view method) {
    return route.method == method || (method == "HEAD" && route.method == "GET");
}

}  // namespace

Router::Router(std::vector<Route> routes) : routes_(std::move(routes)) {
    for (const Route& route : routes_) {
        Pattern& pattern = patterns_.emplace_back();
        for (const std::string_view segment : segments_of(route.pattern)) {
            pattern.segments.emplace_back(segment);
            pattern.parameters += is_parameter(segment) ? 1 : 0;
        }
    }
}

bool Router::matches(const Pattern& pattern, const std::vector<std::string_view>& segments) const {
    return std::ranges::equal(pattern.segments, segments,
                              [](std::string_view wanted, std::string_view given) {
                                  return is_parameter(wanted) ? !given.empty() : wanted == given;
                              });
}

std::vector<std::size_t> Router::places_of(const std::vector<std::string_view>& segments) const {
    std::vector<std::size_t> places;
    for (std::size_t place = 0; place < routes_.size(); ++place) {
        if (!matches(patterns_[place], segments)) continue;
        const int fewest =
            places.empty() ? patterns_[place].parameters : patterns_[places.front()].parameters;
        if (patterns_[place].parameters > fewest) continue;
        if (patterns_[place].parameters < fewest) places.clear();
        places.push_back(place);
    }
    return places;
}

const Route& Router::route(Request& request) const {
    if (!request.path.starts_with('/')) throw Refusal(400, "The path must begin with /");
    const auto segments = segments_of(request.path);
    const std::vector<std::size_t> places = places_of(segments);
    if (places.empty()) throw Refusal(404, "There is nothing at this path");
    for (const std::size_t place : places) {
        const Pattern& pattern = patterns_[place];
        if (!answers(routes_[place], request.method)) continue;
        request.route = routes_[place].pattern;
        for (std::size_t i = 0; i < segments.size(); ++i) {
            const std::string_view name = pattern.segments[i];
            if (!is_parameter(name)) continue;
            auto value = percent_decoded(segments[i]);
            if (!value) throw Refusal(400, "The path is not percent-encoded as it should be");
            request.parameters.emplace(name.substr(1, name.size() - 2), *std::move(value));
        }
        return routes_[place];
    }
    Refusal refusal(405, "Method not allowed");
    std::string allowed;
    for (const std::string& method : methods(request.path)) allowed += (allowed.empty() ? "" : ", ") + method;
    refusal.headers.emplace_back("Allow", allowed);
    throw refusal;
}

std::vector<std::string> Router::methods(std::string_view path) const {
    std::vector<std::string> found;
    if (!path.starts_with('/')) return found;
    for (const std::size_t place : places_of(segments_of(path))) {
        found.push_back(routes_[place].method);
        if (routes_[place].method == "GET") found.emplace_back("HEAD");
    }
    if (!found.empty()) found.emplace_back("OPTIONS");
    return found;
}

}  // namespace eventlens::server
