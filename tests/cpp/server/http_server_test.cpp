#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>

#include "eventlens/error.h"
#include "server/http_server.h"
#include "server/replies.h"

// The sockets' side, with an application that answers what it was told.
namespace eventlens::server {
namespace {

class Letters : public ByteSource {
  public:
    std::int64_t size() const override { return 3'000'000; }
    std::size_t read(std::int64_t offset, std::span<std::byte> into) const override {
        for (std::size_t i = 0; i < into.size(); ++i)
            into[i] = static_cast<std::byte>('a' + (static_cast<std::size_t>(offset) + i) % 26);
        return into.size();
    }
};

// "/echo" gives the body back, "/slow" and "/longest" take a while, "/stream" three megabytes, "/throw"
// fails, "/who" the peer.
class Echo : public Application {
  public:
    Admission admit(Request& request) override {
        if (request.path == "/forbidden") throw Refusal(403, "no");
        return {.max_body = 1000,
                .work = request.path == "/longest" ? Work::recognition
                        : request.path == "/slow"  ? Work::reading
                                                   : Work::light,
                .answer = [this](const Request& whole) { return answer(whole); }};
    }
    Reply refuse(const Request&, const std::exception& reason) override {
        return reply_for(reason, Told::errors);
    }
    void complete(const Request&, Reply& reply) override { reply.headers.emplace_back("X-Complete", "yes"); }
    void answered(const Request&, const Reply&, std::chrono::microseconds) override { ++answers; }

    std::atomic<int> answers{0};
    std::atomic<int> in_slow{0};

  private:
    Reply answer(const Request& request) {
        Reply reply{.content_type = "text/plain"};
        reply.body = request.method + " " + request.path + "?" + request.query + " " + request.body;
        if (request.path == "/who")
            reply.body = request.peer + " " + request.host + (request.secure ? " secure" : "");
        if (request.path == "/throw") throw Error(ErrorCode::internal, "the secret of the house");
        if (request.path == "/stream") reply.stream = StreamedBody{std::make_shared<Letters>(), 1, 2'999'999};
        if (request.path == "/slow" || request.path == "/longest") {
            ++in_slow;
            std::this_thread::sleep_for(std::chrono::milliseconds(400));
        }
        return reply;
    }
};

class Client {
  public:
    explicit Client(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
        const timeval patience{.tv_sec = 8, .tv_usec = 0};
        setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
            throw std::runtime_error(std::strerror(errno));
    }
    ~Client() { ::close(socket_); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    void send(std::string_view text) {
        while (!text.empty()) {
            const auto count = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
            if (count <= 0) return;  // the server has closed: what it said can still be read
            text.remove_prefix(static_cast<std::size_t>(count));
        }
    }
    void end() { ::shutdown(socket_, SHUT_WR); }

    // All that comes until the server closes, or until `enough` has come.
    std::string read(const std::string& enough = {}) {
        std::string all;
        char piece[65536];
        while (enough.empty() || all.find(enough) == std::string::npos) {
            const auto count = ::recv(socket_, piece, sizeof piece, 0);
            if (count <= 0) break;
            all.append(piece, static_cast<std::size_t>(count));
        }
        return all;
    }

  private:
    int socket_;
};

class HttpServerTest : public ::testing::Test {
  protected:
    void start(HttpOptions options = {}) { server_.emplace(echo_, workers_, options); }
    Client client() { return Client(server_->port()); }
    std::string ask(const std::string& text) {
        Client asking(server_->port());
        asking.send(text);
        return asking.read();
    }
    static std::string get(const std::string& path, const std::string& more = "") {
        return "GET " + path + " HTTP/1.1\r\nHost: here.example:8080\r\n" + more + "\r\n";
    }
    static std::string last_get(const std::string& path, const std::string& more = "") {
        return get(path, more + "Connection: close\r\n");
    }

