#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "eventlens/storage.h"

namespace eventlens::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Request {
    std::string method = "GET";  // GET, HEAD, PUT, POST or DELETE
    std::string url;             // complete and percent-encoded; sent as it is
    Headers headers{};
    std::span<const std::byte> body{};  // of a PUT or POST; borrowed
    std::filesystem::path body_file{};  // not empty: the body is this file's content instead
};

struct Response {
    int status = 0;
    Headers headers{};  // names in lower case
    std::vector<std::byte> body{};

    // Empty when there is none. `name` in lower case.
    std::string_view header(std::string_view name) const;

    // The body as text.
    std::string_view text() const;
};

// Where a GET that broke off is taken up again.
struct Resume {
    std::int64_t received = 0;  // bytes of the body that are here already; 0: this is no resumption
    std::string etag{};         // of the object they came from, with its quotes: ask with If-Match
};

// "bytes=FIRST-LAST", moved behind what is here already. Without `last`: to the end.
std::string range(std::int64_t first, std::optional<std::int64_t> last, const Resume& resume);

// What "bytes FIRST-LAST/TOTAL" says, the header of a reply to a range.
struct ContentRange {
    std::int64_t first = 0;
    std::int64_t last = -1;   // inclusive; -1 in "bytes */TOTAL"
    std::int64_t total = -1;  // -1: the server does not know
};
std::optional<ContentRange> parse_content_range(std::string_view text);

enum class Next {
    done,     // the reply is the answer, for good or ill
    again,    // the store is busy or in trouble: ask again after a while
    at_once,  // what the request stands on changed (the region, the credentials, the clock): ask again now
};

// Whether the status alone says that the server is busy or in trouble for a while.
bool is_busy(int status);

// One question to a store, however many requests it takes.
struct Call {
    std::string doing;  // begins the message when all attempts failed: "cannot read s3://bucket/key"
    // Makes each attempt's request, so that each is signed anew. The resumption concerns GET alone.
    std::function<Request(const Resume& resume)> request;
    // Absent: again if is_busy().
    std::function<Next(const Response& reply)> judge{};
    std::int64_t max_body = 16 << 20;  // bytes; more is Error(bad_input). Of errors, 64 kB are kept.
};

// How servers are reached.
struct Settings {
    std::string ca_file{};      // empty: the system's certificates
    std::string http_proxy{};   // for http:// URLs; empty: none
    std::string https_proxy{};  // for https:// URLs
    std::string no_proxy{};     // hosts that are reached directly, with commas between
    int attempts = 6;
    std::chrono::milliseconds connect_within{10'000};
    std::chrono::seconds stalled_after{20};
    std::chrono::milliseconds first_wait{
        200};  // the longest wait before the second attempt; doubles with each
    std::function<void()> while_waiting{};

    // Reads proxies and AWS_CA_BUNDLE from the given environment, where the options do not say.
    static Settings from(const StorageOptions& options);
};

class Line;

// Sends requests. Keeps connections open between them, one for each request under way at once.
// Thread safety: all methods may run on many threads at once.
class Client {
  public:
    explicit Client(Settings settings);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    // Waits for the reply. Asks again, after a random while that grows or as Retry-After says, when the
    // connection broke, the transfer stalled, bytes are missing or the judge says so. A GET that broke off
    // continues where it stopped if its ETag lets it, else from the start. Returns the last reply when the
    // judge wants more than there are attempts. Redirects are replies like others.
    // Throws Error(overloaded) when no attempt got a reply, Error(denied) where none can be had, as when a
    // certificate is not trusted, and Error(bad_input) for malformed requests and bodies larger than allowed.
    // Errors name no key, token or query.
    Response send(const Call& call) const;

    // Attempts made again for a busy store or a broken connection.
    std::int64_t retries() const { return retries_; }

    // The time of the server's clock, as far as adopt_clock() was told.
    std::chrono::system_clock::time_point now() const;

    // Takes over the clock of the server that sent this reply (its Date) if it differs by more than a minute
    // from now(). True: it did. Signatures are refused when clocks disagree by a quarter of an hour.
    bool adopt_clock(const Response& reply) const;

    // How far the server's clock is ahead of this machine's, as adopted.
    std::chrono::seconds clock_offset() const;

  private:
    std::unique_ptr<Line> borrow() const;
    void give_back(std::unique_ptr<Line> line) const;

    Settings settings_;
    mutable std::mutex mutex_;
    mutable std::vector<std::unique_ptr<Line>>
        idle_;  // the one used last is behind: its connections are open
    mutable std::atomic<std::int64_t> retries_ = 0;
    mutable std::atomic<std::int64_t> clock_offset_ = 0;  // seconds
};

// "example.com:9000" of "https://example.com:9000/bucket/key?query": what errors may name.
std::string host_of(std::string_view url);

}  // namespace eventlens::http
