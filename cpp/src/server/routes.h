#pragma once

#include <vector>

#include "server/router.h"

// Every route there is, by the file that holds its handlers.
namespace eventlens::server {

std::vector<Route> event_routes();       // ping, events, details
std::vector<Route> photo_routes();       // images, bibs, timeline, original photos
std::vector<Route> face_routes();        // selfie search
std::vector<Route> clip_routes();        // video clipping
std::vector<Route> media_routes();       // renditions, originals and clips behind signed links
std::vector<Route> page_routes();        // documents and pages that were built in
std::vector<Route> admin_page_routes();  // of the administration

}  // namespace eventlens::server
