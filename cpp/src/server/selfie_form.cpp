#include "server/selfie_form.h"

#include <array>
#include <chrono>

#include "eventlens/error.h"
#include "server/multipart.h"
#include "server/parameters.h"
#include "server/replies.h"

namespace eventlens::server {

namespace {

constexpr std::size_t megabyte = 1 << 20;

constexpr std::size_t largest_plain_form = 4096;  // bytes; an id has 36

constexpr const char* selfies_are_files = "A selfie must be sent as a file, in multipart/form-data";

// A form of plain fields.
std::optional<std::string> id_among_fields(std::string_view body) {
    if (body.size() > largest_plain_form) throw Refusal(400, selfies_are_files);
    Mistakes mistakes;
    const Query fields(body, mistakes);
    if (mistakes.any()) throw Refusal(400, "The form cannot be decoded");
    if (fields.get("file")) throw Refusal(400, selfies_are_files);
    const auto id = fields.get("request_id");
    return id ? std::optional<std::string>(*id) : std::nullopt;
}

Image decoded(std::span<const std::byte> selfie) {
    try {
        return decode_selfie(selfie);
    } catch (const Error& error) {
        if (error.code() != ErrorCode::bad_input && error.code() != ErrorCode::unsupported) throw;
        throw Refusal(400, std::string("The selfie cannot be used: ") + error.what());
    }
}

SearchResult find(Service& service, EventId event, const SelfieForm& form) {
    SelfieOptions options;
    options.request_id = form.request_id;
    options.limit.reset();
    options.face_required = false;
    const auto begun = std::chrono::steady_clock::now();
    const Image selfie = decoded(*form.file);
    SearchResult result = service.engine().find_selfie(event, std::array{selfie.view()}, options);
    service.selfie_searched(std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count());
    return result;
}

SavedSearch saved_search(Service& service, EventId event, const std::string& request_id) {
    auto saved = service.catalog().load_search(event, request_id);
    if (!saved || saved->kind != SearchKind::selfie)
        throw Refusal(404, "The request_id does not exist in this event");
    return *std::move(saved);
}

FormSearch new_search(Service& service, EventId event, const SelfieForm& form) {
    const SearchResult result = find(service, event, form);
    const bool face_seen = result.repeated || !result.selfies.empty();
    return {saved_search(service, event, result.request_id), face_seen};
}

// A search that was made before there was footage, once more, with another picture.
SavedSearch in_videos_too(Service& service, EventId event, const SelfieForm& form, const SavedSearch& known,
                          Wanted wanted) {
    try {
        if (find(service, event, form).appearances) return saved_search(service, event, form.request_id);
        if (wanted == Wanted::clips)
            throw Refusal(400, "No face was found in the selfie: send one that shows it");
    } catch (const Refusal&) {
        if (wanted == Wanted::clips) throw;
    }
    return known;
}

}  // namespace

SelfieForm selfie_form(Service& service, const Request& request) {
    SelfieForm form;
    std::optional<std::string> request_id;
    const auto type = request.headers.get("Content-Type");
    if (type && media_type_of(*type) == "application/x-www-form-urlencoded") {
        request_id = id_among_fields(request.body);
    } else if (type || !request.body.empty()) {
        for (const FormPart& part : parse_multipart(type.value_or(""), request.body)) {
            if (part.name == "file") {
                if (form.file) throw Refusal(400, "Two files were given; one selfie makes a search");
                form.file = std::as_bytes(std::span(part.content));
            } else if (part.name == "request_id") {
                if (request_id) throw Refusal(400, "request_id was given twice");
                request_id = std::string(part.content);
            }
        }
    }
    if (request_id && !(request_id->empty() && form.file))
        form.request_id = uuid_of(*request_id, "request_id");
    if (!form.file && form.request_id.empty()) throw Refusal(400, "Give a selfie as file, or a request_id");
    if (form.file && form.file->empty()) throw Refusal(400, "The selfie file is empty");
    if (form.file &&
        form.file->size() > static_cast<std::size_t>(service.config().limits.selfie_mb) * megabyte)
        throw Refusal(413, "The selfie is too large");
    return form;
}

FormSearch search_of(Service& service, EventId event, const SelfieForm& form, Wanted wanted) {
    std::optional<OneAtATime::Turn> turn;
    std::optional<SavedSearch> known;
    if (!form.request_id.empty()) {
        turn.emplace(service.searches(), std::to_string(event) + "/" + form.request_id);
        known = service.catalog().load_search(event, form.request_id);
        if (known ? known->kind != SearchKind::selfie : !form.file)
            throw Refusal(404, "The request_id does not exist in this event");
    }
    if (known && known->appearances) return {*std::move(known)};
    const bool footage = service.catalog().counts(event).videos.seconds > 0;
    if (wanted == Wanted::clips && !footage) throw Refusal(400, no_footage_yet);
    if (!known) return new_search(service, event, form);
    if (form.file && footage) return {in_videos_too(service, event, form, *known, wanted)};
    return {*std::move(known)};
}

}  // namespace eventlens::server
