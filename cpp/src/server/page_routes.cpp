#include "server/pages.h"
#include "server/replies.h"
#include "server/routes.h"
#include "server/service.h"

// Documents and pages that were built into the program.
namespace eventlens::server {

namespace {

// What a page may load: nothing that is not ours, but for pictures and clips, which may lie in a bucket.
constexpr const char* page_policy =
    "default-src 'self'; img-src 'self' data: blob: https: http:; media-src 'self' blob: https: http:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

Reply show(const Page& page, const Request& request) {
    Reply reply{.content_type = std::string(page.content_type)};
    reply.headers.emplace_back("ETag", std::string(page.etag));
    reply.headers.emplace_back("Cache-Control", "no-cache");
    if (page.content_type.starts_with("text/html"))
        reply.headers.emplace_back("Content-Security-Policy", page_policy);
    if (const auto known = request.headers.get("If-None-Match");
        known && known->find(page.etag) != known->npos) {
        reply.status = 304;
        reply.content_type.clear();
        return reply;
    }
    reply.body = page.content;
    return reply;
}

}  // namespace

std::vector<Route> page_routes() {
    std::vector<Route> routes;
    for (const Page& page : pages()) {
        routes.push_back({.method = "GET",
                          .pattern = std::string(page.path),
                          .handler = [&page](Service&, const Caller&,
                                             const Request& request) { return show(page, request); },
                          .weight = Weight::light});
    }
    return routes;
}

}  // namespace eventlens::server
