#include <functional>

#include <nlohmann/json.hpp>

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

// The OpenAPI document of a server that tells the misspelt keys of old clients, too.
std::string with_legacy_keys(std::string_view document) {
    auto told = nlohmann::ordered_json::parse(document);
    auto& keys = told["components"]["schemas"]["ImageItem"]["properties"];
    const std::pair<const char*, const char*> misspelt[] = {
        {"widht", "width"}, {"thumbanail_url", "thumbnail_url"}, {"orginal_url", "original_url"}};
    for (const auto& [old, right] : misspelt) {
        keys[old] = keys[right];
        keys[old]["deprecated"] = true;
    }
    return told.dump(2);
}

const Page& legacy_document(const Page& page) {
    static const std::string content = with_legacy_keys(page.content);
    static const std::string etag = std::string(page.etag.substr(0, page.etag.size() - 1)) + "-legacy\"";
    static const Page document{page.path, page.content_type, content, etag};
    return document;
}

std::vector<Route> routes_of(const std::function<bool(const Page&)>& wanted) {
    std::vector<Route> routes;
    for (const Page& page : pages()) {
        if (!wanted(page)) continue;
        routes.push_back({.method = "GET",
                          .pattern = std::string(page.path),
                          .handler =
                              [&page](Service& service, const Caller&, const Request& request) {
                                  if (page.path == "/openapi.json" && service.config().legacy_image_keys)
                                      return show(legacy_document(page), request);
                                  return show(page, request);
                              },
                          .work = Work::light});
    }
    return routes;
}

bool is_of_administration(const Page& page) {
    return page.path == "/admin_openapi.json";
}

}  // namespace

std::vector<Route> page_routes() {
    return routes_of(std::not_fn(is_of_administration));
}

std::vector<Route> admin_page_routes() {
    return routes_of(is_of_administration);
}

}  // namespace eventlens::server
