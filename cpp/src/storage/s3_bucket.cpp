#include "storage/s3_bucket.h"

#include <algorithm>
#include <cstdlib>
#include <set>
#include <string_view>
#include <utility>

#include "base/sha256.h"
#include "storage/s3_xml.h"

namespace eventlens::s3 {

namespace {

bool is_redirect(int status) {
    return status == 301 || status == 307 || status == 308;
}

bool is_trouble_of_its_own(const std::string& code) {
    static const std::set<std::string> codes{
        "SlowDown",           "RequestTimeout",   "InternalError",
        "ServiceUnavailable", "OperationAborted", "ConditionalRequestConflict",
        "Throttling",         "TooManyRequests",  "RequestLimitExceeded"};
    return codes.contains(code);
}

bool is_expiry(const std::string& code) {
    return code == "ExpiredToken" || code == "ExpiredTokenException" || code == "InvalidToken" ||
           code == "TokenRefreshRequired" || code == "RequestExpired";
}

std::string host_without_port(std::string_view url) {
    const std::string host = http::host_of(url);
    return host.substr(0, host.rfind(':'));
}

// "https://host" of "https://host/path?query".
std::string server_of(std::string_view url) {
    return std::string(url.substr(0, url.find_first_of("/?#", url.find("://") + 3)));
}

// Whether a request that was meant for `from` may be signed for `to`: it is the same host, or one below the
// same endpoint, and no less private. A session token goes with the request.
bool is_same_service(const std::string& to, const std::string& from, const Place& place) {
    if (from.starts_with("https:") && !to.starts_with("https:")) return false;
    const std::string host = host_without_port(to);
    return host == host_without_port(from) || host.ends_with('.' + host_without_port(place.endpoint())) ||
           (place.is_amazon() && host.ends_with(".amazonaws.com"));
}

// Words as long as keys and signatures are.
bool holds_credentials(std::string_view message) {
    std::size_t length = 0;
    for (const char c : message) {
        length = c == ' ' || c == ',' || c == '\'' || c == '"' ? 0 : length + 1;
        if (length >= 16) return true;
    }
    return false;
}

std::string minutes(std::chrono::seconds time) {
    return std::to_string((std::abs(time.count()) + 30) / 60) + " minutes";
}

}  // namespace

Bucket::Bucket(Place place, std::unique_ptr<const Credentials> credentials, bool requester_pays,
               const StorageOptions& options)
    : name_(place.bucket()),
      asks_first_(place.provider().asks_first),
      credentials_(std::move(credentials)),
      requester_pays_(requester_pays),
      client_(http::Settings::from(options)),
      place_(std::move(place)) {}

Place Bucket::place() const {
    const std::lock_guard lock(mutex_);
    return place_;
}

std::int64_t Bucket::now() const {
    return std::chrono::duration_cast<std::chrono::seconds>(client_.now().time_since_epoch()).count();
}

http::Response Bucket::ask(const Question& question) const {
    Lesson lesson{{}, place(), {}};
    http::Call call;
    call.doing = question.doing;
    call.request = [&](const http::Resume& resume) { return request(question, resume, lesson); };
    call.judge = [&](const http::Response& reply) { return judge(question, reply, lesson); };
    call.max_body = question.max_body;
    return client_.send(call);
}

http::Request Bucket::request(const Question& question, const http::Resume& resume, Lesson& lesson) const {
    http::Request request{question.method, lesson.place.url(question.key, question.query), question.headers,
                          question.body, question.body_file};
    if (!lesson.server.empty()) request.url.replace(0, server_of(request.url).size(), lesson.server);
    if (question.first || resume.received > 0)
        request.headers.emplace_back("Range", http::range(question.first.value_or(0), question.last, resume));
    if (resume.received > 0) {
        std::erase_if(request.headers, [](const auto& header) { return header.first == "If-Match"; });
        request.headers.emplace_back("If-Match", resume.etag);
    }
    if (requester_pays_) request.headers.emplace_back("x-amz-request-payer", "requester");
    if (!credentials_) return request;
    lesson.keys = credentials_->keys();
    std::string payload = unsigned_payload;
    if (!request.url.starts_with("https:")) {
        payload =
            question.body_file.empty() ? sha256_hex(question.body) : sha256_hex_of_file(question.body_file);
    }
    Signer{lesson.keys, lesson.place.region(), now()}.sign(request, payload);
    return request;
}

http::Next Bucket::judge(const Question& question, const http::Response& reply, Lesson& lesson) const {
    if (reply.status >= 200 && reply.status < 300)
        return !question.is_whole || question.is_whole(reply) ? http::Next::done : http::Next::again;
    const Problem problem = parse_problem(reply.text());
    if (http::is_busy(reply.status) || is_trouble_of_its_own(problem.code)) return http::Next::again;
    if ((reply.status == 403 || problem.code == "RequestTimeTooSkewed") && client_.adopt_clock(reply))
        return http::Next::at_once;
    // Of HEAD there is no body that could say why.
    const bool may_be_expiry =
        is_expiry(problem.code) || (reply.status == 403 && !lesson.keys.session_token.empty());
    if (credentials_ && may_be_expiry && !lesson.renewed) {
        lesson.renewed = true;
        if (credentials_->renew(lesson.keys)) return http::Next::at_once;
    }
    return follow(reply, problem.region, lesson) ? http::Next::at_once : http::Next::done;
}

// Whether the reply says where the bucket is, and that is somewhere else.
bool Bucket::follow(const http::Response& reply, const std::string& said_region, Lesson& lesson) const {
    if (lesson.moved || !(is_redirect(reply.status) || reply.status == 400 || reply.status == 403))
        return false;
    std::string region(reply.header("x-amz-bucket-region"));
    if (region.empty()) region = said_region;
    const bool known = !region.empty() &&
                       region.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
    if (known && region != lesson.place.region()) {
        lesson.moved = true;
        lesson.place = lesson.place.in_region(region);
        const std::lock_guard lock(mutex_);
        place_ = lesson.place;
        return true;
    }
    const std::string_view there = reply.header("location");
    if (!is_redirect(reply.status) || there.find("://") == std::string_view::npos) return false;
    const std::string server = server_of(there);
    const std::string here = lesson.server.empty() ? lesson.place.endpoint() : lesson.server;
    if (!is_same_service(server, here, lesson.place)) return false;
    lesson.moved = server != here;
    lesson.server = server;
    return true;
}

Error Bucket::refusal(const Question& question, const http::Response& reply) const {
    const Place here = place();
    const Problem problem = parse_problem(reply.text());
    const auto error = [&](ErrorCode code, const std::string& why) {
        return Error(code, question.doing + ": " + why);
    };
    const std::string at = "at " + here.host();
    const std::string& code = problem.code;
    if (http::is_busy(reply.status) || is_trouble_of_its_own(code))
        return error(ErrorCode::overloaded, here.host() + " is busy or in trouble (" +
                                                std::to_string(reply.status) +
                                                (code.empty() ? "" : " " + code) + ")");
    if (reply.status >= 200 && reply.status < 300)
        return error(ErrorCode::overloaded, here.host() + " sends replies that are cut off or garbled");
    if (code == "NoSuchBucket")
        return error(ErrorCode::not_found, "there is no bucket called " + name_ + " " + at);
    if (code == "InvalidAccessKeyId")
        return error(ErrorCode::denied, "the access key is not known " + at + "; check it and the endpoint");
    if (code == "RequestTimeTooSkewed") {
        return error(ErrorCode::denied, "this machine's clock is " + minutes(client_.clock_offset()) +
                                            " off from that of " + here.host() + ": set it right");
    }
    if (code == "SignatureDoesNotMatch")
        return error(ErrorCode::denied, "the secret key does not belong to the access key " + at);
    if (is_expiry(code))  // nothing is wrong with the object: it can be had with new ones
        return error(ErrorCode::overloaded, "the session has expired: get new temporary credentials");
    if ((reply.status >= 300 && reply.status < 400) || code == "AuthorizationHeaderMalformed" ||
        code == "PermanentRedirect")
        return error(ErrorCode::denied, "the bucket is not where it was looked for, " + at + " in region " +
                                            here.region() + ": give its endpoint and region");
    if (reply.status == 404 && (code.empty() || code == "NoSuchKey" || code == "NotFound"))
        return error(ErrorCode::not_found, "there is no such object");
    if (reply.status == 412) return error(ErrorCode::bad_input, "the object changed while it was read");
    if (code == "InvalidObjectState")
        return error(ErrorCode::denied, "the object is in an archive and must be brought back first");
    if (reply.status == 401 || reply.status == 403) {
        return error(ErrorCode::denied, std::string(credentials_ ? "the credentials do not allow it "
                                                                 : "it is not open to everybody ") +
                                            at + (code.empty() ? "" : " (" + code + ")"));
    }
    std::string why =
        here.host() + " answered " + std::to_string(reply.status) + (code.empty() ? "" : " " + code);
    // What a server says may repeat what it was sent, so what looks like credentials is left out.
    if (!problem.message.empty() && !holds_credentials(problem.message)) why += ": " + problem.message;
    return error(reply.status == 404                          ? ErrorCode::not_found
                 : reply.status >= 500 && reply.status != 501 ? ErrorCode::overloaded
                                                              : ErrorCode::denied,
                 why);
}

std::string Bucket::link(const std::string& key, Query query, std::chrono::seconds lasts) const {
    if (!credentials_)
        throw Error(ErrorCode::unsupported,
                    "links need credentials to be signed with, and " + name_ + " has none");
    if (requester_pays_) query["x-amz-request-payer"] = "requester";
    const Place here = place();
    return Signer{credentials_->keys(), here.region(), now()}.presigned(here.url(key, query), lasts);
}

}  // namespace eventlens::s3
