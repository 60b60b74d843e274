#pragma once

#include <functional>

#include "server/http_message.h"
#include "wire/fields.h"

namespace eventlens::server {

// Reads the request's JSON object. Fields that `read` does not ask for are mistakes. Throws as json_body(),
// and Refusal(422) with every mistake there is.
void read_body(const Request& request, const std::function<void(wire::Fields&)>& read);

}  // namespace eventlens::server
