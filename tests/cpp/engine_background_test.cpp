#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "catalog_fixture.h"
#include "eventlens/engine.h"
#include "storage/loopback_server.h"
#include "test_models.h"

namespace eventlens {
namespace {

using namespace eventlens::testing;
using namespace std::chrono_literals;

namespace fs = std::filesystem;

void fail_test(const std::string& problem) {
    ADD_FAILURE() << problem;
}

template <typename Condition>
void wait_until(const Condition& condition) {
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    while (!condition()) {
        ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "waited too long";
        std::this_thread::sleep_for(5ms);
    }
}

TEST(WebhookSignature, IsTheHmacOfTimeAndBody) {
    // printf '1778311800.{"id":1}' | openssl dgst -sha256 -hmac secret
    EXPECT_EQ(webhook_signature("secret", 1'778'311'800, R"({"id":1})"),
              "t=1778311800,v1=ccaf675eeeac1cdd228f2b9c02484bd200455b4ce33c65e4a7ab9b3825ad6950");
}

class WebhookSending : public CatalogTest {
  protected:
    WebhookSending() : engine(Engine::open(workspace())) {}

    WebhookId add(const std::string& url) {
        const std::vector<std::string> kinds{"index.finished"};
        return engine.catalog().add_webhook(default_organisation, url, "secret", kinds);
    }

    WebhookSenderOptions options() const {
        return {.look_every = 10ms, .first_wait = 40ms, .answer_within = 1s, .on_problem = fail_test};
    }

    WebhookDelivery last(WebhookId webhook) const {
        return engine.catalog().webhook_deliveries(webhook).at(0);
    }

    Engine engine;
};

std::string header_of(const std::string& request, const std::string& name) {
    const std::size_t at = request.find("\r\n" + name + ": ");
    if (at == std::string::npos) return {};
    const std::size_t begin = at + name.size() + 4;
    return request.substr(begin, request.find("\r\n", begin) - begin);
}

TEST_F(WebhookSending, SignsWhatItTells) {
    LoopbackServer server([](const std::string&) { return Reply{"HTTP/1.1 204 No Content\r\n\r\n"}; });
    const WebhookId webhook = add(server.url() + "/hook?of=race");
    const std::string payload = engine.catalog().add_ping(webhook).payload;
    const WebhookSender sender(engine, options());
    wait_until([&] { return last(webhook).delivered.has_value(); });
    ASSERT_EQ(server.requests().size(), 1U);
    const std::string request = server.requests()[0];
    EXPECT_TRUE(request.starts_with("POST /hook?of=race HTTP/1.1\r\n")) << request;
    EXPECT_TRUE(request.ends_with("\r\n\r\n" + payload)) << request;
    EXPECT_EQ(header_of(request, "Content-Type"), "application/json");
    const std::string signature = header_of(request, "X-Eventlens-Signature");
    const std::int64_t seconds = std::stoll(signature.substr(2));
    EXPECT_NEAR(static_cast<double>(seconds), static_cast<double>(std::time(nullptr)), 60);
    EXPECT_EQ(signature, webhook_signature("secret", seconds, payload));
}

TEST_F(WebhookSending, TriesAgainAndLaterEachTime) {
    std::vector<std::chrono::steady_clock::time_point> times;
    LoopbackServer server([&](const std::string&) {
        times.push_back(std::chrono::steady_clock::now());
        return times.size() < 4 ? Reply{"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"}
                                : Reply{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"};
    });
    const WebhookId webhook = add(server.url());
    engine.catalog().add_ping(webhook);
    {
        const WebhookSender sender(engine, options());
        wait_until([&] { return last(webhook).delivered.has_value(); });
    }
    EXPECT_EQ(last(webhook).attempts, 4);
    EXPECT_EQ(last(webhook).last_status, 200);
    ASSERT_EQ(times.size(), 4U);
    EXPECT_GE(times[1] - times[0], 20ms);
    EXPECT_GE(times[2] - times[1], 60ms);
    EXPECT_GE(times[3] - times[2], 180ms);
}

TEST_F(WebhookSending, FollowsNoRedirectAndGivesUpInTheEnd) {
    LoopbackServer elsewhere(
        [](const std::string&) { return Reply{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}; });
    LoopbackServer server([&](const std::string&) {
        return Reply{"HTTP/1.1 302 Found\r\nLocation: " + elsewhere.url() + "\r\nContent-Length: 0\r\n\r\n"};
    });
    const WebhookId webhook = add(server.url());
    engine.catalog().add_ping(webhook);
    WebhookSenderOptions hasty = options();
    hasty.first_wait = 1ms;
    const WebhookSender sender(engine, hasty);
    wait_until([&] { return !last(webhook).next_try; });
    EXPECT_EQ(last(webhook).attempts, most_delivery_attempts);
    EXPECT_EQ(last(webhook).last_status, 302);
    EXPECT_FALSE(last(webhook).delivered);
    EXPECT_TRUE(elsewhere.requests().empty());
}

TEST_F(WebhookSending, SaysWhyNobodyWasReached) {
    std::string url;
    {
        const LoopbackServer gone([](const std::string&) { return Reply{}; });
        url = gone.url();
    }
    const WebhookId webhook = add(url);
    engine.catalog().add_ping(webhook);
    const WebhookSender sender(engine, options());
    wait_until([&] { return !last(webhook).last_error.empty(); });
    EXPECT_FALSE(last(webhook).last_status);
    EXPECT_NE(last(webhook).last_error.find("no connection to 127.0.0.1"), std::string::npos)
        << last(webhook).last_error;
}

TEST_F(WebhookSending, ASilentServerDoesNotKeepOthersWaiting) {
    LoopbackServer silent([](const std::string&) { return Reply{"", Reply::Then::stall}; });
    LoopbackServer server(
        [](const std::string&) { return Reply{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}; });
    engine.catalog().add_ping(add(silent.url()));
    const WebhookId webhook = add(server.url());
    const auto start = std::chrono::steady_clock::now();
    const WebhookSender sender(engine, options());
    for (int i = 0; i < 5; ++i) engine.catalog().add_ping(webhook);
    wait_until([&] { return server.requests().size() == 5; });
    EXPECT_LT(std::chrono::steady_clock::now() - start, 1s);
}

class KeepingHouse : public CatalogTest {
  protected:
    KeepingHouse() : engine(Engine::open(workspace())), event(engine.create_event({.name = "Race"})) {}

    Engine engine;
    EventId event;
};

TEST_F(KeepingHouse, RemovesWhatIsNoLongerWanted) {
    SavedSearch search{.request_id = "8d1b6c52-0f0a-4c38-9f6e-2a7e51b0c9aa", .expires = 1};
    ASSERT_TRUE(engine.catalog().save_search(event, search));
    const fs::path cutting = workspace() / "cutting" / "7";
    fs::create_directories(cutting);
    std::ofstream(cutting / "old.mp4") << "half a clip";
    std::ofstream(cutting / "new.mp4") << "half a clip";
    fs::last_write_time(cutting / "old.mp4", fs::file_time_type::clock::now() - 2h);
    {
        const Housekeeper keeper(engine, {.every = 10ms, .on_problem = fail_test});
        wait_until([&] { return !fs::exists(cutting / "old.mp4"); });
    }
    EXPECT_TRUE(fs::exists(cutting / "new.mp4"));
    EXPECT_EQ(engine.catalog().remove_expired_searches(), 0U);
}

class IndexQueues : public CatalogTest {
  protected:
    void SetUp() override {
        SKIP_WITHOUT_MODELS();
        fs::create_directories(photos());
        for (int i = 0; i < 12; ++i) write_photo(i);
        std::ofstream(photos() / "broken.jpg") << "no photo";
        open();
        event = engine->create_event({.name = "Race"});
    }

    void open() {
        EngineOptions options;
        options.manifests = {*testing::fetched_manifest()};
        options.runtime.threads = 1;
        engine.emplace(Engine::open(workspace(), options));
    }

    fs::path photos() const { return folder / "photos"; }

    void write_photo(int i) const {
        Image image({640, 480}, PixelFormat::rgb8);
        std::uint8_t value = static_cast<std::uint8_t>(i * 16);
        for (std::uint8_t& channel : image.pixels()) channel = value++;
        const auto jpeg = encode_jpeg(image.view());
        std::ofstream(photos() / ("photo" + std::to_string(i) + ".jpg"), std::ios::binary)
            .write(reinterpret_cast<const char*>(jpeg.data()), static_cast<std::streamsize>(jpeg.size()));
    }

    IndexQueueOptions options() const { return {.look_every = 10ms, .on_problem = fail_test}; }

    bool ended(IndexRunId id) const {
        const IndexRunState state = engine->catalog().index_run(id).state;
        return state != IndexRunState::queued && state != IndexRunState::running;
    }

    std::optional<Engine> engine;
    EventId event = 0;
};

TEST_F(IndexQueues, IndexWhatWasAskedFor) {
    const IndexRunId id = engine->start_index_run(event, photos().string()).id;
    std::atomic<int> told{0};
    IndexQueueOptions wanted = options();
    wanted.on_finished = [&](const IndexRunInfo&) { ++told; };
    IndexQueue queue(*engine, wanted);
    wait_until([&] { return told == 1; });
    IndexRunInfo run = engine->catalog().index_run(id);
    EXPECT_EQ(run.state, IndexRunState::completed);
    EXPECT_EQ(run.counts.added, 13);
    EXPECT_EQ(run.counts.failed, 1);
    EXPECT_EQ(run.counts.done, run.counts.total);
    ASSERT_EQ(engine->catalog().index_run_failures(id).size(), 1U);
    EXPECT_EQ(engine->catalog().index_run_failures(id)[0].key, "broken.jpg");

    const IndexRunId again = engine->start_index_run(event, run.source).id;
    queue.wake();
    wait_until([&] { return ended(again); });
    EXPECT_EQ(engine->catalog().index_run(again).counts.unchanged, 13);

    fs::remove_all(photos());
    const IndexRunId gone = engine->start_index_run(event, run.source).id;
    wait_until([&] { return ended(gone); });
    run = engine->catalog().index_run(gone);
    EXPECT_EQ(run.state, IndexRunState::failed);
    EXPECT_NE(run.error, "");
    EXPECT_EQ(told, 3);
}

TEST_F(IndexQueues, GoOnAfterAKill) {
    const IndexRunId id = engine->start_index_run(event, photos().string()).id;
    engine.reset();  // a catalog does not survive fork()
    const pid_t child = in_child([&] {
        open();
        const IndexQueue queue(*engine, {.lease = 200ms, .look_every = 10ms});
        std::this_thread::sleep_for(60s);
        return 0;
    });
    open();
    wait_until([&] { return engine->catalog().index_run(id).state == IndexRunState::running; });
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    IndexQueue queue(*engine, options());
    wait_until([&] { return ended(id); });
    const IndexRunInfo run = engine->catalog().index_run(id);
    EXPECT_EQ(run.state, IndexRunState::completed);
    EXPECT_EQ(engine->catalog().counts(event).processed, 12);
    EXPECT_EQ(run.attempts, 2);
}

TEST_F(IndexQueues, AreLeftInTheMidstAndCancelled) {
    for (int i = 12; i < 60; ++i) write_photo(i);
    const IndexRunId id = engine->start_index_run(event, photos().string()).id;
    {
        const IndexQueue queue(*engine, options());
        wait_until([&] { return engine->catalog().index_run(id).state == IndexRunState::running; });
    }
    const IndexRunInfo left = engine->catalog().index_run(id);
    EXPECT_EQ(left.state, IndexRunState::running) << "somebody will go on";
    EXPECT_EQ(left.attempts, 0);
    const IndexQueue queue(*engine, options());
    wait_until([&] { return engine->catalog().index_run(id).attempts == 1; });
    engine->catalog().cancel_index_run(id);
    wait_until([&] { return ended(id); });
    EXPECT_EQ(engine->catalog().index_run(id).state, IndexRunState::cancelled);
    EXPECT_LT(engine->catalog().counts(event).processed, 60);
}

}  // namespace
}  // namespace eventlens
