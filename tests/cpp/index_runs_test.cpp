#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "catalog_fixture.h"

namespace eventlens {
namespace {

using namespace eventlens::testing;
using namespace std::chrono_literals;

constexpr auto long_lease = 60s;
constexpr auto no_lease = 0ms;  // ends as soon as it is given: its worker has disappeared

class IndexRuns : public CatalogTest {
  protected:
    IndexRuns() : catalog(Catalog::open(workspace())) {
        event = catalog.create_event({.name = "Race"});
        source = catalog.add_source(event, "file:///photos");
    }

    Claim claim() { return catalog.claim_index_run(long_lease).value(); }

    Catalog catalog;
    EventId event = 0;
    SourceId source = 0;
};

TEST_F(IndexRuns, AreDoneInTheirOrderAndToldOf) {
    const SourceId other = catalog.add_source(event, "file:///more");
    const IndexRunInfo first = catalog.add_index_run(event, source);
    EXPECT_EQ(first.state, IndexRunState::queued);
    EXPECT_EQ(first.source_uri, "file:///photos");
    EXPECT_EQ(first.counts, IndexRunCounts{});
    const IndexRunInfo second = catalog.add_index_run(event, other, true);
    EXPECT_EQ(catalog.add_index_run(event, source).id, first.id) << "it is queued already";

    const Claim mine = claim();
    EXPECT_EQ(mine.id, first.id);
    EXPECT_NE(catalog.add_index_run(event, source).id, first.id) << "it may have passed what is new";
    IndexRunCounts counts{.listed = 40, .total = 30, .done = 7, .faces = 12};
    EXPECT_TRUE(catalog.tell_index_run(mine, counts));
    IndexRunInfo run = catalog.index_run(first.id);
    EXPECT_EQ(run.state, IndexRunState::running);
    EXPECT_EQ(run.counts, counts);
    EXPECT_TRUE(run.started && !run.finished);

    counts.added = 29;
    const std::vector<IndexRunFailure> failures{{"a\xff.jpg", "no photo"}};
    EXPECT_TRUE(catalog.finish_index_run(mine, IndexRunState::completed, counts, failures));
    EXPECT_FALSE(catalog.tell_index_run(mine, counts));
    run = catalog.index_run(first.id);
    EXPECT_EQ(run.state, IndexRunState::completed);
    EXPECT_EQ(run.counts, counts);
    EXPECT_TRUE(run.finished);
    ASSERT_EQ(catalog.index_run_failures(run.id).size(), 1U);
    EXPECT_EQ(catalog.index_run_failures(run.id)[0].key, "a\xff.jpg");

    EXPECT_EQ(claim().id, second.id);
    const auto all = catalog.index_runs(event);
    ASSERT_EQ(all.size(), 3U);
    EXPECT_TRUE(all[0].id > all[1].id && all[1].retry_failed);
    EXPECT_EQ(code_of([&] { catalog.add_index_run(event, 99); }), ErrorCode::not_found);
    EXPECT_EQ(code_of([&] { (void)catalog.index_run(99); }), ErrorCode::not_found);
}

TEST_F(IndexRuns, AreCancelled) {
    const IndexRunId queued = catalog.add_index_run(event, source).id;
    EXPECT_EQ(catalog.cancel_index_run(queued).state, IndexRunState::cancelled);
    EXPECT_FALSE(catalog.claim_index_run(long_lease));

    const IndexRunId running = catalog.add_index_run(event, source).id;
    const Claim mine = claim();
    EXPECT_TRUE(catalog.cancel_index_run(running).cancelling);
    EXPECT_FALSE(catalog.tell_index_run(mine, {.done = 3}));
    EXPECT_TRUE(catalog.finish_index_run(mine, IndexRunState::cancelled, {.done = 3}));
    EXPECT_EQ(catalog.index_run(running).state, IndexRunState::cancelled);
    EXPECT_EQ(catalog.cancel_index_run(running).counts.done, 3) << "has ended";

    const IndexRunId lost = catalog.add_index_run(event, source).id;
    ASSERT_TRUE(catalog.claim_index_run(no_lease));
    catalog.cancel_index_run(lost);
    EXPECT_FALSE(catalog.claim_index_run(long_lease)) << "nobody need do it any more";
    EXPECT_EQ(catalog.index_run(lost).state, IndexRunState::cancelled);
}

TEST_F(IndexRuns, GoOnWhenTheirWorkerDisappearsButNotForEver) {
    const IndexRunId id = catalog.add_index_run(event, source).id;
    const Claim lost = catalog.claim_index_run(no_lease).value();
    const Claim heir = claim();
    EXPECT_EQ(heir.id, id);
    EXPECT_FALSE(catalog.renew_index_run(lost, long_lease));
    EXPECT_FALSE(catalog.finish_index_run(lost, IndexRunState::completed, {}));
    EXPECT_TRUE(catalog.renew_index_run(heir, long_lease));
    catalog.give_back_index_run(heir);
    EXPECT_EQ(catalog.index_run(id).attempts, 1) << "what is given back does not count";
    for (int i = 1; i < most_attempts; ++i) EXPECT_TRUE(catalog.claim_index_run(no_lease));
    EXPECT_FALSE(catalog.claim_index_run(long_lease));
    EXPECT_EQ(catalog.index_run(id).state, IndexRunState::failed);
    EXPECT_NE(catalog.index_run(id).error, "");
}

class Webhooks : public IndexRuns {
  protected:
    Webhooks() {
        webhook = catalog.add_webhook(default_organisation, "https://example.org/hook", "secret", kinds);
    }

