#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "../catalog_fixture.h"
#include "../test_models.h"
#include "base/uuid.h"
#include "server/admin_routes.h"
#include "server/replies.h"
#include "server/service.h"

// What the administrator may do, asked of the handlers themselves; who may ask is tested on the server.
namespace eventlens::server {
namespace {

using nlohmann::json;
using namespace eventlens::testing;

std::vector<Route> all_routes() {
    std::vector<Route> all;
    for (const auto& some :
         {admin_organisation_routes(), admin_event_routes(), admin_deletion_routes(), admin_usage_routes()})
        all.insert(all.end(), some.begin(), some.end());
    return all;
}

Config over(const std::filesystem::path& workspace) {
    Config config;
    config.workspace = workspace;
    return config;
}

class Administration : public CatalogTest {
  protected:
    Administration()
        : engine(Engine::open(workspace(), options())),
          service(over(workspace()), engine),
          router(all_routes()) {}

    // Bibs and searches are asked for by the name of a model, which is not loaded.
    static EngineOptions options() {
        EngineOptions options;
        if (const auto manifest = testing::fetched_manifest()) options.manifests = {*manifest};
        return options;
    }

    Reply ask(const std::string& method, const std::string& path, const std::string& body = "",
              const std::string& type = "application/json") {
        Request request;
        request.method = method;
        request.path = "/api/v1/admin" + path;
        request.body = body;
        request.headers.add("Content-Type", type);
        try {
            return router.route(request).handler(service, Caller{}, request);
        } catch (const std::exception& error) {
            return reply_for(error, Told::errors);
        }
    }

    json data(const std::string& method, const std::string& path, const json& body = nullptr) {
        const Reply reply = ask(method, path, body.is_null() ? "" : body.dump());
        EXPECT_EQ(reply.status, 200) << method << " " << path << ": " << reply.body;
        return json::parse(reply.body).at("data");
    }

    int status(const std::string& method, const std::string& path, const json& body = nullptr) {
        return ask(method, path, body.is_null() ? "" : body.dump()).status;
    }

    EventId create_event(const std::string& name) {
        return data("POST", "/organisations/1/events", {{"name", name}}).at("event_id").get<EventId>();
    }

    Catalog& catalog() { return engine.catalog(); }

