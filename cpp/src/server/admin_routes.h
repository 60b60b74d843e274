#pragma once

#include <vector>

#include "server/router.h"

// The administrator's routes, by the file that holds their handlers.
namespace eventlens::server {

std::vector<Route> admin_organisation_routes();  // organisations and their keys
std::vector<Route> admin_event_routes();         // events, rosters, sources, failures, participants' tokens
std::vector<Route> admin_deletion_routes();      // photos for good, and everything of an event
std::vector<Route> admin_run_routes();           // index runs
std::vector<Route> admin_webhook_routes();       // who is told of what has finished
std::vector<Route> admin_usage_routes();         // what is counted

}  // namespace eventlens::server
