#include <cstddef>
#include <cstdint>
#include <string_view>

#include <nlohmann/json.hpp>

#include "server/multipart.h"
#include "server/parameters.h"
#include "server/replies.h"

// Any bytes: parts that lie within the body, or a Refusal. Nothing else. The first line is the content type.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace eventlens::server;
    const std::string_view all(reinterpret_cast<const char*>(data), size);
    const std::size_t line = all.find('\n');
    const std::string_view body = line == std::string_view::npos ? std::string_view() : all.substr(line + 1);
    try {
        for (const FormPart& part : parse_multipart(all.substr(0, line), body)) {
            if (part.name.size() > size || !is_utf8(part.name)) __builtin_trap();
            if (!part.content.empty() &&
                (part.content.data() < body.data() ||
                 part.content.data() + part.content.size() > body.data() + body.size()))
                __builtin_trap();
        }
    } catch (const Refusal&) {
    }
    Request request;
    request.headers.add("Content-Type", "application/json");
    request.body = body;
    try {
        (void)json_body(request);
    } catch (const Refusal&) {
    }
    Mistakes mistakes;
    const Query query(body, mistakes);
    (void)page_of(query, 32, 100, mistakes);
    return 0;
}
