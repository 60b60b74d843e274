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

SavedSearch saved_search(Service& service, EventId event, const std::string& request_id) {
    auto saved = service.catalog().load_search(event, request_id);
    if (!saved || saved->kind != SearchKind::selfie)
        throw Refusal(404, "The request_id does not exist in this event");
    return *std::move(saved);
}

}  // namespace

SelfieForm selfie_form(Service& service, const Request& request) {
    SelfieForm form;
    std::optional<std::string> request_id;
    const auto type = request.headers.get("Content-Type");
    if (type || !request.body.empty()) {
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

FormSearch search_of(Service& service, EventId event, const SelfieForm& form) {
    std::optional<OneAtATime::Turn> turn;
    if (!form.request_id.empty())
        turn.emplace(service.searches(), std::to_string(event) + "/" + form.request_id);
    if (!form.file) return {saved_search(service, event, form.request_id)};
    if (!form.request_id.empty()) {
        const auto known = service.catalog().load_search(event, form.request_id);
        if (known && known->kind != SearchKind::selfie)
            throw Refusal(404, "The request_id does not exist in this event");
        const bool complete =
            known && (known->appearances || service.catalog().counts(event).videos.total == 0);
        if (complete) return {*known};  // the file is ignored
    }
    SelfieOptions options;
    options.request_id = form.request_id;
    options.face_required = false;
    SearchResult result;
    const auto begun = std::chrono::steady_clock::now();
    try {
        result = service.engine().find_selfie(event, std::array{*form.file}, options);
    } catch (const Error& error) {
        if (error.code() != ErrorCode::bad_input && error.code() != ErrorCode::unsupported) throw;
        throw Refusal(400, std::string("The selfie cannot be used: ") + error.what());
    }
    service.selfie_searched(std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count());
    const bool face_seen = result.repeated || !result.selfies.empty();
    return {saved_search(service, event, result.request_id), face_seen};
}

}  // namespace eventlens::server
