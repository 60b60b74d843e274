#include "server/replies.h"

#include <nlohmann/json.hpp>

#include "eventlens/error.h"

namespace eventlens::server {

namespace {

using nlohmann::json;

// Bytes that are no UTF-8, as keys of objects may hold, are replaced.
std::string text_of(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

Reply enveloped(int status, const char* type, std::string_view message, const json& data) {
    Reply reply;
    reply.status = status;
    reply.body = text_of({{"responseType", type}, {"message", message}, {"data", data}});
    return reply;
}

}  // namespace

Reply success(std::string_view message, const json& data) {
    return enveloped(200, "success", message, data);
}

Reply failure(int status, std::string_view message) {
    return enveloped(status, "error", message, nullptr);
}

Reply reply_for(const std::exception& error, Told told) {
    if (const auto* refusal = dynamic_cast<const Refusal*>(&error)) {
        Reply reply = failure(refusal->status(), refusal->what());
        reply.headers = refusal->headers;
        return reply;
    }
    const auto* ours = dynamic_cast<const Error*>(&error);
    const ErrorCode code = ours ? ours->code() : ErrorCode::internal;
    if (code == ErrorCode::overloaded)
        return failure(
            500, told == Told::errors ? ours->what() : "The request could not be recorded; try again later");
    if (code == ErrorCode::internal || told == Told::refusals) return failure(500, "Internal error");
    return failure(code == ErrorCode::not_found ? 404 : 400, ours->what());
}

}  // namespace eventlens::server