    void finish_a_run() {
        catalog.add_index_run(event, source);
        EXPECT_TRUE(catalog.finish_index_run(claim(), IndexRunState::completed, {.failed = 1, .added = 5}));
    }

    const std::vector<std::string> kinds{"index.finished"};
    WebhookId webhook = 0;
};

TEST_F(Webhooks, AreCheckedAndKept) {
    const auto add = [&](const std::string& url, const std::vector<std::string>& wanted) {
        return code_of([&] { catalog.add_webhook(default_organisation, url, "s", wanted); });
    };
    for (const char* url : {"", "ftp://example.org", "https://", "https://a:b@example.org/", "http://a b",
                            "https://example.org/\n"})
        EXPECT_EQ(add(url, kinds), ErrorCode::bad_input) << url;
    EXPECT_EQ(add("https://example.org", {}), ErrorCode::bad_input);
    EXPECT_EQ(add("https://example.org", {"photo.seen"}), ErrorCode::bad_input);
    EXPECT_EQ(code_of([&] { catalog.add_webhook(9, "https://example.org", "s", kinds); }),
              ErrorCode::not_found);

    const std::vector<std::string> both{"clips.finished", "index.finished", "clips.finished"};
    catalog.update_webhook(webhook, "http://localhost:1/", both, false);
    const Webhook now = catalog.webhook(webhook);
    EXPECT_EQ(now.url, "http://localhost:1/");
    EXPECT_EQ(now.kinds, (std::vector<std::string>{"index.finished", "clips.finished"}));
    EXPECT_FALSE(now.active);
    for (std::size_t i = 1; i < most_webhooks; ++i)
        catalog.add_webhook(default_organisation, "https://example.org", "s", kinds);
    EXPECT_EQ(catalog.webhooks(default_organisation).size(), most_webhooks);
    EXPECT_EQ(add("https://example.org", kinds), ErrorCode::bad_input);
    catalog.remove_webhook(webhook);
    EXPECT_EQ(code_of([&] { catalog.remove_webhook(webhook); }), ErrorCode::not_found);
    EXPECT_EQ(code_of([&] { (void)catalog.webhook_deliveries(webhook); }), ErrorCode::not_found);
}

TEST_F(Webhooks, AreToldWhatFinishesAndNothingElse) {
    const OrganisationId other = catalog.create_organisation("Other");
    const WebhookId stranger = catalog.add_webhook(other, "https://example.org/", "s", kinds);
    finish_a_run();
    const auto told = catalog.webhook_deliveries(webhook);
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].kind, "index.finished");
    EXPECT_NE(told[0].payload.find(R"("id":")" + told[0].uuid + R"(","type":"index.finished","created":)"),
              std::string::npos)
        << told[0].payload;
    EXPECT_NE(
        told[0].payload.find(R"("organisation_id":1,"data":{"event_id":1,"run_id":1,"status":"completed",)"
                             R"("added":5,"updated":0,"unchanged":0,"removed":0,"failed":1}})"),
        std::string::npos)
        << told[0].payload;
    EXPECT_TRUE(catalog.webhook_deliveries(stranger).empty());
    catalog.update_webhook(webhook, "https://example.org/", kinds, false);
    finish_a_run();
    EXPECT_EQ(catalog.webhook_deliveries(webhook).size(), 1U);
    EXPECT_FALSE(catalog.claim_delivery(long_lease)) << "it is switched off";
    EXPECT_EQ(catalog.add_ping(webhook).kind, "ping");
    EXPECT_EQ(catalog.claim_delivery(long_lease)->delivery.kind, "ping");
}

