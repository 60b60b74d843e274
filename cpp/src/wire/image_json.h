#pragma once

#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "eventlens/catalog.h"

// Photos as the REST contract shows them.
namespace eventlens::wire {

struct ImageUrls {
    std::string preview;
    std::string thumbnail;
    std::optional<std::string> original{};
};

// ImageItem. `legacy_keys`: the misspelt ones of the contract's first version too.
nlohmann::json image_item(const PhotoInfo& photo, const ImageUrls& urls, bool legacy_keys = false);

// "2026-05-09T07:30:00" of an event's date, which may be a day alone; null without one.
nlohmann::json datetime(const std::string& date);

// The text, or null if it is empty.
nlohmann::json text_or_null(const std::string& text);

// EventListItem, and the data of EventDetailsResponse.
nlohmann::json event_list_item(const EventInfo& event);
nlohmann::json event_details(const EventInfo& event);

// "00:12:05": whole hours, minutes and seconds; `up`: the next second, for ends.
std::string clock_time(double seconds, bool up = false);

}  // namespace eventlens::wire
