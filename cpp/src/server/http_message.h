#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "eventlens/byte_source.h"

// Requests and replies as handlers see them: values, without sockets.
namespace eventlens::server {

// What answering a request takes, and so who does it: one kind never waits for another.
enum class Work {
    light,        // microseconds, and waits for nothing: the threads that read sockets do it themselves
    reading,      // the catalog and what is in memory
    recognition,  // much of a core: pictures are decoded and faces found
    storage,      // files and buckets, which may take their time or not answer at all
};

// Names are compared without case.
class Headers {
  public:
    void add(std::string name, std::string value) { all_.emplace_back(std::move(name), std::move(value)); }
    // Of several of one name, the first.
    std::optional<std::string_view> get(std::string_view name) const;
    std::size_t count(std::string_view name) const;
    const std::vector<std::pair<std::string, std::string>>& all() const { return all_; }

  private:
    std::vector<std::pair<std::string, std::string>> all_;
};

struct Request {
    std::string id;      // for logs and the header X-Request-Id
    std::string method;  // "GET"
    std::string path;    // as it was sent, without the query
    std::string query;   // as it was sent, without the '?'
    Headers headers;
    std::string body;
    std::string authority;  // the host that was asked for, with its port
    std::string host;       // the same in lower case and without the port
    std::string peer;       // address of whoever asks; behind a trusted proxy, the one that this tells
    bool secure = false;    // TLS, here or at a trusted proxy

    // What the route's "{name}" stood for, percent-decoded. Filled by the router.
    std::map<std::string, std::string, std::less<>> parameters{};

    std::string route{};  // its pattern, for logs and metrics; filled by the router

    const std::string& parameter(std::string_view name) const { return parameters.find(name)->second; }
};

// Bytes that are sent as they are read.
struct StreamedBody {
    std::shared_ptr<const ByteSource> content;
    std::int64_t offset = 0;
    std::int64_t length = 0;
};

struct Reply {
    int status = 200;
    std::string content_type = "application/json";  // empty: there is no content
    std::string body{};
    std::optional<StreamedBody> stream{};  // instead of `body`
    std::vector<std::pair<std::string, std::string>> headers{};
};

}  // namespace eventlens::server
