#pragma once

#include <span>
#include <string_view>

namespace eventlens::server {

// A file that was built into the program, as it is answered.
struct Page {
    std::string_view path;          // of the request, exactly: "/docs"
    std::string_view content_type;  // with its charset
    std::string_view content;
    std::string_view etag;  // with its quotes; changes when the content does
};

// Every page there is; a handful. The views stay good for as long as the program runs.
std::span<const Page> pages() noexcept;

}  // namespace eventlens::server
