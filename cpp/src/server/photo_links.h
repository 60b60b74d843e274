#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "server/http_message.h"
#include "server/service.h"

// Photos and clips with links that reach them.
namespace eventlens::server {

// ImageItems of the contract, in this order; photos that are gone or hidden meanwhile are left out.
nlohmann::json image_items(Service& service, const Caller& caller, const Request& request,
                           std::span<const PhotoId> photos);

// A link to the original that lasts an hour. Throws Error where there is none.
std::string original_link(Service& service, const Request& request, const PhotoInfo& photo);

// The name under which an original is saved: its UUID, with the ending of the original's key.
std::string download_name(const PhotoInfo& photo);

// Where a clip plays.
std::string clip_link(Service& service, const Request& request, const ClipJob& job, const JobClip& clip);

}  // namespace eventlens::server
