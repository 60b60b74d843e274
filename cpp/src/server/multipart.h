#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace eventlens::server {

// One part of a form; `content` lies in the body that was parsed.
struct FormPart {
    std::string name;
    std::string file_name;  // empty: a plain field
    std::string content_type;
    std::string_view content;
};

// Takes a multipart/form-data body apart (RFC 7578, RFC 2046). `content_type` is the request's, which holds
// the boundary. Throws Refusal: 415 for another content type, 400 for a body that is broken: without a
// boundary, cut off, with headers above 8 kB, with a part without a name, with more than 32 parts.
std::vector<FormPart> parse_multipart(std::string_view content_type, std::string_view body);

}  // namespace eventlens::server
