#include "storage/azure_listing.h"

#include <charconv>
#include <optional>
#include <pugixml.hpp>
#include <span>

#include "base/base64.h"
#include "storage/http_date.h"
#include "storage/url.h"

namespace eventlens::azure {

namespace {

Error malformed(const std::string& what) {
    return {ErrorCode::overloaded, "the listing of the container is malformed: " + what};
}

// What XML cannot hold comes percent-encoded.
std::string name_of(const pugi::xml_node& blob) {
    const pugi::xml_node name = blob.child("Name");
    std::string text = name.text().get();
    if (text.empty()) throw malformed("a blob has no name");
    if (!name.attribute("Encoded").as_bool()) return text;
    try {
        return percent_decoded(text);
    } catch (const Error& error) {
        throw malformed(error.what());
    }
}

std::int64_t size_of(const pugi::xml_node& properties) {
    const std::string_view text = properties.child("Content-Length").text().get();
    std::int64_t size = -1;
    const auto [end, reason] = std::from_chars(text.data(), text.data() + text.size(), size);
    if (reason != std::errc() || end != text.data() + text.size() || size < 0)
        throw malformed("a blob has no size");
    return size;
}

// Empty: the service does not know, or says what it was told and does not keep it up to date.
std::string content_mark(const pugi::xml_node& properties) {
    if (properties.child("BlobType").text().get() != std::string_view("BlockBlob")) return {};
    const auto md5 = parse_base64(properties.child("Content-MD5").text().get());
    if (!md5 || md5->size() != 16) return {};
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string mark = "md5:";
    for (const std::byte byte : *md5) {
        mark += digits[std::to_integer<unsigned>(byte >> 4)];
        mark += digits[std::to_integer<unsigned>(byte & std::byte{15})];
    }
    return mark;
}

std::optional<StoredObject> blob_of(const pugi::xml_node& blob) {
    const pugi::xml_node properties = blob.child("Properties");
    if (properties.child("ResourceType").text().get() == std::string_view("directory")) return std::nullopt;
    const auto modified = parse_http_date(properties.child("Last-Modified").text().get());
    constexpr std::int64_t year_2262 = 9'214'646'400;  // where nanoseconds in 64 bits end
    if (!modified || *modified < -year_2262 || *modified >= year_2262)
        throw malformed("a blob has no time of modification");
    StoredObject object{.key = name_of(blob),
                        .size = size_of(properties),
                        .modified = *modified * 1'000'000'000,
                        .etag = content_mark(properties)};
    object.etag_is_content = !object.etag.empty();
    if (object.etag.empty()) object.etag = properties.child("Etag").text().get();
    return object;
}

}  // namespace

Page parse_listing(std::string_view xml) {
    pugi::xml_document document;
    const unsigned names_may_be_blank = pugi::parse_default | pugi::parse_ws_pcdata_single;
    const pugi::xml_parse_result result =
        document.load_buffer(xml.data(), xml.size(), names_may_be_blank, pugi::encoding_utf8);
    if (!result) throw malformed(result.description());
    const pugi::xml_node listing = document.child("EnumerationResults");
    const pugi::xml_node next = listing.child("NextMarker");
    if (!next) throw malformed("it has no end");
    Page page{.objects = {}, .next = next.text().get()};
    for (const pugi::xml_node& blob : listing.child("Blobs").children("Blob")) {
        if (auto object = blob_of(blob)) page.objects.push_back(std::move(*object));
    }
    return page;
}

}  // namespace eventlens::azure
