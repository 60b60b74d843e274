#include "wire/image_json.h"

#include <array>
#include <cmath>
#include <cstdio>

#include <nlohmann/json.hpp>

namespace eventlens::wire {

using nlohmann::json;

json text_or_null(const std::string& text) {
    return text.empty() ? json(nullptr) : json(text);
}

json datetime(const std::string& date) {
    constexpr std::size_t day_alone = 10;
    return date.size() == day_alone ? json(date + "T00:00:00") : text_or_null(date);
}

json image_item(const PhotoInfo& photo, const ImageUrls& urls, bool legacy_keys) {
    const auto pixels = [](int side) { return side > 0 ? json(side) : json(nullptr); };
    json item = {{"img_url", urls.preview},
                 {"height", pixels(photo.size.height)},
                 {"width", pixels(photo.size.width)},
                 {"image_id", photo.uuid},
                 {"thumbnail_url", urls.thumbnail},
                 {"original_url", urls.original ? json(*urls.original) : json(nullptr)}};
    if (legacy_keys) {
        item["widht"] = item["width"];
        item["thumbanail_url"] = item["thumbnail_url"];
        item["orginal_url"] = item["original_url"];
    }
    return item;
}

json event_list_item(const EventInfo& event) {
    const EventSettings& settings = event.settings;
    return {{"event_id", event.id},
            {"event_name", text_or_null(settings.name)},
            {"event_slug", text_or_null(settings.slug)},
            {"event_date", datetime(settings.date)},
            {"status", text_or_null(settings.status)},
            {"cover_image", text_or_null(settings.cover_image)}};
}

json event_details(const EventInfo& event) {
    const EventFeatures& features = event.settings.features;
    json details = event_list_item(event);
    details.erase("cover_image");
    details["event_enabled"] = features.enabled;
    details["bib_search"] = features.bib_search;
    details["selfie_search"] = features.selfie_search;
    details["name_search"] = features.name_search;
    details["video_search"] = features.video_search;
    details["video_selfie_search"] = features.video_search && features.video_selfie_search;
    details["timeline_search"] = features.timeline_search;
    return details;
}

std::string clock_time(double seconds, bool up) {
    const auto whole = static_cast<long>(up ? std::ceil(seconds) : std::floor(seconds));
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%02ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
    return text.data();
}

}  // namespace eventlens::wire