    Engine engine;
    Service service;
    Router router;
};

TEST_F(Administration, EveryRouteIsTheAdministrators) {
    for (const Route& route : all_routes()) {
        EXPECT_EQ(route.gate, Gate::administrator) << route.pattern;
        EXPECT_TRUE(route.pattern.starts_with("/api/v1/admin/")) << route.pattern;
    }
}

TEST_F(Administration, OrganisationsAreMadeAndChanged) {
    const json made = data("POST", "/organisations",
                           {{"name", "Lake Runs"}, {"cors_origins", json::array({"https://a.example"})}});
    EXPECT_EQ(made.at("org_id"), 2);
    EXPECT_EQ(made.at("cors_origins"), json::array({"https://a.example"}));
    EXPECT_TRUE(made.at("created").get<std::string>().ends_with("Z"));
    EXPECT_EQ(data("PATCH", "/organisations/2", {{"name", "Harbour"}}).at("cors_origins"),
              json::array({"https://a.example"}));
    EXPECT_EQ(data("PATCH", "/organisations/2", {{"cors_origins", json::array()}}).at("name"), "Harbour");
    EXPECT_EQ(data("GET", "/organisations").at("organisations").size(), 2U);
    EXPECT_EQ(data("GET", "/organisations/2").at("name"), "Harbour");

    EXPECT_EQ(status("POST", "/organisations", {{"name", "Harbour"}}), 400);
    EXPECT_EQ(status("POST", "/organisations", {{"name", ""}}), 400);
    EXPECT_EQ(status("POST", "/organisations", json::object()), 422);
    EXPECT_EQ(status("POST", "/organisations", {{"name", 7}}), 422);
    EXPECT_EQ(status("PATCH", "/organisations/2", {{"cors_origins", json::array({"a.example"})}}), 400);
    EXPECT_EQ(status("PATCH", "/organisations/2", {{"nmae", "x"}}), 422);
    EXPECT_EQ(status("GET", "/organisations/9"), 404);
    EXPECT_EQ(status("GET", "/organisations/x"), 422);
    EXPECT_EQ(ask("POST", "/organisations", "name=x", "application/x-www-form-urlencoded").status, 415);
    EXPECT_EQ(data("GET", "/organisations").at("organisations").size(), 2U);
}

TEST_F(Administration, AKeyIsToldByTheAnswerThatMakesItAndByNoOther) {
    const json made = data("POST", "/organisations/1/keys", {{"name", "site"}, {"creator", "ann"}});
    const std::string key = made.at("key");
    EXPECT_EQ(key.size(), 40U);
    const Directory directory = *service.access().directory();
    ASSERT_NE(directory.key(key), nullptr);
    EXPECT_EQ(directory.key(key)->id, made.at("key_id"));

    const std::string path = "/keys/" + std::to_string(made.at("key_id").get<KeyId>());
    for (const Reply& reply :
         {ask("GET", "/organisations/1/keys"), ask("PATCH", path, R"({"active": false})")}) {
        EXPECT_EQ(reply.status, 200);
        EXPECT_EQ(reply.body.find(key), std::string::npos);
        EXPECT_NE(reply.body.find(key.substr(0, 5) + "***"), std::string::npos);
    }
    EXPECT_FALSE(service.access().directory()->key(key)->active);
    EXPECT_EQ(data("PATCH", path, {{"active", true}}).at("active"), true);
    EXPECT_EQ(status("PATCH", path, json::object()), 422);
    EXPECT_EQ(status("PATCH", path, {{"active", "yes"}}), 422);
    EXPECT_EQ(status("DELETE", path), 200);
    EXPECT_EQ(status("DELETE", path), 404);
    EXPECT_EQ(service.access().directory()->key(key), nullptr);

    for (std::size_t i = 0; i < most_keys; ++i) data("POST", "/organisations/1/keys", json::object());
    EXPECT_EQ(status("POST", "/organisations/1/keys", json::object()), 400);
    EXPECT_EQ(status("POST", "/organisations/9/keys", json::object()), 404);
}

TEST_F(Administration, AnEventIsSetFieldByField) {
    const json made = data("POST", "/organisations/1/events",
                           {{"name", "Lakeside Half"},
                            {"date", "2026-05-09"},
                            {"features", {{"name_search", true}}},
                            {"clips", {{"padding_start", 1.5}}}});
    EXPECT_EQ(made.at("date"), "2026-05-09T00:00:00");
    EXPECT_EQ(made.at("slug"), "lakeside-half");
    EXPECT_EQ(made.at("features").at("name_search"), true);
    EXPECT_EQ(made.at("features").at("bib_search"), true);
    EXPECT_EQ(made.at("clips").at("padding_start"), 1.5);
    EXPECT_EQ(made.at("clips").at("padding_end"), 2);
    EXPECT_EQ(made.at("cover_image"), nullptr);
    EXPECT_EQ(made.at("media").at("videos").at("total"), 0);
    const std::string path = "/events/" + std::to_string(made.at("event_id").get<EventId>());

    const json changed = data("PATCH", path,
                              {{"confidence_percentage", 60},
                               {"cover_image", "https://a.example/c.jpg"},
                               {"originals", true},
                               {"features", {{"selfie_search", false}}},
                               {"clips", {{"max_clip_duration", 20}}}});
    EXPECT_EQ(changed.at("confidence_percentage"), 60);
    EXPECT_EQ(changed.at("features").at("selfie_search"), false);
    EXPECT_EQ(changed.at("features").at("name_search"), true);
    EXPECT_EQ(changed.at("clips").at("padding_start"), 1.5);
    EXPECT_EQ(changed.at("clips").at("max_clip_duration"), 20);
    const json cleared = data("PATCH", path,
                              {{"confidence_percentage", nullptr},
                               {"cover_image", nullptr},
                               {"date", nullptr},
                               {"search_lifetime_days", nullptr}});
    for (const char* name : {"confidence_percentage", "cover_image", "date", "search_lifetime_days"})
        EXPECT_EQ(cleared.at(name), nullptr) << name;
    EXPECT_EQ(cleared.at("originals"), true);

    // What an answer tells is taken back as it was told.
    json whole = cleared;
    for (const char* told : {"event_id", "org_id", "billable_searches", "created", "media"})
        whole.erase(told);
    EXPECT_EQ(data("PATCH", path, whole), cleared);

    const Reply wrong =
        ask("PATCH", path, R"({"name": 1, "clips": {"max_gap": "3", "fps": 4}, "colour": "red"})");
    EXPECT_EQ(wrong.status, 422);
    for (const char* where : {"body.name: ", "body.clips.max_gap: ", "body.clips.fps: ", "body.colour: "})
        EXPECT_NE(wrong.body.find(where), std::string::npos) << wrong.body;
    for (const json& body :
         {json{{"confidence_percentage", 101}}, json{{"clips", {{"max_gap", -1}}}},
          json{{"time_zone", "Mars/Olympus"}}, json{{"bib_pattern", "("}}, json{{"name", ""}}})
        EXPECT_EQ(status("PATCH", path, body), 400) << body;
    EXPECT_EQ(status("PATCH", path, {{"features", 1}}), 422);
    EXPECT_EQ(data("GET", path), cleared);
    EXPECT_EQ(data("GET", "/organisations/1/events").at("events").size(), 1U);
    EXPECT_EQ(status("GET", "/organisations/9/events"), 404);
    EXPECT_EQ(status("POST", "/organisations/9/events", {{"name", "x"}}), 404);
    EXPECT_EQ(status("POST", "/organisations/1/events", json::object()), 422);

    EXPECT_EQ(status("DELETE", path), 200);
    EXPECT_EQ(status("DELETE", path), 404);
    EXPECT_EQ(status("GET", path), 404);
}

TEST_F(Administration, ARosterComesBackAsItWent) {
    const std::string path = "/events/" + std::to_string(create_event("Race")) + "/roster";
    const Reply put = ask("PUT", path, "bib,name\nA207,\"Ann \"\"Quick\"\" Lee, Jr\"\n12,Bo\n", "text/csv");
    EXPECT_EQ(put.status, 200) << put.body;
    EXPECT_EQ(json::parse(put.body).at("data").at("participants"), 2);
    const Reply got = ask("GET", path);
    EXPECT_TRUE(got.content_type.starts_with("text/csv"));
    const auto entries = parse_roster_csv(std::as_bytes(std::span(got.body)));
    EXPECT_EQ(entries, catalog().roster(1));
    EXPECT_EQ(entries.size(), 2U);
    EXPECT_EQ(ask("PUT", path, "bib,name\n\"A207,Ann\n", "text/csv").status, 400);
    EXPECT_EQ(ask("PUT", path, "{}").status, 415);
    EXPECT_EQ(ask("PUT", "/events/9/roster", "bib\n1\n", "text/csv").status, 404);
    EXPECT_EQ(catalog().roster(1).size(), 2U);
}

TEST_F(Administration, SourcesAreAddedAndGoWithWhatCameFromThem) {
    const EventId event = create_event("Race");
    const std::string path = "/events/" + std::to_string(event) + "/sources";
    std::filesystem::create_directories(folder / "photos");
    const json added = data("POST", path, {{"source", (folder / "photos").string()}});
    const SourceId source = added.at("source_id");
    ASSERT_EQ(added.at("sources").size(), 1U);
    EXPECT_TRUE(added.at("sources")[0].at("source").get<std::string>().starts_with("file://"));
    EXPECT_EQ(data("GET", path).at("sources"), added.at("sources"));
    EXPECT_NE(status("POST", path, {{"source", (folder / "nowhere").string()}}), 200);
    EXPECT_EQ(status("POST", path, json::object()), 422);

    PhotoRecord broken = photo_like("broken.jpg", 0);
    broken.bib_reads.clear();
    broken.failure = "no picture in it";
    catalog().put_batch(source, made_by, std::vector{broken, photo_like("a.jpg")});
    const json failures = data("GET", "/events/" + std::to_string(event) + "/failures").at("failures");
    ASSERT_EQ(failures.size(), 1U);
    EXPECT_EQ(failures[0].at("key"), "broken.jpg");
    EXPECT_EQ(failures[0].at("reason"), "no picture in it");

    EXPECT_EQ(status("DELETE", path + "/" + std::to_string(source)), 200);
    EXPECT_EQ(status("DELETE", path + "/" + std::to_string(source)), 404);
    EXPECT_EQ(catalog().counts(event).total, 0);
}

TEST_F(Administration, PhotosAreDeletedForGood) {
    SKIP_WITHOUT_MODELS();
    const EventId event = create_event("Race");
    data("PATCH", "/events/" + std::to_string(event), {{"bib_pattern", R"([A-Z]?\d{2,5})"}});
    const SourceId source = catalog().add_source(event, "folder");
    std::vector<PhotoRecord> records = photos_like("p", 6);
    for (PhotoRecord& record : records) record.bib_reads.clear();
    const std::vector<PhotoId> ids = catalog().put_batch(source, made_by, records);
    const auto uuid = [&](std::size_t place) { return catalog().photo(ids[place]).uuid; };
    const std::string path = "/events/" + std::to_string(event) + "/deletions";

    const std::string nobody = uuid_text(make_uuid());
    const json by_images = data("POST", path, {{"image_ids", {uuid(2), nobody, uuid(3)}}});
    EXPECT_EQ(by_images.at("photos"), 2);
    EXPECT_EQ(by_images.at("unknown"), json::array({nobody}));
    const std::string single = uuid(4);
    EXPECT_EQ(data("POST", path, {{"image_id", single}}).at("photos"), 1);
    EXPECT_EQ(status("POST", path, {{"image_id", single}}), 400);

    const std::string request_id = uuid_text(make_uuid());
    Match found;
    found.photo = ids[5];
    catalog().save_search(event, {.request_id = request_id, .matches = {found}});
    EXPECT_EQ(data("POST", path, {{"request_id", request_id}}).at("photos"), 1);
    EXPECT_EQ(status("POST", path, {{"request_id", nobody}}), 404);
    EXPECT_EQ(status("POST", path, {{"request_id", "7"}}), 400);

    // Nobody wears it: what is read of photos is tested from Python.
    EXPECT_EQ(data("POST", path, {{"bib", "B555"}}).at("photos"), 0);
    EXPECT_EQ(catalog().counts(event).total, 2);
    EXPECT_EQ(catalog().forbidden_keys(source).size(), 4U);

    EXPECT_EQ(status("POST", path, json::object()), 422);
    EXPECT_EQ(status("POST", path, {{"bib", "1"}, {"image_id", single}}), 422);
    EXPECT_EQ(status("POST", path, {{"bib", 1}}), 422);
    EXPECT_EQ(status("POST", "/events/9/deletions", {{"bib", "1"}}), 404);
    EXPECT_EQ(status("POST", path, {{"bib", ""}}), 400);
    EXPECT_EQ(status("POST", path, {{"image_ids", json::array()}}), 400);
}

TEST_F(Administration, APurgeLeavesAReceipt) {
    const EventId event = create_event("Race");
    catalog().put_batch(catalog().add_source(event, "folder"), made_by, photos_like("p", 3));
    const json report = data("POST", "/events/" + std::to_string(event) + "/purge");
    EXPECT_EQ(report.at("removed").at("photos"), 3);
    EXPECT_EQ(report.at("event_name"), "Race");
    EXPECT_TRUE(std::filesystem::exists(workspace() / "receipts" / report.at("receipt").get<std::string>()));
    EXPECT_EQ(status("POST", "/events/" + std::to_string(event) + "/purge"), 404);
}

TEST_F(Administration, UsageCountsSearchesOfDeletedEventsToo) {
    const EventId first = create_event("First");
    const EventId second = create_event("Second");
    for (const EventId event : {first, first, second})
        catalog().save_search(event, {.request_id = uuid_text(make_uuid())});
    catalog().delete_event(second);
    const json usage = data("GET", "/organisations/1/usage");
    EXPECT_EQ(usage.at("billable_searches"), 3);
    ASSERT_EQ(usage.at("events").size(), 1U);
    EXPECT_EQ(usage.at("events")[0].at("billable_searches"), 2);
    EXPECT_EQ(status("GET", "/organisations/9/usage"), 404);
}

TEST_F(Administration, ATokenIsGoodForOneEventAndAWhile) {
    const EventId event = create_event("Race");
    const std::string path = "/events/" + std::to_string(event) + "/tokens";
    const std::string text = data("POST", path, {{"lasts", 600}}).at("token");
    const auto now =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
            .count();
    const auto token = read_token(text, service.links().secret(), now);
    ASSERT_TRUE(token);
    EXPECT_EQ(token->event, event);
    EXPECT_EQ(token->organisation, default_organisation);
    EXPECT_FALSE(read_token(text, service.links().secret(), now + 700));
    EXPECT_EQ(status("POST", path, {{"lasts", 0}}), 422);
    EXPECT_EQ(status("POST", path, {{"lasts", 1e9}}), 422);
    EXPECT_EQ(status("POST", path, {{"lasts", "1h"}}), 422);
    EXPECT_EQ(status("POST", "/events/9/tokens", {{"lasts", 60}}), 404);
}

}  // namespace
}  // namespace eventlens::server
