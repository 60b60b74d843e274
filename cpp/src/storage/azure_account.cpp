#include "storage/azure_account.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <pugixml.hpp>
#include <string_view>
#include <system_error>

#include "storage/azure_sign.h"
#include "storage/http_date.h"

namespace eventlens::azure {

namespace {

// What a code means to whoever runs this, where it does not speak for itself.
struct Meaning {
    std::string_view code;
    const char* text;
};

constexpr std::array meanings{
    Meaning{"AuthenticationFailed", "the key or the shared access signature is wrong or has expired"},
    Meaning{"AuthorizationFailure",
            "the key or the shared access signature is wrong, has expired or does not permit this"},
    Meaning{"AuthorizationPermissionMismatch", "the shared access signature does not permit this"},
    Meaning{"AuthorizationResourceTypeMismatch", "the shared access signature does not permit this"},
    Meaning{"AuthorizationServiceMismatch", "the shared access signature is not for blobs"},
    Meaning{"KeyBasedAuthenticationNotPermitted", "the account permits no access by key"},
    Meaning{"NoAuthenticationInformation", "the container is not public"},
    Meaning{"PublicAccessNotPermitted", "the account has no public containers"},
    Meaning{"ResourceNotFound", "there is no such container, or it is not public"},
    Meaning{"ContainerNotFound", "there is no such container"},
    Meaning{"BlobNotFound", "there is no such blob"},
    Meaning{"ConditionNotMet", "the blob is another one by now"},
    Meaning{"BlobArchived", "the blob is in the archive tier and must be brought back first"},
    Meaning{"LeaseIdMissing", "the blob is leased by somebody else"},
};

ErrorCode meaning_of(int status) {
    if (status == 404) return ErrorCode::not_found;
    if (status == 412) return ErrorCode::bad_input;  // another blob than the one that was asked for
    return http::is_busy(status) || status >= 500 ? ErrorCode::overloaded : ErrorCode::denied;
}

}  // namespace

std::string Account::url(const std::string& container, const std::string& blob) const {
    std::string url = access_.endpoint + '/' + percent_encoded(container, "$");
    if (!blob.empty()) url += '/' + percent_encoded(blob, "/");
    return url;
}

http::Request Account::request(const Question& question, std::int64_t now) const {
    http::Request request{.method = question.method,
                          .url = url(question.container, question.blob),
                          .body = question.body,
                          .body_file = question.body_file};
    std::map<std::string, std::string> headers = question.headers;
    headers["x-ms-date"] = http_date(now);
    headers["x-ms-version"] = service_version;
    if (!access_.key.empty()) {
        Unsigned to_sign{.method = question.method,
                         .path = request.url.substr(request.url.find('/', request.url.find("://") + 3)),
                         .query = question.query,
                         .headers = headers};
        if (question.method == "PUT") {
            std::error_code gone;  // which is noticed when the file is opened to be sent
            const std::uintmax_t size = question.body_file.empty()
                                            ? question.body.size()
                                            : std::filesystem::file_size(question.body_file, gone);
            to_sign.headers["content-length"] = std::to_string(size);
        }
        headers["authorization"] = shared_key(name_, access_.key, to_sign);
    }
    request.headers.assign(headers.begin(), headers.end());
    std::string query = query_text(question.query);
    if (!access_.sas.empty()) query += (query.empty() ? "" : "&") + access_.sas;
    if (!query.empty()) request.url += '?' + query;
    return request;
}

std::string Account::link(const std::string& container, const std::string& blob, std::int64_t expires,
                          const std::string& content_disposition) const {
    if (access_.key.empty()) {
        throw Error(
            ErrorCode::unsupported,
            "a link to a blob can only be signed with the account's key" +
                std::string(access_.sas.empty() ? ""
                                                : ": the shared access signature would let its holder "
                                                  "do all that it permits"));
    }
    const BlobLink link{.account = name_,
                        .container = container,
                        .blob = blob,
                        .expires = expires,
                        .https_only = access_.endpoint.starts_with("https:"),
                        .content_disposition = content_disposition};
    return url(container, blob) + '?' + query_text(blob_sas(access_.key, link));
}

std::string error_code(const http::Response& reply) {
    std::string code(reply.header("x-ms-error-code"));
    pugi::xml_document document;
    if (code.empty() && document.load_buffer(reply.body.data(), reply.body.size()))
        code = document.child("Error").child("Code").text().get();
    const bool plain = std::ranges::all_of(code, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    });
    return plain && code.size() < 100 ? code : std::string();
}

Error refusal(const std::string& doing, const http::Response& reply, std::chrono::seconds clock_offset) {
    const std::string code = error_code(reply);
    const auto meaning = std::ranges::find(meanings, code, &Meaning::code);
    std::string message = doing + ": ";
    if (meaning != meanings.end()) {
        message += std::string(meaning->text) + " (" + code + ")";
    } else {
        message += "the service answers " + std::to_string(reply.status) + (code.empty() ? "" : " " + code);
    }
    if (reply.status == 403 && clock_offset.count() != 0) {
        message += "; this machine's clock is " + std::to_string(std::abs(clock_offset.count())) + " s " +
                   (clock_offset.count() > 0 ? "behind" : "ahead of") + " that of the service";
    }
    return {meaning_of(reply.status), message};
}

}  // namespace eventlens::azure
