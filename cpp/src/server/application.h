#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "server/http_server.h"
#include "server/rate_limit.h"
#include "server/router.h"
#include "server/service.h"

namespace eventlens::server {

class Log;
class Metrics;

// From the header of a request to its answer: who asks, whether they may, which handler answers.
class ContractApplication : public Application {
  public:
    // `hosts`: the names that it may be asked by, in small letters; none: any.
    ContractApplication(Service& service, Metrics& metrics, Log& log, std::vector<Route> routes,
                        std::vector<std::string> hosts = {});

    Admission admit(Request& request) override;
    Reply refuse(const Request& request, const std::exception& reason) override;
    void complete(const Request& request, Reply& reply) override;
    void answered(const Request& request, const Reply& reply, std::chrono::microseconds took) override;

  private:
    Caller let_in(const Route& route, const Request& request);
    Caller let_in_with_key(const Route& route, const Request& request);
    Caller let_in_with_token(const Route& route, const Request& request, std::string_view token);
    void require_administrator(const Request& request) const;
    void allow_origin(const Request& request, Reply& reply);
    void limit(const Route& route, const Request& request, const Caller& caller);

    Service& service_;
    Metrics& metrics_;
    Log& log_;
    Router router_;
    const std::vector<std::string> hosts_;
    RateLimit requests_;
    RateLimit searches_;
    RateLimit visitor_requests_;
    RateLimit visitor_searches_;
    const std::string id_prefix_;  // of request ids, this process's own
    std::atomic<std::uint64_t> last_id_{0};
};

}  // namespace eventlens::server
