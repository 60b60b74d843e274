#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include <nlohmann/json.hpp>

#include "../catalog_fixture.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/operation.h"
#include "server/pages.h"
#include "server/routes.h"
#include "server/service.h"

// The documents name every route of the program's table, and no others.
namespace eventlens::server {
namespace {

using nlohmann::json;
using namespace eventlens::testing;

using Names = std::set<std::string>;  // "GET /healthz"

Config over(const std::filesystem::path& workspace) {
    Config config;
    config.workspace = workspace;
    return config;
}

class Documents : public CatalogTest {
  protected:
    Documents()
        : engine(Engine::open(workspace())),
          service(over(workspace()), engine),
          log("off", {}),
          operation(service, metrics, log) {}

    // Every route that main.cpp serves.
    Names routes() {
        Names names;
        for (const auto& some :
             {event_routes(), photo_routes(), face_routes(), clip_routes(), media_routes(), page_routes(),
              operation.health_routes(), operation.administration_routes()}) {
            for (const Route& route : some) names.insert(route.method + " " + route.pattern);
        }
        return names;
    }

    static Names documented(std::string_view file_name) {
        const auto page = std::ranges::find_if(
            pages(), [&](const Page& each) { return each.path.ends_with("/" + std::string(file_name)); });
        if (page == pages().end()) throw std::runtime_error("the document was not built in");
        const json document = json::parse(page->content);
        Names names;
        for (const auto& [path, operations] : document.at("paths").items()) {
            for (const auto& [method, operation] : operations.items()) {
                std::string upper = method;
                std::ranges::transform(upper, upper.begin(),
                                       [](char c) { return static_cast<char>(c - 'a' + 'A'); });
                names.insert(upper + " " + path);
            }
        }
        return names;
    }

    static Names below(const Names& names, std::string_view prefix) {
        Names some;
        for (const std::string& name : names) {
            if (std::string_view(name).substr(name.find(' ') + 1).starts_with(prefix)) some.insert(name);
        }
        return some;
    }

    Engine engine;
    Service service;
    Metrics metrics;
    Log log;
    Operation operation;
};

TEST_F(Documents, TheContractHasItsRoutesAndNoOthers) {
    const Names document = documented("openapi.json");
    EXPECT_EQ(below(document, "/api/"), below(routes(), "/api/v1/ext/"));
    const Names all = routes();
    for (const std::string& name : document) EXPECT_TRUE(all.contains(name)) << name;
    for (const std::string name : {"GET /healthz", "GET /readyz", "GET /metrics", "GET /openapi.json"})
        EXPECT_TRUE(document.contains(name)) << name;
}

TEST_F(Documents, TheAdministrationHasItsRoutesAndNoOthers) {
    const Names document = documented("admin_openapi.json");
    const Names all = below(routes(), "/api/v1/admin/");
    EXPECT_GE(all.size(), 30U);
    EXPECT_EQ(below(document, "/api/v1/admin/"), all);
}

TEST(Log, NamesNoFiles) {
    EXPECT_EQ(
        without_names("cannot read s3://season/photos/Kim Smith A207.jpg: 127.0.0.1:9000 is busy (500)"),
        "cannot read s3://season/…: 127.0.0.1:9000 is busy (500)");
    EXPECT_EQ(without_names("cannot read /photos/Kim: Smith.jpg: denied: no rights"),
              "cannot read /…: denied: no rights");
    EXPECT_EQ(without_names("cannot read /photos/Kim: no rights"), "cannot read /…: no rights");
    EXPECT_EQ(without_names("cannot write file:///photos/Kim"), "cannot write file:///…");
    EXPECT_EQ(without_names("the run has ended: it was told to"), "the run has ended: it was told to");
}

}  // namespace
}  // namespace eventlens::server
