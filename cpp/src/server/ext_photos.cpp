#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>
#include <unordered_set>

#include <nlohmann/json.hpp>

#include "base/time_zone.h"
#include "base/uuid.h"
#include "eventlens/error.h"
#include "server/parameters.h"
#include "server/photo_links.h"
#include "server/replies.h"
#include "server/routes.h"
#include "server/service.h"

// The gallery, photos by bib and by time, and links to originals.
namespace eventlens::server {

namespace {

using nlohmann::json;

constexpr std::int64_t photos_on_a_page = 32;
constexpr std::int64_t most_on_a_page = 100;
constexpr std::int64_t originals_on_a_page = 30;
constexpr std::int64_t most_originals_on_a_page = 60;
constexpr std::size_t longest_bib = 64;  // characters; Gallery::find_bib

Page photo_page(const Query& query, Mistakes& mistakes) {
    return page_of(query, photos_on_a_page, most_on_a_page, mistakes);
}

template <typename T>
std::span<const T> part_of(std::span<const T> all, const Page& page) {
    const auto total = static_cast<std::int64_t>(all.size());
    const std::int64_t first = page.offset(total);
    return all.subspan(static_cast<std::size_t>(first),
                       static_cast<std::size_t>(std::min(page.size, total - first)));
}

std::vector<PhotoId> ids_of(std::span<const PhotoPlace> places) {
    std::vector<PhotoId> ids;
    ids.reserve(places.size());
    for (const PhotoPlace& place : places) ids.push_back(place.photo);
    return ids;
}

Reply images_reply(Service& service, const Caller& caller, const Request& request,
                   std::span<const PhotoPlace> places, const Page& page, const std::string& found,
                   const std::string& none) {
    const auto total = static_cast<std::int64_t>(places.size());
    return success(total > 0 ? found : none,
                   {{"images", image_items(service, caller, request, ids_of(part_of(places, page)))},
                    {"pagination", pagination_of(page, total)}});
}

Reply all_photos(Service& service, const Caller& caller, const Request& request) {
    Mistakes mistakes;
    const Query query(request.query, mistakes);
    const Page page = photo_page(query, mistakes);
    mistakes.refuse();
    const auto album = service.albums().album(caller.event->id);
    return images_reply(service, caller, request, album->places, page, "Records for all images",
                        "No images found");
}

// Exactly this number, in the album's order.
std::vector<PhotoPlace> photos_of_bib(Service& service, EventId event, const std::string& bib) {
    const bool is_blank = bib.find_first_not_of(" \t\r\n\f\v") == std::string::npos;
    if (is_blank || characters_in(bib) > longest_bib) return {};  // nobody wears it
    std::vector<PhotoPlace> places;
    for (const FoundPhoto& found : service.engine().find_bib(event, bib)) {
        if (found.match.kind != MatchKind::bib) break;  // surest first: what follows is not exact
        const auto uuid = parse_uuid(found.photo.uuid);
        if (!uuid) continue;
        PhotoPlace& place = places.emplace_back();
        place.photo = found.photo.id;
        std::ranges::copy(std::as_bytes(std::span(*uuid)), place.uuid.begin());
        place.captured_utc = found.photo.captured_utc;
    }
    std::ranges::sort(places, {}, [](const PhotoPlace& place) {
        return std::pair(place.captured_utc.value_or(std::numeric_limits<UtcMilliseconds>::max()),
                         place.uuid);
    });
    return places;
}

Reply bib_photos(Service& service, const Caller& caller, const Request& request) {
    Mistakes mistakes;
    const std::string& bib = request.parameter("bib");
    if (!is_utf8(bib)) mistakes.add("path.bib", "Input should be UTF-8");
    const Query query(request.query, mistakes);
    const Page page = photo_page(query, mistakes);
    mistakes.refuse();
    return images_reply(service, caller, request, photos_of_bib(service, caller.event->id, bib), page,
                        "Records for bib number " + bib, "No images found for bib number " + bib);
}

Reply timeline_days(Service& service, const Caller& caller, const Request&) {
    constexpr std::int64_t hour = 3'600'000;
    const auto album = service.albums().album(caller.event->id);
    std::map<std::int64_t, std::map<std::int64_t, std::int64_t>> days;  // since 1970; hour of the day; photos
    for (const PhotoPlace& place : std::span(album->places).first(album->timed)) {
        const std::int64_t utc = *place.captured_utc;
        const std::int64_t hours = utc >= 0 ? utc / hour : (utc - hour + 1) / hour;
        const std::int64_t day = hours >= 0 ? hours / 24 : (hours - 23) / 24;
        ++days[day][hours - day * 24];
    }
    json all = json::array();
    for (const auto& [day, hours] : days) {
        const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{day}}};
        std::array<char, 32> text{};
        std::snprintf(text.data(), text.size(), "%04d-%02u-%02u", static_cast<int>(date.year()),
                      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
        json buckets = json::array();
        std::int64_t total = 0;
        for (const auto& [of_day, count] : hours) {
            buckets.push_back({{"hour", of_day}, {"count", count}});
            total += count;
        }
        all.push_back({{"date", text.data()}, {"total", total}, {"hours", std::move(buckets)}});
    }
    const char* message = all.empty() ? "No timeline data" : "Timeline buckets";
    return success(message, {{"days", std::move(all)}});
}

Reply timeline_images(Service& service, const Caller& caller, const Request& request) {
    Mistakes mistakes;
    const Query query(request.query, mistakes);
    const double from = query.number("from", mistakes);
    const double to = query.number("to", mistakes);
    const Page page = photo_page(query, mistakes);
    mistakes.refuse();
    if (to <= from) throw Refusal(400, "to must be later than from");
    // Capture times are whole milliseconds: the first of them that is not before the bound.
    const auto milliseconds = [](double seconds) {
        constexpr double far = 9e18;  // beyond every calendar, within 64 bits
        return static_cast<UtcMilliseconds>(std::clamp(std::ceil(seconds * 1000), -far, far));
    };
    const auto album = service.albums().album(caller.event->id);
    return images_reply(service, caller, request, album->between(milliseconds(from), milliseconds(to)), page,
                        "Records for timeline images", "No images found");
}

// --- Originals ---

// What is asked for: photos that exist, and ids for which there is none.
struct WantedOriginals {
    std::string method;
    json identifier;  // echoed; null for a list
    std::vector<PhotoInfo> photos;
    std::vector<std::string> unknown;
};

std::optional<PhotoInfo> visible_photo(Service& service, EventId event, const std::string& uuid) {
    auto photo = service.catalog().find_photo(event, uuid);
    if (photo && (photo->hidden || !photo->failure.empty())) photo.reset();
    return photo;
}

std::vector<PhotoInfo> visible_photos(Service& service, std::span<const PhotoId> ids) {
    std::vector<PhotoInfo> photos = service.catalog().photos(ids);
    std::erase_if(photos, [](const PhotoInfo& photo) { return photo.hidden; });
    return photos;
}

std::vector<PhotoInfo> photos_of_search(Service& service, EventId event, const std::string& request_id) {
    const auto search = service.catalog().load_search(event, request_id);
    std::vector<PhotoId> ids;
    if (search && search->kind == SearchKind::selfie) {
        for (const Match& match : search->matches) ids.push_back(match.photo);
    }
    return visible_photos(service, ids);
}

WantedOriginals wanted_originals(Service& service, EventId event, const json& body) {
    Mistakes mistakes;
    WantedOriginals wanted;
    const auto method = body.find("method");
    const auto identifier = body.find("identifier");
    if (method == body.end()) {
        mistakes.add("body.method", "Field required");
    } else if (!method->is_string() ||
               (*method != "bib" && *method != "selfie" && *method != "image_id" && *method != "image_ids")) {
        mistakes.add("body.method", "Input should be 'bib', 'selfie', 'image_id' or 'image_ids'");
    } else {
        wanted.method = method->get<std::string>();
    }
    const bool wants_list = wanted.method == "image_ids";
    if (identifier == body.end()) {
        mistakes.add("body.identifier", "Field required");
    } else if (wants_list) {
        if (!identifier->is_array() || identifier->empty() ||
            !std::ranges::all_of(*identifier, [](const json& id) { return id.is_string(); }))
            mistakes.add("body.identifier", "Input should be a list of at least one string");
    } else if (!wanted.method.empty() && !identifier->is_string()) {
        mistakes.add("body.identifier", "Input should be a valid string");
    }
    mistakes.refuse();

    if (wants_list) {
        std::unordered_set<std::string> seen;
        for (const json& id : *identifier) {
            const auto uuid = parse_uuid(id.get<std::string>());
            const std::string text = uuid ? uuid_text(*uuid) : id.get<std::string>();
            if (!seen.insert(text).second) continue;
            auto photo = uuid ? visible_photo(service, event, text) : std::nullopt;
            if (photo) {
                wanted.photos.push_back(*std::move(photo));
            } else {
                wanted.unknown.push_back(text);
            }
        }
        if (wanted.photos.empty()) throw Refusal(400, "None of the image_ids exists in this event");
        return wanted;
    }
    wanted.identifier = *identifier;
    const auto text = identifier->get<std::string>();
    if (wanted.method == "image_id") {
        auto photo = parse_uuid(text) ? visible_photo(service, event, text) : std::nullopt;
        if (!photo) throw Refusal(400, "The image_id does not exist in this event");
        wanted.photos.push_back(*std::move(photo));
    } else if (wanted.method == "selfie") {
        wanted.photos = photos_of_search(service, event, uuid_of(text, "identifier"));
    } else {
        wanted.photos = visible_photos(service, ids_of(photos_of_bib(service, event, text)));
    }
    return wanted;
}

json failed_url(const std::string& image_id, const std::string& error) {
    return {{"image_id", image_id}, {"error", error}, {"path", nullptr}};
}

Reply original_photos(Service& service, const Caller& caller, const Request& request) {
    if (caller.visitor && !caller.event->settings.originals)
        throw Refusal(403, "Originals are not offered for this event");
    Mistakes mistakes;
    const Query query(request.query, mistakes);
    const Page page = page_of(query, originals_on_a_page, most_originals_on_a_page, mistakes);
    mistakes.refuse();
    const WantedOriginals wanted = wanted_originals(service, caller.event->id, json_body(request));

    // Photos first, then ids without one: together they are what is paged through.
    const auto photos = static_cast<std::int64_t>(wanted.photos.size());
    const std::int64_t total = photos + static_cast<std::int64_t>(wanted.unknown.size());
    json links = json::array();
    json failed = json::array();
    const std::int64_t first = page.offset(total);
    for (std::int64_t place = first; place < std::min(first + page.size, total); ++place) {
        if (place >= photos) {
            failed.push_back(failed_url(wanted.unknown[static_cast<std::size_t>(place - photos)],
                                        "There is no such image in this event"));
            continue;
        }
        const PhotoInfo& photo = wanted.photos[static_cast<std::size_t>(place)];
        try {
            service.engine().require_original(photo.id);
            links.push_back(
                {{"url", original_link(service, request, photo)}, {"filename", download_name(photo)}});
        } catch (const Error& error) {
            failed.push_back(failed_url(photo.uuid, error.code() == ErrorCode::not_found
                                                        ? "Object missing"
                                                        : "No link could be made"));
        }
    }
    const auto made = links.size();
    const auto missed = failed.size();
    const std::string none =
        wanted.identifier.is_string()
            ? "No images found for " + wanted.method + " identifier " + wanted.identifier.get<std::string>()
            : "";
    return success(total > 0 ? "Presigned URLs generated" : none,
                   {{"presigned_urls", std::move(links)},
                    {"failed_urls", std::move(failed)},
                    {"total_images", made + missed},
                    {"successful_count", made},
                    {"failed_count", missed},
                    {"identifier", wanted.identifier},
                    {"message", nullptr},
                    {"pagination", pagination_of(page, total)}});
}

}  // namespace

std::vector<Route> photo_routes() {
    return {
        {.method = "GET",
         .pattern = "/api/v1/ext/{org_id}/event/{event_id}/images",
         .handler = all_photos,
         .gate = Gate::event},
        {.method = "GET",
         .pattern = "/api/v1/ext/{org_id}/event/{event_id}/bibs/{bib}",
         .handler = bib_photos,
         .gate = Gate::event,
         .feature = Feature::bib_search},
        {.method = "GET",
         .pattern = "/api/v1/ext/{org_id}/event/{event_id}/timeline/days",
         .handler = timeline_days,
         .gate = Gate::event,
         .feature = Feature::timeline_search},
        {.method = "GET",
         .pattern = "/api/v1/ext/{org_id}/event/{event_id}/timeline/images",
         .handler = timeline_images,
         .gate = Gate::event,
         .feature = Feature::timeline_search},
        {.method = "POST",
         .pattern = "/api/v1/ext/{org_id}/event/{event_id}/original-photos",
         .handler = original_photos,
         .gate = Gate::event,
         .work = Work::storage},
    };
}

}  // namespace eventlens::server