    Echo echo_;
    WorkerPool workers_{{.reading = 2, .recognition = 1, .storage = 1}};
    std::optional<HttpServer> server_;
};

TEST_F(HttpServerTest, AnswersOneRequestBehindTheOther) {
    start();
    const std::string answer =
        ask(get("/echo?a=1") + "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello" +
            "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" +
            last_get("/slow"));
    const auto first = answer.find("GET /echo?a=1 ");
    const auto second = answer.find("POST /echo? hello");
    const auto third = answer.find("POST /echo? abc");
    const auto fourth = answer.find("GET /slow? ");
    EXPECT_NE(fourth, std::string::npos) << answer;
    EXPECT_TRUE(first < second && second < third && third < fourth) << answer;
    EXPECT_EQ(echo_.answers, 4);
}

TEST_F(HttpServerTest, SaysHowLongAnAnswerIsWithoutSendingItToHead) {
    start();
    const std::string answer = ask("HEAD /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n"));
    EXPECT_NE(answer.find("Content-Length: 12\r\n"), std::string::npos) << answer;
    EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
}

TEST_F(HttpServerTest, StreamsWhatIsTooLargeForMemory) {
    start();
    const std::string answer = ask(last_get("/stream"));
    const std::string body = answer.substr(answer.find("\r\n\r\n") + 4);
    ASSERT_EQ(body.size(), 2'999'999U);
    EXPECT_EQ(body.substr(0, 5), "bcdef");
    EXPECT_EQ(body.back(), static_cast<char>('a' + 2'999'999 % 26));
}

TEST_F(HttpServerTest, RefusesWhatItDoesNotUnderstandAndCloses) {
    start({.max_header = 4096});
    for (const auto& [request, status] : {
             std::pair<std::string, const char*>{"NONSENSE\r\n\r\n", "400"},
             {"GET /echo HTTP/9.9\r\nHost: x\r\n\r\n", "400"},
             {"GET /echo HTTP/1.1\r\nConnection: close\r\n\r\n", "400"},                        // no host
             {"GET /echo HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n", "400"},  // two
             {"GET /echo HTTP/1.1\r\nHost: a\r\nbad header\r\n\r\n", "400"},
             {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n", "400"},
             {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", "400"},
             {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "400"},
             {get("/echo", "X: " + std::string(10'000, 'x') + "\r\n"), "431"},
             {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n", "413"},
             {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" +
                  std::string(2000, 'x'),
              "413"},
             {"POST /forbidden HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\nabc", "403"},
         }) {
        const std::string answer = ask(request);
        EXPECT_TRUE(answer.starts_with(std::string("HTTP/1.1 ") + status)) << request.substr(0, 80) << "\n"
                                                                           << answer;
        EXPECT_NE(answer.find("\"responseType\":\"error\""), std::string::npos) << answer;
        EXPECT_NE(answer.find("Connection: close"), std::string::npos) << answer;
    }
    EXPECT_NE(ask(last_get("/echo")).find("GET /echo"), std::string::npos);
}

TEST_F(HttpServerTest, TellsNothingOfWhatWentWrongInside) {
    start();
    const std::string answer = ask(last_get("/throw"));
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 500 "));
    EXPECT_EQ(answer.find("secret"), std::string::npos);
}

TEST_F(HttpServerTest, GoesOnAfterARefusalThatReadEverything) {
    start();
    const std::string answer = ask(get("/forbidden") + last_get("/echo"));
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 403 "));
    EXPECT_NE(answer.find("GET /echo"), std::string::npos) << answer;
}

TEST_F(HttpServerTest, AsksForTheBodyOfWhoWaits) {
    start();
    Client asking = client();
    asking.send(
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\nConnection: "
        "close\r\n\r\n");
    EXPECT_TRUE(asking.read("\r\n\r\n").starts_with("HTTP/1.1 100 Continue"));
    asking.send("ok");
    EXPECT_NE(asking.read().find("POST /echo? ok"), std::string::npos);
}

TEST_F(HttpServerTest, DoesNotAskForABodyThatItRefuses) {
    start();
    Client asking = client();
    asking.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_TRUE(asking.read().starts_with("HTTP/1.1 413 "));
}

TEST_F(HttpServerTest, ClosesWhoIsTooSlow) {
    start({.header_within = std::chrono::seconds(1),
           .body_within = std::chrono::seconds(1),
           .idle = std::chrono::seconds(1)});
    Client idle = client();
    Client header = client();
    Client body = client();
    header.send("GET /echo HTTP/1.1\r\nHo");
    body.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc");
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_EQ(idle.read(), "");
    EXPECT_EQ(header.read(), "");
    EXPECT_EQ(body.read(), "");
    EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(7));
}

TEST_F(HttpServerTest, BelievesProxiesThatAreTrustedAlone) {
    start();
    const std::string forwarded =
        "X-Forwarded-For: 9.9.9.9, 203.0.113.5\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: "
        "Photos.Example\r\n";
    EXPECT_NE(ask(last_get("/who", forwarded)).find("127.0.0.1 here.example"), std::string::npos);
    server_.reset();
    start({.trusted_proxies = {"127.0.0.0/8"}});
    // The nearest that is no proxy of ours; what stands before it may be anybody's invention.
    EXPECT_NE(ask(last_get("/who", forwarded)).find("203.0.113.5 photos.example secure"), std::string::npos);
}

TEST_F(HttpServerTest, SaysSoWhenTooMuchWaits) {
    start({.threads = 1, .max_waiting = 2});
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 6; ++i) {
        clients.push_back(std::make_unique<Client>(server_->port()));
        clients.back()->send(last_get("/slow"));
    }
    int busy = 0;
    for (const auto& asking : clients) busy += asking->read().starts_with("HTTP/1.1 429 ") ? 1 : 0;
    EXPECT_GE(busy, 2);
    EXPECT_LE(busy, 4);
}

TEST_F(HttpServerTest, LetsNobodyWaitForWhatIsSlow) {
    start();
    Client first = client();
    Client second = client();
    first.send(last_get("/longest"));
    second.send(last_get("/longest"));  // waits for the only thread of its kind
    while (echo_.in_slow == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_NE(ask(last_get("/slow")).find("GET /slow"), std::string::npos);
    EXPECT_LT(echo_.answers, 3);  // the second is not done yet
    EXPECT_NE(second.read().find("GET /longest"), std::string::npos);
}

TEST_F(HttpServerTest, ClosesConnectionsBeyondItsLimit) {
    start({.max_connections = 2});
    Client one = client();
    Client two = client();
    one.send(get("/echo"));
    two.send(get("/echo"));
    (void)one.read("GET /echo");
    (void)two.read("GET /echo");
    EXPECT_EQ(ask(get("/echo")), "");
}

TEST_F(HttpServerTest, FinishesWhatIsInWorkWhenItEnds) {
    start();
    Client working = client();
    Client idle = client();
    working.send(get("/slow"));
    idle.send(get("/echo"));
    (void)idle.read("GET /echo");
    while (echo_.in_slow == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    server_->stop(std::chrono::seconds(5));
    EXPECT_NE(working.read().find("GET /slow"), std::string::npos);
    EXPECT_EQ(idle.read(), "");
    EXPECT_THROW(client(), std::runtime_error);
}

TEST_F(HttpServerTest, WaitsForWorkersEvenWithoutTime) {
    start();
    Client working = client();
    working.send(get("/slow"));
    while (echo_.in_slow == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    server_.reset();  // must not leave a worker with what is gone
    EXPECT_EQ(echo_.answers, 1);
}

TEST_F(HttpServerTest, SaysWhyItCannotListen) {
    start();
    HttpOptions taken;
    taken.port = server_->port();
    EXPECT_THROW(HttpServer(echo_, workers_, taken), Error);
    EXPECT_THROW(HttpServer(echo_, workers_, {.address = "nowhere"}), Error);
    EXPECT_THROW(HttpServer(echo_, workers_, {.trusted_proxies = {"300.0.0.0/8"}}), Error);
    HttpOptions tls;
    tls.certificate = "/does/not/exist.pem";
    tls.private_key = "/does/not/exist.pem";
    EXPECT_THROW(HttpServer(echo_, workers_, tls), Error);
}

}  // namespace
}  // namespace eventlens::server
