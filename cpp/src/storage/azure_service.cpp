#include "storage/azure_service.h"

#include <chrono>
#include <optional>

namespace eventlens::azure {

namespace {

bool is_success(const http::Response& reply) {
    return reply.status >= 200 && reply.status < 300;
}

}  // namespace

std::int64_t Service::now() const {
    return std::chrono::duration_cast<std::chrono::seconds>(client_.now().time_since_epoch()).count();
}

http::Response Service::ask(const std::string& doing, const Question& question, std::int64_t max_body,
                            const std::function<bool(const http::Response&)>& garbled) const {
    const auto judge = [&](const http::Response& reply) {
        // Signatures are refused when this machine's clock is wrong: then that of the service is taken.
        if (reply.status == 403 && client_.adopt_clock(reply)) return http::Next::at_once;
        const bool in_vain = is_success(reply) ? garbled && garbled(reply) : http::is_busy(reply.status);
        return in_vain ? http::Next::again : http::Next::done;
    };
    return client_.send({.doing = doing,
                         .request = [&](const http::Resume& resume) { return request(question, resume); },
                         .judge = judge,
                         .max_body = max_body});
}

http::Request Service::request(const Question& question, const http::Resume& resume) const {
    if (!question.range && resume.received == 0) return account_.request(question, now());
    Question part = question;
    const Range range = question.range.value_or(Range{});
    part.headers["x-ms-range"] = http::range(range.first, range.last, resume);
    if (resume.received > 0) part.headers["if-match"] = resume.etag;
    return account_.request(part, now());
}

void Service::require_success(const std::string& doing, const http::Response& reply) const {
    if (!is_success(reply)) throw refusal(doing, reply, client_.clock_offset());
}

}  // namespace eventlens::azure
