#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "server/admin_body.h"
#include "server/admin_routes.h"
#include "server/parameters.h"
#include "server/replies.h"
#include "server/service.h"
#include "wire/event_json.h"

// What is deleted for good: photos of a person, and all that was made of an event.
namespace eventlens::server {

namespace {

using nlohmann::json;

constexpr std::size_t most_images = 10'000;

// By what photos are named: one of these.
struct Wanted {
    std::optional<std::string> bib;
    std::optional<std::string> request_id;
    std::vector<std::string> image_ids;
};

Wanted read_wanted(const Request& request) {
    Wanted wanted;
    int ways = 0;
    read_body(request, [&](wire::Fields& fields) {
        for (const char* name : {"bib", "request_id", "image_id", "image_ids"})
            ways += fields.has(name) ? 1 : 0;
        if (fields.has("bib")) fields.text("bib", wanted.bib.emplace());
        if (fields.has("request_id")) fields.text("request_id", wanted.request_id.emplace());
        if (fields.has("image_id")) fields.text("image_id", wanted.image_ids.emplace_back());
        fields.texts("image_ids", wanted.image_ids);
    });
    if (ways != 1)
        throw Refusal(422, "body: Input should have one of bib, request_id, image_id and image_ids");
    if (wanted.image_ids.size() > most_images)
        throw Refusal(422, "body.image_ids: List should have at most 10000 items");
    return wanted;
}

// Those of the event; an id that names none is among `unknown`.
std::vector<PhotoId> photos_named(Service& service, EventId event, const std::vector<std::string>& image_ids,
                                  json& unknown) {
    std::vector<PhotoId> photos;
    for (const std::string& id : image_ids) {
        if (const auto photo = service.catalog().find_photo(event, id)) {
            photos.push_back(photo->id);
        } else {
            unknown.push_back(id);
        }
    }
    return photos;
}

Reply delete_photos(Service& service, const Caller&, const Request& request) {
    const EventId event = service.catalog().event(path_integer(request, "event_id")).id;
    const Wanted wanted = read_wanted(request);
    Deletion done;
    json unknown = json::array();
    if (wanted.bib) {
        done = service.engine().delete_photos_of_bib(event, *wanted.bib);
    } else if (wanted.request_id) {
        done = service.engine().delete_photos_of_search(event, uuid_of(*wanted.request_id, "request_id"));
    } else {
        const std::vector<PhotoId> photos = photos_named(service, event, wanted.image_ids, unknown);
        if (photos.empty()) throw Refusal(400, "No photo of the event is named");
        done = service.engine().delete_photos(event, photos);
    }
    json left = json::array();
    for (const IndexFailure& failure : done.files_left)
        left.push_back({{"key", failure.key}, {"reason", failure.reason}});
    return success(
        "Photos deleted for good",
        {{"event_id", event}, {"photos", done.photos}, {"unknown", unknown}, {"files_left", left}});
}

Reply purge(Service& service, const Caller&, const Request& request) {
    const EventId event = path_integer(request, "event_id");
    const PurgeReport report = service.engine().purge_event(event);
    return success("Event purged", {{"event_id", event},
                                    {"purge_id", report.purge.uuid},
                                    {"event_name", report.purge.event_name},
                                    {"begun", wire::utc_time(report.purge.begun)},
                                    {"finished", wire::utc_time(report.finished)},
                                    {"removed", report.purge.removed},
                                    {"bytes_before", report.purge.bytes},
                                    {"bytes_after", report.bytes_after},
                                    {"receipt", report.receipt.filename().string()}});
}

}  // namespace

std::vector<Route> admin_deletion_routes() {
    const std::string one = "/api/v1/admin/events/{event_id}";
    return {{.method = "POST",
             .pattern = one + "/deletions",
             .handler = delete_photos,
             .gate = Gate::administrator,
             .work = Work::storage},
            {.method = "POST",
             .pattern = one + "/purge",
             .handler = purge,
             .gate = Gate::administrator,
             .work = Work::storage}};
}

}  // namespace eventlens::server
