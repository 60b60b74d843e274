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

// multipart/form-data; without a picture also application/x-www-form-urlencoded, as many clients send plain
// fields. Refusal: 400 for neither, an empty file, two files, an id that is no UUID and a broken form; 413
// for a picture that is too large; 415 for a body of another kind.
SelfieForm selfie_form(Service& service, const Request& request);

inline constexpr const char* no_footage_yet = "No video of this event has been read yet: try again later";

// What a search is made for, and so what becomes of one that is known, but was made before the event had
// footage, when another picture comes with its id.
enum class Wanted {
    photos,  // it is searched in the videos, too, if the picture can be used; the photos are told in any case
    clips,   // it must be; a picture that cannot be used is refused
};

// The search of this form: the one there is, or a new one. Refusal: 404 for an unknown id without a file, 400
// for a picture that cannot be decoded, and for clips where nothing is known of the videos.
struct FormSearch {
    SavedSearch search;
    bool face_seen = true;  // false: the picture shows none, and the search found nobody
};
FormSearch search_of(Service& service, EventId event, const SelfieForm& form, Wanted wanted);

}  // namespace eventlens::server
