#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <random>
#include <string>

#include <nlohmann/json.hpp>

#include "eventlens/error.h"
#include "server/access.h"
#include "server/config.h"
#include "server/links.h"
#include "server/multipart.h"
#include "server/networks.h"
#include "server/parameters.h"
#include "server/rate_limit.h"
#include "server/replies.h"
#include "server/router.h"

// What comes in, taken apart without sockets: routes, queries, forms, tokens, links, settings.
namespace eventlens::server {
namespace {

using nlohmann::json;

template <typename Act>
int status_of(const Act& act) {
    try {
        act();
    } catch (const Refusal& refusal) {
        return refusal.status();
    }
    return 200;
}

std::string message_of(const auto& act) {
    try {
        act();
    } catch (const std::exception& error) {
        return error.what();
    }
    return "";
}

// --- Routes ---

Router router() {
    const Handler handler = [](Service&, const Caller&, const Request&) { return Reply{}; };
    return Router({{.method = "GET", .pattern = "/events/{event_id}/bibs/{bib}", .handler = handler},
                   {.method = "POST", .pattern = "/events/{event_id}/faces", .handler = handler},
                   {.method = "GET", .pattern = "/docs", .handler = handler}});
}

Request asking(const std::string& method, const std::string& path) {
    Request request;
    request.method = method;
    request.path = path;
    return request;
}

TEST(Router, DecodesWhatAParameterStoodFor) {
    Request request = asking("GET", "/events/7/bibs/A%2F1%20%C3%BC");
    EXPECT_EQ(router().route(request).pattern, "/events/{event_id}/bibs/{bib}");
    EXPECT_EQ(request.parameter("bib"), "A/1 ü");
    EXPECT_EQ(request.parameter("event_id"), "7");
}

TEST(Router, TakesDotsForWhatTheyAre) {
    Request request = asking("GET", "/events/7/bibs/..");
    (void)router().route(request);
    EXPECT_EQ(request.parameter("bib"), "..");
    Request up = asking("GET", "/events/7/bibs/../../../docs");
    EXPECT_EQ(status_of([&] { (void)router().route(up); }), 404);
}

TEST(Router, TellsUnknownPathsFromUnknownMethods) {
    for (const auto& path : {"/nothing", "/docs/", "/events/7/bibs/", "/events//bibs/1", "//docs", "/"}) {
        Request request = asking("GET", path);
        EXPECT_EQ(status_of([&] { (void)router().route(request); }), 404) << path;
    }
    Request request = asking("DELETE", "/events/7/faces");
    try {
        (void)router().route(request);
        FAIL() << "DELETE was let in";
    } catch (const Refusal& refusal) {
        EXPECT_EQ(refusal.status(), 405);
        ASSERT_EQ(refusal.headers.size(), 1U);
        EXPECT_EQ(refusal.headers[0], std::pair(std::string("Allow"), std::string("POST, OPTIONS")));
    }
    Request broken = asking("GET", "/events/7/bibs/%zz");
    EXPECT_EQ(status_of([&] { (void)router().route(broken); }), 400);
}

TEST(Router, AnswersHeadLikeGet) {
    Request request = asking("HEAD", "/docs");
    EXPECT_EQ(router().route(request).pattern, "/docs");
}

// --- Queries ---

Page page_for(const std::string& text) {
    Mistakes mistakes;
    const Query query(text, mistakes);
    const Page page = page_of(query, 32, 100, mistakes);
    mistakes.refuse();
    return page;
}

TEST(Parameters, PagesHaveDefaultsAndBounds) {
    EXPECT_EQ(page_for("").number, 1);
    EXPECT_EQ(page_for("").size, 32);
    EXPECT_EQ(page_for("page=3&page_size=100").size, 100);
    for (const auto& wrong : {"page=0", "page=-1", "page_size=0", "page_size=101", "page=x", "page=1.5",
                              "page=", "page=+1", "page=%201", "page=99999999999999999999", "page=1%00"}) {
        EXPECT_EQ(status_of([&] { (void)page_for(wrong); }), 422) << wrong;
    }
}

TEST(Parameters, TellsEveryMistakeAtOnce) {
    EXPECT_EQ(message_of([] { (void)page_for("page=x&page_size=101"); }),
              "query.page: Input should be a valid integer; query.page_size: Input should be less than or "
              "equal to 100");
}

TEST(Parameters, PaginationFollowsTheContract) {
    const auto of = [](std::int64_t total, std::int64_t size, std::int64_t number) {
        return pagination_of({number, size}, total);
    };
    EXPECT_EQ(of(47, 30, 1)["totalPages"], 2);
    EXPECT_EQ(of(47, 60, 1)["totalPages"], 1);
    EXPECT_EQ(of(1280, 32, 1)["totalPages"], 40);
    EXPECT_EQ(of(24, 10, 3)["hasNextPage"], false);
    EXPECT_EQ(of(0, 32, 1), (json{{"total", 0},
                                  {"currentPage", 0},
                                  {"totalPages", 0},
                                  {"hasNextPage", false},
                                  {"hasPreviousPage", false},
                                  {"page_size", 32}}));
    const json behind = of(24, 10, 9);
    EXPECT_EQ(behind["currentPage"], 9);
    EXPECT_EQ(behind["hasNextPage"], false);
    EXPECT_EQ(behind["hasPreviousPage"], true);
}

// Property: pages put together are the list, for every size; and no number of a page overflows.
TEST(Parameters, PagesPutTogetherAreTheList) {
    for (std::int64_t total = 0; total < 50; ++total) {
        for (std::int64_t size = 1; size < 12; ++size) {
            std::int64_t seen = 0;
            for (std::int64_t number = 1; number <= total + 2; ++number) {
                const Page page{number, size};
                EXPECT_EQ(page.offset(total), std::min(total, (number - 1) * size));
                seen += std::min(size, total - page.offset(total));
            }
            EXPECT_EQ(seen, total);
        }
    }
    EXPECT_EQ((Page{std::numeric_limits<std::int64_t>::max(), 100}.offset(7)), 7);
}

Request with_json(const std::string& body) {
    Request request;
    request.headers.add("content-type", "application/json; charset=utf-8");
    request.body = body;
    return request;
}

TEST(Parameters, JsonIsTakenStrictly) {
    EXPECT_EQ(json_body(with_json(R"({"bib": "A1"})"))["bib"], "A1");
    const std::string deep(100'000, '[');
    for (const std::string& wrong :
         {std::string(""), std::string("{"), std::string("[1]"), std::string("3"),
          std::string(R"({"a":1,"a":2})"), std::string(R"({"b":{"a":1,"a":2}})"),
          std::string("{\"a\":\"\xFF\"}"), "{\"a\":" + deep, std::string(R"({"a":1e999})"),
          std::string("{\"a\":\"\xED\xA0\x80\"}")}) {
        EXPECT_EQ(status_of([&] { (void)json_body(with_json(wrong)); }), 422) << wrong.substr(0, 40);
    }
    Request plain;
    plain.body = "{}";
    EXPECT_EQ(status_of([&] { (void)json_body(plain); }), 415);
    // The same key in two objects is no mistake.
    EXPECT_EQ(json_body(with_json(R"({"a":{"x":1},"b":{"x":2}})"))["b"]["x"], 2);
}

// --- Forms ---

const std::string form_type = "multipart/form-data; boundary=XX";

std::string part(const std::string& disposition, const std::string& content) {
    return "--XX\r\nContent-Disposition: form-data; " + disposition + "\r\n\r\n" + content + "\r\n";
}

TEST(Multipart, TakesAFormApart) {
    const std::string body = "a preamble\r\n" +
                             part("name=\"file\"; filename=\"me \\\"1\\\".jpg\"", "\xFF\xD8\r\n--X\r\n") +
                             part("name=request_id", "") + "--XX--\r\nan epilogue";
    const auto parts = parse_multipart("Multipart/Form-Data; charset=x; boundary=\"XX\"", body);
    ASSERT_EQ(parts.size(), 2U);
    EXPECT_EQ(parts[0].name, "file");
    EXPECT_EQ(parts[0].file_name, "me \"1\".jpg");
    EXPECT_EQ(parts[0].content, "\xFF\xD8\r\n--X\r\n");
    EXPECT_EQ(parts[1].name, "request_id");
    EXPECT_EQ(parts[1].content, "");
}

TEST(Multipart, RefusesWhatIsBroken) {
    const std::string good = part("name=a", "1");
    const std::vector<std::string> broken{
        "",
        "--XX",
        good,
        good + "--XX",
        "--XX\r\n\r\nno header\r\n--XX--",
        "--XX\r\nContent-Type: text/plain\r\n\r\nno name\r\n--XX--",
        "--XX\r\nContent-Disposition: attachment; name=a\r\n\r\n1\r\n--XX--",
        "--XX\r\nContent-Disposition: form-data; name=\"a\r\n\r\n1\r\n--XX--",
        "--XX\r\nX: " + std::string(9000, 'x') + "\r\n\r\n1\r\n--XX--",
        "--XXX\r\n" + good.substr(6),
    };
    for (const std::string& body : broken) {
        EXPECT_EQ(status_of([&] { (void)parse_multipart(form_type, body); }), 400) << body.substr(0, 60);
    }
    const std::string whole = good + "--XX--";
    for (const auto& type :
         {"multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=\""})
        EXPECT_EQ(status_of([&] { (void)parse_multipart(type, whole); }), 400) << type;
    EXPECT_EQ(status_of([&] { (void)parse_multipart("application/json", whole); }), 415);
    std::string many;
    for (int i = 0; i < 40; ++i) many += good;
    EXPECT_EQ(status_of([&] { (void)parse_multipart(form_type, many + "--XX--"); }), 400);
}

// Property: no cut of a good form is taken for a whole one with other contents.
TEST(Multipart, NoTruncationPasses) {
    const std::string body =
        part("name=\"file\"", std::string(500, 'x')) + part("name=\"request_id\"", "y") + "--XX--";
    for (std::size_t length = 0; length < body.size(); ++length)
        EXPECT_EQ(status_of([&] { (void)parse_multipart(form_type, body.substr(0, length)); }), 400)
            << length;
}

// Property: any bytes may be a part's content, but for the boundary's own line.
TEST(Multipart, GivesBackAnyContent) {
    std::mt19937 random(1);
    for (int round = 0; round < 300; ++round) {
        std::string content(random() % 200, '\0');
        for (char& c : content) c = "\r\n-X\0a"[random() % 6];
        if (content.find("--XX") != std::string::npos) continue;
        const std::string body = part("name=file", content) + "--XX--";
        const auto parts = parse_multipart(form_type, body);
        ASSERT_EQ(parts.size(), 1U);
        EXPECT_EQ(parts[0].content, content);
    }
}

// --- Limits ---

TEST(RateLimit, LetsABurstThroughAndThenTheRate) {
    RateLimit limit(2, 3);
    const auto start = RateLimit::Clock::time_point{} + std::chrono::hours(1);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(limit.take("key 1", start), 0);
    EXPECT_EQ(limit.take("key 1", start), 1);
    EXPECT_EQ(limit.take("key 2", start), 0);  // its own bucket
    EXPECT_EQ(limit.take("key 1", start + std::chrono::milliseconds(500)), 0);
    EXPECT_GT(limit.take("key 1", start + std::chrono::milliseconds(500)), 0);
    EXPECT_EQ(limit.take("key 1", start + std::chrono::hours(1)), 0);
}

TEST(RateLimit, TellsHowLongToWait) {
    RateLimit slow(.1, 1);
    const auto start = RateLimit::Clock::time_point{} + std::chrono::hours(1);
    EXPECT_EQ(slow.take("a", start), 0);
    EXPECT_EQ(slow.take("a", start), 10);
}

TEST(RateLimit, ZeroIsNoLimit) {
    RateLimit none(0, 1);
    for (int i = 0; i < 10'000; ++i) ASSERT_EQ(none.take("a"), 0);
}

TEST(RateLimit, ForgetsThoseWhoseBucketsAreFullAgain) {
    RateLimit limit(1, 2);
    auto now = RateLimit::Clock::time_point{} + std::chrono::hours(1);
    for (int i = 0; i < 10'000; ++i) {
        now += std::chrono::milliseconds(10);
        ASSERT_EQ(limit.take("visitor " + std::to_string(i), now), 0);
    }
    EXPECT_LE(limit.clients(), 1100U);
}

TEST(RateLimit, RemembersThoseWhoAskMuchAmongAnyNumberOfOthers) {
    RateLimit limit(.001, 3, 1000);
    const auto now = RateLimit::Clock::time_point{} + std::chrono::hours(1);
    for (int i = 0; i < 3; ++i) ASSERT_EQ(limit.take("greedy", now), 0);
    for (int i = 0; i < 50'000; ++i) {
        ASSERT_EQ(limit.take("visitor " + std::to_string(i), now), 0);
        ASSERT_LE(limit.clients(), 1000U);
    }
    EXPECT_GT(limit.take("greedy", now), 0);
}

// --- Networks ---

TEST(Networks, CountClientsByWhatIsTheirsAlone) {
    EXPECT_EQ(place_in_network("203.0.113.5"), "203.0.113.5");
    EXPECT_EQ(place_in_network("::ffff:203.0.113.5"), "203.0.113.5");
    EXPECT_EQ(place_in_network("2001:db8:0:1:aaaa::1"), "2001:db8:0:1::");
    EXPECT_EQ(place_in_network("2001:db8:0:1::2"), "2001:db8:0:1::");
    EXPECT_EQ(place_in_network("2001:db8:0:2::2"), "2001:db8:0:2::");
    EXPECT_EQ(place_in_network(""), "");
}

TEST(Networks, HoldTheirAddressesAndNoOthers) {
    const Networks networks({"10.0.0.0/8", "192.0.2.77/30", "203.0.113.5", "2001:db8::/33", "::1/128"});
    for (const char* inside : {"10.255.0.1", "::ffff:10.0.0.1", "192.0.2.76", "192.0.2.79", "203.0.113.5",
                               "2001:db8:7fff::1", "2001:db8::1%eth0", "::1"})
        EXPECT_TRUE(networks.hold(inside)) << inside;
    for (const char* outside : {"11.0.0.1", "192.0.2.80", "203.0.113.4", "2001:db8:8000::1", "::2", "", "10"})
        EXPECT_FALSE(networks.hold(outside)) << outside;
    EXPECT_FALSE(Networks({"::/0"}).hold("10.0.0.1"));
    EXPECT_TRUE(Networks({"0.0.0.0/0"}).hold("10.0.0.1"));
}

TEST(Networks, RefuseWhatIsNone) {
    for (const char* text : {"", "not a network", "300.0.0.0/8", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/",
                             "10.0.0.0/8x", "::/129", "10.0.0/8"})
        EXPECT_NE(message_of([&] { Networks({text}); }).find(std::string("\"") + text + "\" is no network"),
                  std::string::npos)
            << text;
}

// --- Tokens and links ---

const std::vector<std::byte> secret(32, std::byte{7});
const std::vector<std::byte> other_secret(32, std::byte{8});

TEST(VisitorToken, IsReadByWhoeverHasTheSecretUntilItExpires) {
    const std::string text = make_token({3, 42, 1000, "abcd"}, secret);
    const auto token = read_token(text, secret, 999);
    ASSERT_TRUE(token);
    EXPECT_EQ(token->organisation, 3);
    EXPECT_EQ(token->event, 42);
    EXPECT_EQ(token->name, "abcd");
    EXPECT_FALSE(read_token(text, secret, 1000));
    EXPECT_FALSE(read_token(text, other_secret, 999));
    // Property: not one changed byte passes.
    for (std::size_t i = 0; i < text.size(); ++i) {
        std::string forged = text;
        forged[i] = static_cast<char>(forged[i] ^ 1);
        EXPECT_FALSE(read_token(forged, secret, 999)) << i;
        EXPECT_FALSE(read_token(text.substr(0, i), secret, 999)) << i;
    }
}

Request following(const std::string& url) {
    Request request;
    const std::size_t path = url.find("/media/");
    const std::size_t question = url.find('?');
    request.path = url.substr(path, question - path);
    request.query = url.substr(question + 1);
    return request;
}

TEST(Links, AreGoodForTheirPathAndTime) {
    const Links links({}, secret);
    Request request;
    request.authority = "photos.example.org:8080";
    request.secure = true;
    const std::string url = links.lasting(request, "/media/1/original/x", std::chrono::seconds(60), "x.jpg");
    EXPECT_TRUE(url.starts_with("https://photos.example.org:8080/media/1/original/x?expires="));
    const auto good_for = links.good_for(following(url));
    ASSERT_TRUE(good_for);
    EXPECT_LE(good_for->count(), 60);
    EXPECT_FALSE(links.good_for(following(links.lasting(request, "/media/1/x", std::chrono::seconds(0)))));
    for (const auto& [from, to] :
         {std::pair("original/x", "original/y"), std::pair("x.jpg", "y.jpg"),
          std::pair("expires=", "expires=1"), std::pair("signature=", "signature=0")}) {
        std::string forged = url;
        forged.replace(forged.find(from), std::string(from).size(), to);
        EXPECT_FALSE(links.good_for(following(forged))) << forged;
    }
    EXPECT_FALSE(Links({}, other_secret).good_for(following(url)));
}

TEST(Links, AreTheSameForHoursWhereBrowsersMayKeepThem) {
    const Links links({}, secret);
    EXPECT_EQ(links.steady({}, "/media/1/small/x.jpg"), links.steady({}, "/media/1/small/x.jpg"));
    const auto good_for = links.good_for(following(links.steady({}, "/media/1/small/x.jpg")));
    ASSERT_TRUE(good_for);
    EXPECT_GE(good_for->count(), 6 * 3600 - 1);
}

// --- Settings ---

class ConfigFile : public ::testing::Test {
  protected:
    std::string message_for(const std::string& text) {
        std::ofstream(file_) << text;
        Config config;
        return message_of([&] {
            read_config_file(config, file_);
            complete(config);
        });
    }
    void TearDown() override { std::filesystem::remove(file_); }

    std::filesystem::path file_ =
        std::filesystem::temp_directory_path() / ("eventlens_config_" + std::to_string(::getpid()) + ".toml");
};

TEST_F(ConfigFile, NamesTheLineThatIsWrong) {
    EXPECT_EQ(message_for("threads = 2\n[rate]\nsearches = 5\n"), "");
    EXPECT_NE(message_for("threads = 2\nthread = 3\n").find("line 2: there is no setting \"thread\""),
              std::string::npos);
    EXPECT_NE(
        message_for("\n[limits]\nbody_mb = \"ten\"\n").find("line 3: limits.body_mb must be a whole number"),
        std::string::npos);
    EXPECT_NE(message_for("threads = 0\n").find("line 1: threads must be within 1 and 256"),
              std::string::npos);
    EXPECT_NE(message_for("threads = \n").find("line 1"), std::string::npos);
    EXPECT_NE(message_for("[nothing]\na = 1\n").find("there is no setting \"nothing\""), std::string::npos);
}

TEST_F(ConfigFile, IsOverriddenByEnvironmentAndFlags) {
    std::ofstream(file_) << "threads = 2\nhosts = [\"A.example\"]\n[rate]\nsearches = 5\n";
    Config config;
    read_config_file(config, file_);
    read_environment(
        config, {{"EVENTLENS_THREADS", "3"}, {"EVENTLENS_RATE_SEARCHES", "0.5"}, {"EVENTLENS_ELSE", "x"}});
    set_by_name(config, "threads", "4");
    complete(config);
    EXPECT_EQ(config.threads, 4);
    EXPECT_EQ(config.rate.searches, .5);
    EXPECT_EQ(config.hosts, std::vector<std::string>{"a.example"});
    EXPECT_THROW(read_environment(config, {{"EVENTLENS_THREADS", "three"}}), Error);
}

TEST_F(ConfigFile, EveryMistakeNamesItsSettingAndWhoeverGaveIt) {
    std::ofstream(file_) << "\nlog = \"loud\"\n";
    Config config;
    read_config_file(config, file_);
    EXPECT_EQ(message_of([&] { complete(config); }),
              file_.string() + ", line 2: log: must be debug, info, warning, error or off, not \"loud\"");
    read_environment(config, {{"EVENTLENS_LOG", "louder"}});
    EXPECT_TRUE(message_of([&] { complete(config); }).starts_with("EVENTLENS_LOG: log: must be "));
    set_by_name(config, "log", "debug");
    set_by_name(config, "proxies.trusted", "10.0.0.0/8, nothing");
    EXPECT_TRUE(message_of([&] {
                    complete(config);
                }).starts_with("--proxies-trusted: proxies.trusted: \"nothing\" is no network"));
}

TEST_F(ConfigFile, LimitsSelfiesToWhatARequestMayBring) {
    Config config;
    set_by_name(config, "limits.body_mb", "10");
    complete(config);
    EXPECT_EQ(config.limits.selfie_mb, 10);  // nobody said otherwise
    set_by_name(config, "limits.selfie_mb", "11");
    EXPECT_NE(message_of([&] { complete(config); }).find("11 is more than limits.body_mb, 10"),
              std::string::npos);
}

TEST(Addresses, MayShareAPortWhereTheyDoNotExcludeEachOther) {
    const auto refused = [](const std::string& listen, const std::string& admin_listen) {
        Config config;
        config.listen = listen;
        config.admin_listen = admin_listen;
        return message_of([&] { complete(config); }).find("is taken by") != std::string::npos;
    };
    EXPECT_TRUE(refused("127.0.0.1:8080", "localhost:8080"));
    EXPECT_TRUE(refused("0.0.0.0:8080", "127.0.0.1:8080"));
    EXPECT_TRUE(refused("127.0.0.1:8080", "[::]:8080"));
    EXPECT_TRUE(refused("[::1]:8080", "[0:0::1]:8080"));
    EXPECT_FALSE(refused("127.0.0.1:8080", "127.0.0.1:8081"));
    EXPECT_FALSE(refused("127.0.0.1:8080", "127.0.0.2:8080"));
    EXPECT_FALSE(refused("0.0.0.0:8080", "[::1]:8080"));
    EXPECT_FALSE(refused("127.0.0.1:0", "127.0.0.1:0"));  // any two
}

// The later of file, environment and flags says where the administrator's key comes from.
TEST_F(ConfigFile, TakesTheAdministratorsKeyFromWhereItWasSaidLast) {
    const std::string in_file = "the key that is in the file";
    const std::string in_variable = "the key that is in the variable";
    const auto key_of = [&](const std::string& first, const std::map<std::string, std::string>& environment,
                            const std::string& flag) {
        std::ofstream(file_) << in_file << "\n";
        Config config;
        if (!first.empty()) set_by_name(config, "admin_key_file", first);
        read_environment(config, environment);
        if (!flag.empty()) set_by_name(config, "admin_key_file", flag);
        complete(config);
        return config.admin_key;
    };
    const std::string file = file_.string();
    EXPECT_EQ(key_of(file, {}, ""), in_file);
    EXPECT_EQ(key_of(file, {{"EVENTLENS_ADMIN_KEY", in_variable}}, ""), in_variable);
    EXPECT_EQ(key_of("/nowhere", {{"EVENTLENS_ADMIN_KEY", in_variable}}, ""), in_variable);
    EXPECT_EQ(key_of(file, {{"EVENTLENS_ADMIN_KEY", ""}}, ""), in_file);
    EXPECT_EQ(key_of("", {{"EVENTLENS_ADMIN_KEY", in_variable}}, file), in_file);
    EXPECT_THROW(key_of("", {{"EVENTLENS_ADMIN_KEY", in_variable}, {"EVENTLENS_ADMIN_KEY_FILE", file}}, ""),
                 Error);
}

}  // namespace
}  // namespace eventlens::server
