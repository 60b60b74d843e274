#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "server/router.h"

namespace eventlens::server {

class Log;
class Metrics;
class Service;

// All that goes on beside requests: models and galleries are loaded, clips are cut, indexing runs run,
// webhooks are sent, what has expired is removed. And how it is.
class Operation {
  public:
    Operation(Service& service, Metrics& metrics, Log& log);
    ~Operation();  // as stop()

    void start();
    void begin_ending();  // not ready any more
    void leave_work();    // nothing new is begun; waits for nothing
    void stop();          // when threads have ended; what is unfinished goes on at the next start

    std::vector<Route> health_routes();          // /healthz, /readyz
    std::vector<Route> administration_routes();  // and /metrics

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace eventlens::server
