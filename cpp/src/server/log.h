#pragma once

#include <chrono>
#include <exception>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "server/http_message.h"

namespace eventlens::server {

// One line of JSON for each thing that happened. No key, bib, selfie, name, link or address gets into it: of
// a request it says the route's pattern, not what was asked for. Thread safe; what writes does not wait.
class Log {
  public:
    // `level`: debug, info, warning, error or off; `file` empty: standard error. Throws Error(bad_input).
    Log(const std::string& level, const std::filesystem::path& file);
    ~Log();  // when everything is written

    void answered(const Request& request, const Reply& reply, std::chrono::microseconds took);
    void failure(const Request& request, const std::exception& reason);
    void info(std::string_view what);
    void warning(std::string_view what);

    struct Impl;

  private:
    std::unique_ptr<Impl> impl_;
};

// Files are named after people: of "cannot read s3://season/photos/Kim A207.jpg: it is busy" this leaves
// "cannot read s3://season/…: it is busy".
std::string without_names(std::string_view trouble);

}  // namespace eventlens::server
