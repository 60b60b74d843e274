#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "storage/credentials.h"
#include "storage/http.h"
#include "storage/s3_place.h"

namespace eventlens::s3 {

// One request to a bucket, before it is signed.
struct Question {
    std::string doing{};  // "cannot read s3://bucket/key"
    std::string method = "GET";
    std::string key{};  // the whole one; empty: the bucket itself
    Query query{};
    http::Headers headers{};
    std::optional<std::int64_t> first{};  // a GET of the bytes from here
    std::optional<std::int64_t> last{};   // up to here, included; absent: to the end
    std::span<const std::byte> body{};
    std::filesystem::path body_file{};
    std::int64_t max_body = 1 << 20;                        // bytes of the reply
    std::function<bool(const http::Response&)> is_whole{};  // of a reply of 200; absent: it always is
};

// A bucket that answers questions: signs them, with new keys when the old ones expired, by the clock and in
// the region of the server.
// Thread safety: all methods may run on many threads at once.
class Bucket {
  public:
    // No credentials: requests are not signed.
    Bucket(Place place, std::unique_ptr<const Credentials> credentials, bool requester_pays,
           const StorageOptions& options);

    // The reply, whatever it says, unless nothing came.
    http::Response ask(const Question& question) const;

    // The error that a reply means which is no success.
    Error refusal(const Question& question, const http::Response& reply) const;

    // A URL with a signature. Throws Error(unsupported) without credentials.
    std::string link(const std::string& key, Query query, std::chrono::seconds lasts) const;

    const std::string& name() const { return name_; }
    bool asks_first() const { return asks_first_; }
    std::int64_t retries() const { return client_.retries(); }
    std::chrono::seconds clock_offset() const { return client_.clock_offset(); }

  private:
    // What one question has learnt from refusals.
    struct Lesson {
        Keys keys;           // that the last attempt was signed with
        Place place;         // that it went to
        std::string server;  // that a redirection named, instead of the place's; empty: none
        bool renewed = false;
        bool moved = false;
    };

    http::Request request(const Question& question, const http::Resume& resume, Lesson& lesson) const;
    http::Next judge(const Question& question, const http::Response& reply, Lesson& lesson) const;
    bool follow(const http::Response& reply, const std::string& region, Lesson& lesson) const;
    Place place() const;
    std::int64_t now() const;

    std::string name_;
    bool asks_first_;
    std::unique_ptr<const Credentials> credentials_;
    bool requester_pays_;
    http::Client client_;
    mutable std::mutex mutex_;
    mutable Place place_;  // changes when the bucket turns out to be in another region
};

}  // namespace eventlens::s3
