#include "storage/s3_xml.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <pugixml.hpp>

#include "storage/url.h"

namespace eventlens::s3 {

namespace {

constexpr std::size_t longest_message = 300;

// Entities of a document's own are left as they are: pugixml knows no others than the five of XML.
bool parse(pugi::xml_document& document, std::string_view xml, const char* root) {
    const auto parsed = document.load_buffer(
        xml.data(), xml.size(), pugi::parse_cdata | pugi::parse_escapes | pugi::parse_ws_pcdata_single);
    return parsed && std::string_view(document.document_element().name()) == root;
}

std::optional<std::int64_t> number_in(std::string_view text) {
    std::int64_t number = 0;
    const auto [end, reason] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (reason != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
    return number;
}

// Keys in a listing are written as in forms: ' ' is '+'. Empty for what is not.
std::string form_decoded(std::string text) {
    std::ranges::replace(text, '+', ' ');
    try {
        return percent_decoded(text);
    } catch (const Error&) {
        return {};
    }
}

bool is_hex(std::string_view text) {
    return std::ranges::all_of(text, [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    });
}

// "d41d8cd98f00b204e9800998ecf8427e", or "...-12" of an object put in 12 parts. Nothing but zeros is what
// gateways over file systems say of files that they did not write.
bool is_hash(std::string_view etag) {
    constexpr std::size_t md5 = 32;
    if (etag.size() < md5 || !is_hex(etag.substr(0, md5))) return false;
    if (etag.substr(0, md5).find_first_not_of('0') == etag.npos) return false;
    return etag.size() == md5 || (etag[md5] == '-' && number_in(etag.substr(md5 + 1)));
}

std::string of_one_line(std::string_view text) {
    std::string line(text.substr(0, longest_message));
    std::ranges::replace_if(
        line, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 127; }, ' ');
    return line;
}

}  // namespace

std::optional<std::int64_t> parse_iso_time(std::string_view text) {
    using namespace std::chrono;
    // "2026-11-22T09:30:00" and, if the server likes, ".123", before "Z"
    if (text.size() < 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' ||
        text[16] != ':' || text.back() != 'Z')
        return std::nullopt;
    const auto field = [&](std::size_t at, std::size_t length) { return number_in(text.substr(at, length)); };
    const auto year_number = field(0, 4), month_number = field(5, 2), day_number = field(8, 2);
    const auto hour = field(11, 2), minute = field(14, 2), second = field(17, 2);
    if (!year_number || !month_number || !day_number || !hour || !minute || !second || *hour > 23 ||
        *minute > 59 || *second > 60 || *year_number < 1700 || *year_number > 2200)  // fits 64 bits
        return std::nullopt;
    const year_month_day date(year(static_cast<int>(*year_number)),
                              month(static_cast<unsigned>(*month_number)),
                              day(static_cast<unsigned>(*day_number)));
    if (!date.ok()) return std::nullopt;
    std::int64_t nanoseconds = 0;
    std::string_view fraction = text.substr(19, text.size() - 20);
    if (!fraction.empty()) {
        if (fraction.size() < 2 || fraction.size() > 10 || !fraction.starts_with('.')) return std::nullopt;
        std::string digits(fraction.substr(1));
        digits.resize(9, '0');
        const auto parsed = number_in(digits);
        if (!parsed) return std::nullopt;
        nanoseconds = *parsed;
    }
    const sys_seconds at = sys_days(date) + hours(*hour) + minutes(*minute) + seconds(*second);
    return at.time_since_epoch().count() * 1'000'000'000 + nanoseconds;
}

std::optional<Page> parse_page(std::string_view xml) {
    pugi::xml_document document;
    if (!parse(document, xml, "ListBucketResult")) return std::nullopt;
    const pugi::xml_node list = document.document_element();
    const bool encoded = std::string_view(list.child_value("EncodingType")) == "url";
    Page page;
    for (const pugi::xml_node& entry : list.children("Contents")) {
        StoredObject object;
        const auto size = number_in(entry.child_value("Size"));
        const auto modified = parse_iso_time(entry.child_value("LastModified"));
        object.key = encoded ? form_decoded(entry.child_value("Key")) : entry.child_value("Key");
        if (object.key.empty() || !size || !modified) return std::nullopt;
        object.size = *size;
        object.modified = *modified;
        object.etag = entry.child_value("ETag");
        std::erase(object.etag, '"');
        object.etag_is_content = is_hash(object.etag);
        page.objects.push_back(std::move(object));
    }
    const std::string_view truncated = list.child_value("IsTruncated");
    if (truncated == "true") {
        page.next = list.child_value("NextContinuationToken");
        if (page.next.empty()) return std::nullopt;
    }
    return page;
}

Problem parse_problem(std::string_view xml) {
    pugi::xml_document document;
    if (!parse(document, xml, "Error")) return {};
    const pugi::xml_node error = document.document_element();
    Problem problem{error.child_value("Code"), of_one_line(error.child_value("Message")),
                    error.child_value("Region")};
    std::erase_if(problem.code, [](char c) {
        return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.');
    });
    return problem;
}

}  // namespace eventlens::s3
