#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "../catalog_fixture.h"
#include "server/admin_routes.h"
#include "server/replies.h"
#include "server/service.h"

// Index runs and webhooks as the administrator asks for them, of the handlers themselves.
namespace eventlens::server {
namespace {

using nlohmann::json;
using namespace eventlens::testing;

std::vector<Route> routes() {
    std::vector<Route> all = admin_run_routes();
    for (Route& route : admin_webhook_routes()) all.push_back(std::move(route));
    return all;
}

Config over(const std::filesystem::path& workspace) {
    Config config;
    config.workspace = workspace;
    return config;
}

class Work : public CatalogTest {
  protected:
    Work() : engine(Engine::open(workspace())), service(over(workspace()), engine), router(routes()) {
        event = engine.create_event({.name = "Race"});
        std::filesystem::create_directories(folder / "photos");
    }

    Reply ask(const std::string& method, const std::string& path, const json& body = json::object()) {
        Request request;
        request.method = method;
        request.path = "/api/v1/admin" + path;
        request.body = body.dump();
        request.headers.add("Content-Type", "application/json");
        try {
            return router.route(request).handler(service, Caller{}, request);
        } catch (const std::exception& error) {
            return reply_for(error, Told::errors);
        }
    }

    json data(const std::string& method, const std::string& path, const json& body = json::object()) {
        const Reply reply = ask(method, path, body);
        EXPECT_EQ(reply.status, 200) << reply.body;
        return json::parse(reply.body)["data"];
    }

    Engine engine;
    Service service;
    Router router;
    EventId event = 0;
};

TEST_F(Work, RunsAreQueuedToldAndCancelled) {
    int woken = 0;
    service.wake_index_queue = [&] { ++woken; };
    const std::string of_event = "/events/" + std::to_string(event) + "/runs";
    const json run = data("POST", of_event, {{"source", (folder / "photos").string()}});
    EXPECT_EQ(woken, 1);
    EXPECT_EQ(run["status"], "queued");
    EXPECT_TRUE(run["counts"]["total"].is_null());
    EXPECT_EQ(run["counts"]["added"], 0);
    EXPECT_TRUE(run["error"].is_null() && run["started"].is_null() && run["finished"].is_null());
    EXPECT_TRUE(run["source"].get<std::string>().starts_with("file:///"));

    const json by_id = data("POST", of_event, {{"source_id", run["source_id"]}, {"retry_failed", true}});
    EXPECT_NE(by_id["run_id"], run["run_id"]);
    EXPECT_EQ(data("GET", of_event)["runs"].size(), 2U);

    const Claim claim = engine.catalog().claim_index_run(std::chrono::minutes(1)).value();
    const std::vector<IndexRunFailure> failures{{"a.jpg", "no photo"}};
    engine.catalog().finish_index_run(claim, IndexRunState::completed, {.total = 3, .added = 3}, failures);
    const std::string one = "/runs/" + std::to_string(claim.id);
    const json done = data("GET", one);
    EXPECT_EQ(done["status"], "completed");
    EXPECT_EQ(done["counts"]["total"], 3);
    EXPECT_EQ(done["failures"], json::parse(R"([{"key": "a.jpg", "reason": "no photo"}])"));
    EXPECT_EQ(data("POST", one + "/cancel")["status"], "completed");
    EXPECT_EQ(data("POST", "/runs/" + by_id["run_id"].dump() + "/cancel")["status"], "cancelled");
}

TEST_F(Work, RunsThatCannotBeAreRefused) {
    const std::string of_event = "/events/" + std::to_string(event) + "/runs";
    EXPECT_EQ(ask("POST", of_event).status, 422);
    EXPECT_EQ(ask("POST", of_event, {{"source", 7}}).status, 422);
    EXPECT_EQ(ask("POST", of_event, {{"source", "a"}, {"source_id", 1}}).status, 422);
    EXPECT_EQ(ask("POST", of_event, {{"source_id", 99}}).status, 404);
    EXPECT_EQ(ask("POST", of_event, {{"source", (folder / "nowhere").string()}}).status, 404);
    EXPECT_EQ(ask("POST", "/events/99/runs", {{"source", folder.string()}}).status, 404);
    EXPECT_EQ(ask("GET", "/runs/99").status, 404);
    EXPECT_EQ(ask("POST", "/runs/99/cancel").status, 404);
    EXPECT_TRUE(engine.catalog().index_runs(event).empty());
}

TEST_F(Work, WebhooksShowTheirSecretOnce) {
    int woken = 0;
    service.wake_webhooks = [&] { ++woken; };
    const json made = data("POST", "/organisations/1/webhooks", {{"url", "https://example.org/hook"}});
    EXPECT_EQ(made["secret"].get<std::string>().size(), 64U);
    EXPECT_EQ(made["kinds"], json::parse(R"(["index.finished", "clips.finished"])"));
    const json all = data("GET", "/organisations/1/webhooks")["webhooks"];
    ASSERT_EQ(all.size(), 1U);
    EXPECT_FALSE(all[0].contains("secret"));

    const std::string one = "/webhooks/" + made["webhook_id"].dump();
    const json changed = data("PATCH", one, {{"active", false}, {"kinds", {"clips.finished"}}});
    EXPECT_EQ(changed["active"], false);
    EXPECT_EQ(changed["url"], "https://example.org/hook");
    EXPECT_EQ(data("POST", one + "/test")["kind"], "ping");
    EXPECT_EQ(woken, 2);
    const json deliveries = data("GET", one + "/deliveries")["deliveries"];
    ASSERT_EQ(deliveries.size(), 1U);
    EXPECT_EQ(deliveries[0]["attempts"], 0);
    EXPECT_TRUE(deliveries[0]["delivered"].is_null() && deliveries[0]["last_status"].is_null());
    EXPECT_EQ(json::parse(deliveries[0]["payload"].get<std::string>())["id"], deliveries[0]["delivery_id"]);

    EXPECT_EQ(data("DELETE", one)["webhook_id"], made["webhook_id"]);
    EXPECT_EQ(ask("DELETE", one).status, 404);
    EXPECT_EQ(ask("GET", one + "/deliveries").status, 404);
    EXPECT_EQ(ask("POST", one + "/test").status, 404);
}

TEST_F(Work, WebhooksThatCannotBeAreRefused) {
    EXPECT_EQ(ask("POST", "/organisations/1/webhooks").status, 422);
    EXPECT_EQ(ask("POST", "/organisations/1/webhooks", {{"url", "ftp://example.org"}}).status, 400);
    EXPECT_EQ(
        ask("POST", "/organisations/1/webhooks", {{"url", "https://example.org"}, {"kinds", {"x"}}}).status,
        400);
    EXPECT_EQ(ask("POST", "/organisations/99/webhooks", {{"url", "https://example.org"}}).status, 404);
    EXPECT_EQ(ask("PATCH", "/webhooks/99", {{"active", true}}).status, 404);
}

}  // namespace
}  // namespace eventlens::server
