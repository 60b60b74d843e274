#pragma once

#include <string>
#include <string_view>

#include "catalog/sqlite.h"
#include "eventlens/catalog.h"

namespace eventlens {

// Puts news of an event into the queues of the webhooks that want to be told of them, inside the transaction
// that makes the news. `data`: JSON.
void enqueue_deliveries(sqlite::Database& database, EventId event, std::string_view kind,
                        const std::string& data);

}  // namespace eventlens
