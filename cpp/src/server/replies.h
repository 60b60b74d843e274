#pragma once

#include <exception>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "server/http_message.h"

// The contract's envelope: responseType, message and data, in every answer.
namespace eventlens::server {

// Ends a request with an error of the contract. Everything else that leaves a handler is an Error or a bug.
class Refusal : public std::exception {
  public:
    Refusal(int status, std::string message) : status_(status), message_(std::move(message)) {}

    int status() const noexcept { return status_; }
    const char* what() const noexcept override { return message_.c_str(); }

    // Headers that go with it: Allow, Retry-After.
    std::vector<std::pair<std::string, std::string>> headers{};

  private:
    int status_;
    std::string message_;
};

Reply success(std::string_view message, const nlohmann::json& data);
Reply failure(int status, std::string_view message);

enum class Told {
    refusals,  // clients: what they can mend. All else is our affair, and may name folders and buckets
    errors,    // the administrator: what the engine says of a setting, a folder or a bucket, too
};

// The one place where an exception becomes an answer. What went wrong inside is not told: it is in the log.
Reply reply_for(const std::exception& error, Told told);

}  // namespace eventlens::server
