#include <algorithm>

#include <nlohmann/json.hpp>

#include "server/parameters.h"
#include "server/photo_links.h"
#include "server/replies.h"
#include "server/routes.h"
#include "server/selfie_form.h"
#include "server/service.h"

// Selfie search: a new one, and what an earlier one found.
namespace eventlens::server {

namespace {

using nlohmann::json;

Page page_in(const Request& request) {
    Mistakes mistakes;
    const Query query(request.query, mistakes);
    const Page page = page_of(query, 32, 100, mistakes);
    mistakes.refuse();
    return page;
}

Reply search_reply(Service& service, const Caller& caller, const Request& request, const SavedSearch& search,
                   const Page& page, std::string_view message) {
    const auto total = static_cast<std::int64_t>(search.matches.size());
    const std::int64_t first = page.offset(total);
    std::vector<PhotoId> ids;
    for (std::int64_t place = first; place < std::min(first + page.size, total); ++place)
        ids.push_back(search.matches[static_cast<std::size_t>(place)].photo);
    const auto& threshold = search.confidence_percentage;
    return success(message, {{"request_id", search.request_id},
                             {"confidence_percentage", threshold ? json(*threshold) : json(nullptr)},
                             {"images", image_items(service, caller, request, ids)},
                             {"pagination", pagination_of(page, total)}});
}

std::string_view message_for(const SavedSearch& search) {
    return search.matches.empty() ? "No images found for this selfie" : "Records for selfie search";
}

Reply search_by_face(Service& service, const Caller& caller, const Request& request) {
    const Page page = page_in(request);
    const FormSearch found =
        search_of(service, caller.event->id, selfie_form(service, request), Wanted::photos);
    return search_reply(service, caller, request, found.search, page,
                        found.face_seen ? message_for(found.search) : "No face was found in the selfie");
}

Reply face_search(Service& service, const Caller& caller, const Request& request) {
    const Page page = page_in(request);
    const std::string id = uuid_of(request.parameter("request_id"), "request_id");
    const auto search = service.catalog().load_search(caller.event->id, id);
    if (!search || search->kind != SearchKind::selfie)
        throw Refusal(404, "The request_id does not exist in this event");
    return search_reply(service, caller, request, *search, page, message_for(*search));
}

}  // namespace

std::vector<Route> face_routes() {
    return {
        {.method = "POST",
         .pattern = "/api/v1/ext/{org_id}/event/{event_id}/faces",
         .handler = search_by_face,
         .gate = Gate::event,
         .feature = Feature::selfie_search,
         .work = Work::recognition,
         .search = true,
         .max_body = 0},  // as the configuration says
        {.method = "GET",
         .pattern = "/api/v1/ext/{org_id}/event/{event_id}/faces/{request_id}",
         .handler = face_search,
         .gate = Gate::event,
         .feature = Feature::selfie_search},
    };
}

}  // namespace eventlens::server
