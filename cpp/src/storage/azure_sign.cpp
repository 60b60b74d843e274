#include "storage/azure_sign.h"

#include <array>

#include "base/base64.h"
#include "base/hmac.h"
#include "storage/http_date.h"

namespace eventlens::azure {

namespace {

std::string signature(std::span<const std::byte> key, const std::string& text) {
    return base64_text(hmac_sha256(key, text));
}

std::string value_of(const std::map<std::string, std::string>& headers, const char* name) {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string() : found->second;
}

}  // namespace

std::string shared_key(const std::string& account, std::span<const std::byte> key, const Unsigned& request) {
    static constexpr std::array standard{"content-encoding",
                                         "content-language",
                                         "content-length",
                                         "content-md5",
                                         "content-type",
                                         "date",
                                         "if-modified-since",
                                         "if-match",
                                         "if-none-match",
                                         "if-unmodified-since",
                                         "range"};
    std::string text = request.method + '\n';
    for (const std::string_view name : standard) {
        const std::string value = value_of(request.headers, name.data());
        if (!(name == "content-length" && value == "0")) text += value;
        text += '\n';
    }
    for (const auto& [name, value] : request.headers) {
        if (name.starts_with("x-ms-")) text += name + ':' + value + '\n';
    }
    text += '/' + account + request.path;
    for (const auto& [name, value] : request.query) text += '\n' + name + ':' + value;
    return "SharedKey " + account + ':' + signature(key, text);
}

std::map<std::string, std::string> blob_sas(std::span<const std::byte> key, const BlobLink& link) {
    std::map<std::string, std::string> query{{"sp", "r"},
                                             {"se", iso_time(link.expires)},
                                             {"spr", link.https_only ? "https" : "https,http"},
                                             {"sv", service_version},
                                             {"sr", "b"}};
    if (!link.content_disposition.empty()) query["rscd"] = link.content_disposition;
    // What the link does not say is signed as empty.
    const std::string begin, stored_policy, addresses, snapshot, encryption_scope;
    const std::string cache_control, content_encoding, content_language, content_type;
    std::string text;
    for (const std::string& field :
         {query["sp"], begin, query["se"], "/blob/" + link.account + '/' + link.container + '/' + link.blob,
          stored_policy, addresses, query["spr"], query["sv"], query["sr"], snapshot, encryption_scope,
          cache_control, link.content_disposition, content_encoding, content_language})
        text += field + '\n';
    text += content_type;
    query["sig"] = signature(key, text);
    return query;
}

}  // namespace eventlens::azure
