#include "storage/http.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "loopback_server.h"

namespace eventlens {
namespace {

using namespace std::chrono_literals;

std::string page(const std::string& status, const std::string& headers, const std::string& body) {
    return "HTTP/1.1 " + status + "\r\n" + headers + "Content-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

http::Settings quick() {
    http::Settings settings;
    settings.attempts = 4;
    settings.first_wait = 1ms;
    settings.stalled_after = 1s;
    settings.connect_within = 500ms;
    return settings;
}

// A GET of `url` as a store makes it.
http::Call get(const std::string& url) {
    http::Call call;
    call.doing = "cannot read the object";
    call.request = [url](const http::Resume& resume) {
        http::Request request;
        request.url = url;
        if (resume.received > 0)
            request.headers = {{"Range", http::range(0, std::nullopt, resume)}, {"If-Match", resume.etag}};
        return request;
    };
    return call;
}

Error error_of(const http::Client& client, const http::Call& call) {
    try {
        client.send(call);
    } catch (const Error& error) {
        return error;
    }
    throw std::runtime_error("the request went well");
}

TEST(Http, KeepsConnectionsOpen) {
    LoopbackServer server([](const std::string&) { return Reply{page("200 OK", "", "hello")}; });
    const http::Client client(quick());
    for (int i = 0; i < 3; ++i) EXPECT_EQ(client.send(get(server.url() + "/a/../b?x")).text(), "hello");
    EXPECT_EQ(server.connections(), 1);
    EXPECT_TRUE(server.requests().front().starts_with("GET /a/../b?x HTTP/1.1\r\n"))
        << server.requests().front();
}

TEST(Http, AsksBusyServersAgainAndSignsAnew) {
    int asked = 0;
    LoopbackServer server([&](const std::string&) {
        return ++asked < 3 ? Reply{page("503 Slow Down", "", "busy")} : Reply{page("200 OK", "", "fine")};
    });
    const http::Client client(quick());
    http::Call call = get(server.url());
    int made = 0;
    call.request = [&, make = call.request](const http::Resume& resume) {
        http::Request request = make(resume);
        request.headers.emplace_back("X-Signature", std::to_string(++made));
        return request;
    };
    EXPECT_EQ(client.send(call).text(), "fine");
    EXPECT_EQ(client.retries(), 2);
    EXPECT_NE(server.requests().back().find("X-Signature: 3\r\n"), std::string::npos);
}

TEST(Http, ReturnsTheLastReplyOfAServerThatStaysBusy) {
    LoopbackServer server([](const std::string&) { return Reply{page("503 Slow Down", "", "busy")}; });
    const http::Client client(quick());
    const http::Response reply = client.send(get(server.url()));
    EXPECT_EQ(reply.status, 503);
    EXPECT_EQ(reply.text(), "busy");
    EXPECT_EQ(server.requests().size(), 4u);
}

TEST(Http, WaitsAsLongAsTheServerAsks) {
    int asked = 0;
    LoopbackServer server([&](const std::string&) {
        return ++asked < 2 ? Reply{page("429 Too Many", "Retry-After: 1\r\n", "")}
                           : Reply{page("200 OK", "", "fine")};
    });
    const auto began = std::chrono::steady_clock::now();
    EXPECT_EQ(http::Client(quick()).send(get(server.url())).status, 200);
    EXPECT_GE(std::chrono::steady_clock::now() - began, 1s);
}

TEST(Http, LeavesWhatNoRetryHelps) {
    LoopbackServer server([](const std::string&) { return Reply{page("404 Not Found", "", "none")}; });
    EXPECT_EQ(http::Client(quick()).send(get(server.url())).status, 404);
    EXPECT_EQ(server.requests().size(), 1u);
}

// A server of one object that breaks off each of its first replies in the middle.
class BreakingServer {
  public:
    enum class Way { close, stall, lie };

    explicit BreakingServer(Way way, int breaks) : way_(way), breaks_(breaks) {}

    Reply operator()(const std::string& request) {
        std::string body = content;
        std::string head = "200 OK";
        std::string headers = "ETag: \"" + etag + "\"\r\n";
        if (const std::size_t at = request.find("Range: bytes="); at != std::string::npos && honours_range) {
            if (request.find("If-Match: \"" + etag + "\"") == std::string::npos)
                return {page("412 Precondition Failed", "", "")};
            const std::size_t first = std::stoul(request.substr(at + 13));
            body = content.substr(first);
            head = "206 Partial Content";
            headers += "Content-Range: bytes " + std::to_string(first) + "-" +
                       std::to_string(content.size() - 1) + "/" + std::to_string(content.size()) + "\r\n";
        }
        Reply reply{page(head, headers, body)};
        if (breaks_-- > 0) {
            reply.bytes.resize(reply.bytes.size() - body.size() / 2);
            reply.then = way_ == Way::stall ? Reply::Then::stall : Reply::Then::close;
            if (way_ == Way::lie) {  // says that it sends less, and keeps to it
                const std::string half = std::to_string(body.size() - body.size() / 2);
                const std::size_t length = reply.bytes.find("Content-Length: ") + 16;
                reply.bytes.replace(length, reply.bytes.find('\r', length) - length, half);
            }
            if (changes) etag += "x";
        }
        return reply;
    }

    std::string content = std::string(100'000, 'a') + std::string(100'000, 'b') + "c";
    std::string etag = "tag";
    bool honours_range = true;
    bool changes = false;

  private:
    Way way_;
    int breaks_;
};

TEST(Http, TakesABrokenBodyUpWhereItStopped) {
    for (const auto way : {BreakingServer::Way::close, BreakingServer::Way::stall}) {
        BreakingServer behaviour(way, 2);
        LoopbackServer server(std::ref(behaviour));
        const http::Client client(quick());
        const http::Response reply = client.send(get(server.url()));
        EXPECT_EQ(reply.text(), behaviour.content);
        EXPECT_EQ(reply.status, 200);
        EXPECT_EQ(client.retries(), 2);
        EXPECT_NE(server.requests()[1].find("Range: bytes=100001-\r\n"), std::string::npos);
        EXPECT_NE(server.requests()[2].find("Range: bytes=150001-\r\n"), std::string::npos);
    }
}

TEST(Http, BeginsAnewWhenTheServerIgnoresRanges) {
    BreakingServer behaviour(BreakingServer::Way::close, 1);
    behaviour.honours_range = false;
    LoopbackServer server(std::ref(behaviour));
    EXPECT_EQ(http::Client(quick()).send(get(server.url())).text(), behaviour.content);
}

TEST(Http, BeginsAnewWhenTheObjectChanged) {
    BreakingServer behaviour(BreakingServer::Way::close, 1);
    behaviour.changes = true;
    LoopbackServer server(std::ref(behaviour));
    EXPECT_EQ(http::Client(quick()).send(get(server.url())).text(), behaviour.content);
    EXPECT_EQ(server.requests().size(), 3u);
}

TEST(Http, ContentRangeTellsAShortReplyThatContentLengthHides) {
    BreakingServer behaviour(BreakingServer::Way::lie, 1);
    LoopbackServer server(std::ref(behaviour));
    http::Call call = get(server.url());
    call.request = [&](const http::Resume& resume) {
        http::Request request;
        request.url = server.url();
        request.headers = {{"Range", http::range(0, std::nullopt, resume)}, {"If-Match", "\"tag\""}};
        return request;
    };
    const http::Response reply = http::Client(quick()).send(call);
    EXPECT_EQ(reply.text(), behaviour.content);
    EXPECT_EQ(reply.status, 206);
}

TEST(Http, RefusesBodiesThatAreTooLargeBeforeTheyArrive) {
    LoopbackServer server([](const std::string&) {
        return Reply{"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", Reply::Then::stall};
    });
    http::Call call = get(server.url());
    call.max_body = 1000;
    const Error error = error_of(http::Client(quick()), call);
    EXPECT_EQ(error.code(), ErrorCode::bad_input);
    EXPECT_NE(std::string(error.what()).find("more than the allowed 1000 bytes"), std::string::npos);
    EXPECT_EQ(server.requests().size(), 1u);
}

TEST(Http, RefusesChunksThatAreTooLarge) {
    LoopbackServer server([](const std::string&) {
        return Reply{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" + std::string(2000, 'x') +
                     "\r\n0\r\n\r\n"};
    });
    http::Call call = get(server.url());
    call.max_body = 1000;
    EXPECT_EQ(error_of(http::Client(quick()), call).code(), ErrorCode::bad_input);
    call.max_body = 2000;
    EXPECT_EQ(http::Client(quick()).send(call).body.size(), 2000u);
}

TEST(Http, SaysWhichServerCannotBeReachedAndNoSecret) {
    http::Call call = get("http://127.0.0.1:1/bucket?X-Amz-Signature=secret");
    const http::Client client(quick());
    const Error error = error_of(client, call);
    EXPECT_EQ(error.code(), ErrorCode::overloaded);
    const std::string text = error.what();
    EXPECT_NE(text.find("cannot read the object: no connection to 127.0.0.1:1"), std::string::npos) << text;
    EXPECT_NE(text.find("tried 4 times"), std::string::npos) << text;
    EXPECT_EQ(text.find("secret"), std::string::npos) << text;
    EXPECT_EQ(client.retries(), 3);
}

TEST(Http, KeepsThePasswordOfAProxyThatCannotBeUsed) {
    for (const char* proxy : {"gopher://me:secret@127.0.0.1:1", "http://me:secret@127.0.0.1:1",
                              "http://me:secret@[::1", "socks9://me:secret@127.0.0.1:1"}) {
        http::Settings settings = quick();
        settings.http_proxy = proxy;
        const Error error = error_of(http::Client(settings), get("http://127.0.0.1:1/bucket"));
        EXPECT_EQ(std::string(error.what()).find("secret"), std::string::npos) << error.what();
    }
}

TEST(Http, ToldApartIsWhatNoAttemptWillChange) {
    const Error error = error_of(http::Client(quick()), get("http://[::1/bucket?X-Amz-Signature=secret"));
    EXPECT_EQ(error.code(), ErrorCode::denied);
    EXPECT_EQ(std::string(error.what()).find("secret"), std::string::npos) << error.what();
}

TEST(Http, UploadsBytesAndFilesAgainAfterABreak) {
    int asked = 0;
    LoopbackServer server([&](const std::string&) {
        return ++asked % 2 == 1 ? Reply{"", Reply::Then::close} : Reply{page("200 OK", "", "")};
    });
    const std::string content(300'000, 'u');
    const auto file =
        std::filesystem::temp_directory_path() / ("eventlens-http-" + std::to_string(::getpid()));
    std::ofstream(file, std::ios::binary) << content;
    const http::Client client(quick());
    for (const bool from_file : {false, true}) {
        http::Call call = get(server.url());
        call.request = [&](const http::Resume&) {
            http::Request request;
            request.method = "PUT";
            request.url = server.url();
            if (from_file) {
                request.body_file = file;
            } else {
                request.body = std::as_bytes(std::span(content));
            }
            return request;
        };
        EXPECT_EQ(client.send(call).status, 200);
        EXPECT_TRUE(server.requests().back().ends_with("\r\n\r\n" + content));
    }
    std::filesystem::remove(file);
}

TEST(Http, RefusesHeadersThatBreakTheLine) {
    http::Call call = get("http://127.0.0.1:1/");
    call.request = [](const http::Resume&) {
        return http::Request{"GET", "http://127.0.0.1:1/", {{"Content-Type", "a\r\nX-Evil: 1"}}, {}, {}};
    };
    EXPECT_EQ(error_of(http::Client(quick()), call).code(), ErrorCode::bad_input);
}

TEST(Http, AsksAtOnceWhenTheJudgeChangesTheRequest) {
    LoopbackServer server([](const std::string&) { return Reply{page("403 Forbidden", "", "")}; });
    http::Call call = get(server.url());
    bool refreshed = false;
    call.judge = [&](const http::Response& reply) {
        if (reply.status != 403 || refreshed) return http::Next::done;
        refreshed = true;
        return http::Next::at_once;
    };
    const http::Client client(quick());
    EXPECT_EQ(client.send(call).status, 403);
    EXPECT_EQ(server.requests().size(), 2u);
    EXPECT_EQ(client.retries(), 0);
    call.judge = [](const http::Response&) { return http::Next::at_once; };
    client.send(call);
    EXPECT_LE(server.requests().size(), 8u);  // a judge that is never content does not ask for ever
}

TEST(Http, AdoptsTheServersClock) {
    LoopbackServer server([](const std::string&) {
        return Reply{page("403 Forbidden", "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n", "")};
    });
    const http::Client client(quick());
    EXPECT_TRUE(client.adopt_clock(client.send(get(server.url()))));
    const auto theirs = std::chrono::system_clock::to_time_t(client.now());
    EXPECT_NEAR(static_cast<double>(theirs), 784111777.0, 3.0);
    EXPECT_FALSE(client.adopt_clock(client.send(get(server.url()))));
}

TEST(Http, ServesManyThreads) {
    LoopbackServer server([](const std::string& request) {
        return Reply{page("200 OK", "", request.substr(5, request.find(' ', 5) - 5))};
    });
    const http::Client client(quick());
    std::atomic<int> right = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 20; ++i) {
                const std::string name = std::to_string(t * 100 + i);
                right += client.send(get(server.url() + "/" + name)).text() == name;
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(right, 160);
    EXPECT_LE(server.connections(), 8);
}

TEST(Http, TakesProxiesFromTheGivenEnvironmentAlone) {
    LoopbackServer proxy([](const std::string&) { return Reply{page("200 OK", "", "by proxy")}; });
    StorageOptions options;
    options.environment = {{"http_proxy", proxy.url()}, {"NO_PROXY", "127.0.0.1"}};
    EXPECT_EQ(http::Client(http::Settings::from(options)).send(get("http://bucket.invalid/key")).text(),
              "by proxy");
    EXPECT_TRUE(proxy.requests().front().starts_with("GET http://bucket.invalid/key "));
    LoopbackServer direct([](const std::string&) { return Reply{page("200 OK", "", "direct")}; });
    EXPECT_EQ(http::Client(http::Settings::from(options)).send(get(direct.url())).text(), "direct");
    ::setenv("http_proxy", "http://127.0.0.1:1", 1);
    EXPECT_EQ(http::Client(http::Settings::from({})).send(get(direct.url())).text(), "direct");
    ::unsetenv("http_proxy");
}

TEST(Http, ReadsContentRanges) {
    const auto whole = http::parse_content_range("bytes 5-9/20");
    ASSERT_TRUE(whole);
    EXPECT_EQ(whole->first, 5);
    EXPECT_EQ(whole->last, 9);
    EXPECT_EQ(whole->total, 20);
    EXPECT_EQ(http::parse_content_range("bytes */0")->total, 0);
    EXPECT_EQ(http::parse_content_range("bytes 0-1/*")->total, -1);
    for (const char* broken : {"", "bytes", "bytes 5-4/9", "bytes 0-9/9", "bytes 1-2", "bytes 1-2/3x",
                               "bytes -1-2/3", "items 1-2/3", "bytes 99999999999999999999-1/2"})
        EXPECT_FALSE(http::parse_content_range(broken)) << broken;
}

TEST(Http, NamesHostsWithoutUsersAndPaths) {
    EXPECT_EQ(http::host_of("https://user:secret@example.com:9000/bucket?key"), "example.com:9000");
    EXPECT_EQ(http::host_of("http://example.com?x@y"), "example.com");
}

}  // namespace
}  // namespace eventlens
