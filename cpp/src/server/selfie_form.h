#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "server/http_message.h"
#include "server/service.h"

namespace eventlens::server {

// The form of a selfie search: a picture, the id of a search, or both.
struct SelfieForm {
    std::optional<std::span<const std::byte>> file;  // lies in the request's body
    std::string request_id;                          // a UUID in lower case; empty: none was given
};

// Refusal: 400 for neither, an empty file, two files, an id that is no UUID and a broken form; 413 for a
// picture that is too large; 415 for a body of another kind.
SelfieForm selfie_form(Service& service, const Request& request);

// The search of this form: the one there is, or a new one. With a file it is searched in videos too, where
// that was not done before. `face_seen` false: the picture shows none, and the search found nobody. Refusal:
// 404 for an unknown id without a file, 400 for a picture that cannot be decoded.
struct FormSearch {
    SavedSearch search;
    bool face_seen = true;
};
FormSearch search_of(Service& service, EventId event, const SelfieForm& form);

}  // namespace eventlens::server
