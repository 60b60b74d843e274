#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "server/http_message.h"

namespace eventlens::server {

// What Prometheus asks for. Labels are routes and statuses, never what was asked for. Thread safe.
class Metrics {
  public:
    Metrics();
    ~Metrics();

    void answered(const Request& request, const Reply& reply, std::chrono::microseconds took);

    // Makes a counter, which is told from 0 on. What it returns adds to it, as long as the metrics live.
    std::function<void(double)> counter(const std::string& name, const std::string& help);

    // After a run of a recognition network.
    void model_ran(const std::string& model, double seconds);

    // A value that is looked up whenever somebody asks for the metrics.
    void watch(const std::string& name, const std::string& help, std::function<double()> value);

    // In Prometheus' text format.
    std::string text();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace eventlens::server