TEST_F(Webhooks, AreToldOnceAndAgainWhenTheyWereNot) {
    finish_a_run();
    const DueDelivery due = catalog.claim_delivery(long_lease).value();
    EXPECT_EQ(due.url, "https://example.org/hook");
    EXPECT_EQ(due.secret, "secret");
    EXPECT_EQ(due.delivery.attempts, 1);
    EXPECT_FALSE(catalog.claim_delivery(long_lease)) << "somebody is at it";

    catalog.put_off_delivery(due.delivery.id, 503, "the answer was 503", 1);
    WebhookDelivery told = catalog.webhook_deliveries(webhook).at(0);
    EXPECT_EQ(told.last_status, 503);
    EXPECT_EQ(told.last_error, "the answer was 503");
    EXPECT_EQ(catalog.claim_delivery(no_lease)->delivery.attempts, 2);
    EXPECT_EQ(catalog.claim_delivery(long_lease)->delivery.attempts, 3) << "its sender disappeared";
    catalog.deliver(due.delivery.id, 204);
    catalog.put_off_delivery(due.delivery.id, std::nullopt, "late", 1);
    told = catalog.webhook_deliveries(webhook).at(0);
    EXPECT_TRUE(told.delivered && !told.next_try);
    EXPECT_EQ(told.last_status, 204);
    EXPECT_EQ(told.last_error, "");
    EXPECT_FALSE(catalog.claim_delivery(long_lease));
    EXPECT_EQ(catalog.remove_deliveries(told.created), 0U);
    EXPECT_EQ(catalog.remove_deliveries(told.created + 1), 1U);
}

TEST_F(Webhooks, GoWithTheirOrganisationsEventsOnlyInWhatTheyAreTold) {
    finish_a_run();
    catalog.delete_event(event);
    EXPECT_EQ(catalog.webhook_deliveries(webhook).size(), 1U) << "it has happened";
    EXPECT_TRUE(catalog.claim_delivery(long_lease));
}

TEST_F(Webhooks, AreToldOfClips) {
    const std::vector<std::string> clips{"clips.finished"};
    catalog.update_webhook(webhook, "https://example.org/", clips, true);
    const std::string request = "8d1b6c52-0f0a-4c38-9f6e-2a7e51b0c9aa";
    SavedSearch search{.request_id = request};
    search.appearances.emplace();
    ASSERT_TRUE(catalog.save_search(event, search));
    catalog.start_clip_job(event, request, false);
    const auto told = catalog.webhook_deliveries(webhook);
    ASSERT_EQ(told.size(), 1U);
    EXPECT_NE(told[0].payload.find(R"("data":{"event_id":1,"request_id":")" + request +
                                   R"(","kind":"selfie","status":"no_matches","clips":0,"failed":0}})"),
              std::string::npos)
        << told[0].payload;
    catalog.start_clip_job(event, request, false);
    EXPECT_EQ(catalog.webhook_deliveries(webhook).size(), 1U);
}

}  // namespace
}  // namespace eventlens
