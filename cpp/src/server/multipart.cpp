#include "server/multipart.h"

#include <algorithm>
#include <optional>

#include "server/parameters.h"
#include "server/replies.h"

namespace eventlens::server {

namespace {

constexpr std::size_t longest_boundary = 70;  // RFC 2046
constexpr std::size_t largest_part_header = 8 * 1024;
constexpr std::size_t most_parts = 32;

[[noreturn]] void broken(const char* what) {
    throw Refusal(400, std::string("The multipart body is broken: ") + what);
}

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    return result;
}

std::string_view trimmed(std::string_view text) {
    const std::size_t start = text.find_first_not_of(" \t");
    if (start == std::string_view::npos) return {};
    return text.substr(start, text.find_last_not_of(" \t") - start + 1);
}

// The parameter of a header value such as `form-data; name="file"; filename="me.jpg"`. In quotes, only `\"`
// and `\\` are escapes: browsers percent-encode, and old ones send Windows paths with single backslashes.
std::optional<std::string> header_parameter(std::string_view value, std::string_view wanted) {
    std::size_t at = value.find(';');
    while (at != std::string_view::npos && at < value.size()) {
        ++at;
        const std::size_t equals = value.find('=', at);
        if (equals == std::string_view::npos) return std::nullopt;
        const std::string name = lower(trimmed(value.substr(at, equals - at)));
        std::string text;
        at = equals + 1;
        while (at < value.size() && (value[at] == ' ' || value[at] == '\t')) ++at;
        if (at < value.size() && value[at] == '"') {
            ++at;
            while (at < value.size() && value[at] != '"') {
                if (value[at] == '\\' && at + 1 < value.size() &&
                    (value[at + 1] == '"' || value[at + 1] == '\\'))
                    ++at;
                text += value[at++];
            }
            if (at >= value.size()) return std::nullopt;  // the quote is not closed
            at = value.find(';', at);
        } else {
            const std::size_t end = std::min(value.find(';', at), value.size());
            text = trimmed(value.substr(at, end - at));
            at = end < value.size() ? end : std::string_view::npos;
        }
        if (name == wanted) return text;
    }
    return std::nullopt;
}

void read_part_header(std::string_view header, FormPart& part) {
    bool named = false;
    while (!header.empty()) {
        const std::size_t end = std::min(header.find("\r\n"), header.size());
        const std::string_view line = header.substr(0, end);
        header.remove_prefix(std::min(end + 2, header.size()));
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos) broken("a part's header line has no colon");
        const std::string name = lower(trimmed(line.substr(0, colon)));
        const std::string_view value = trimmed(line.substr(colon + 1));
        if (name == "content-type") part.content_type = lower(value.substr(0, value.find(';')));
        if (name != "content-disposition") continue;
        if (lower(trimmed(value.substr(0, value.find(';')))) != "form-data") broken("a part is no form-data");
        const auto field = header_parameter(value, "name");
        if (!field) broken("a part has no name");
        part.name = *field;
        part.file_name = header_parameter(value, "filename").value_or("");
        named = true;
    }
    if (!named) broken("a part has no name");
    if (!is_utf8(part.name)) broken("a part's name is not UTF-8");
}

}  // namespace

std::vector<FormPart> parse_multipart(std::string_view content_type, std::string_view body) {
    if (lower(trimmed(content_type.substr(0, content_type.find(';')))) != "multipart/form-data")
        throw Refusal(415, "The body must be multipart/form-data");
    const auto boundary = header_parameter(content_type, "boundary");
    if (!boundary || boundary->empty() || boundary->size() > longest_boundary)
        broken("the Content-Type header gives no boundary of 1 to 70 characters");
    const std::string delimiter = "--" + *boundary;

    // The first delimiter may follow a preamble that means nothing; each further one follows a line's end.
    std::size_t at = body.starts_with(delimiter) ? 0 : body.find("\r\n" + delimiter);
    if (at == std::string_view::npos) broken("its first boundary is missing");
    if (at != 0) at += 2;
    std::vector<FormPart> parts;
    while (true) {
        at += delimiter.size();
        if (body.substr(at).starts_with("--")) return parts;
        while (at < body.size() && (body[at] == ' ' || body[at] == '\t'))
            ++at;  // padding that transports add
        if (!body.substr(at).starts_with("\r\n")) broken("a boundary is not followed by the end of its line");
        at += 2;
        if (parts.size() == most_parts) broken("it has too many parts");
        FormPart part;
        std::size_t content = at;
        if (body.substr(at).starts_with("\r\n")) broken("a part has no name");
        const std::size_t header_end = body.substr(at, largest_part_header).find("\r\n\r\n");
        if (header_end == std::string_view::npos) broken("a part's header is too long or cut off");
        read_part_header(body.substr(at, header_end), part);
        content = at + header_end + 4;
        // An empty part's delimiter shares the line end with its header.
        const std::size_t end = body.find("\r\n" + delimiter, content - 2);
        if (end == std::string_view::npos) broken("it is cut off");
        part.content = end < content ? std::string_view() : body.substr(content, end - content);
        parts.push_back(std::move(part));
        at = end + 2;
    }
}

}  // namespace eventlens::server
