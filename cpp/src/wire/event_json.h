#pragma once

#include <nlohmann/json_fwd.hpp>

#include "eventlens/catalog.h"
#include "wire/fields.h"

// Events, organisations and keys as their administrator sees them.
namespace eventlens::wire {

// "2026-05-09T07:30:00Z"
std::string utc_time(UtcMilliseconds time);

nlohmann::json organisation_item(const Organisation& organisation);
nlohmann::json key_item(const ApiKey& key);

// The event with all its settings, by the names that read_settings() reads.
nlohmann::json event_item(const EventInfo& event);

// Photos, and under "videos" these.
nlohmann::json counts_item(const EventCounts& counts);

// What is absent stays as it is. Values are not checked: Catalog::update_event() does that.
void read_settings(Fields& fields, EventSettings& settings);

}  // namespace eventlens::wire
