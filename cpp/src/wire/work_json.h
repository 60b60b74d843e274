#pragma once

#include <nlohmann/json_fwd.hpp>

#include "eventlens/catalog.h"

// Index runs and webhooks as their administrator sees them.
namespace eventlens::wire {

nlohmann::json run_item(const IndexRunInfo& run);

// Without the secret.
nlohmann::json webhook_item(const Webhook& webhook);
nlohmann::json delivery_item(const WebhookDelivery& delivery);

}  // namespace eventlens::wire
