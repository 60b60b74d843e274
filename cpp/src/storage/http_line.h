#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "storage/http.h"

namespace eventlens::http {

// How one request went.
struct Outcome {
    enum class Kind {
        replied,  // the whole reply is here
        broken,   // it may work the next time
        refused,  // by us or for good: it never will
    };
    Kind kind = Kind::replied;
    std::string reason{};  // unless replied; without the query of the URL
    std::chrono::seconds retry_after{0};
};

// Takes a reply as it comes: its header with an empty piece, then the pieces. `head` has no body. Returning
// false ends the transfer: Outcome::Kind::refused.
using Receive = std::function<bool(const Response& head, std::span<const std::byte> piece)>;

// Sends one request at a time over connections that it keeps open. All of libcurl is behind this class.
// Thread safety: none.
class Line {
  public:
    Line();
    ~Line();
    Line(const Line&) = delete;
    Line& operator=(const Line&) = delete;

    // Fills `head`. Sets what libcurl would read from the environment explicitly.
    Outcome perform(const Request& request, const Settings& settings, Response& head, const Receive& receive);

  private:
    struct Impl;  // keeps libcurl out of this header
    std::unique_ptr<Impl> impl_;
};

}  // namespace eventlens::http
