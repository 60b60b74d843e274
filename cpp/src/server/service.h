#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "eventlens/engine.h"
#include "server/access.h"
#include "server/album.h"
#include "server/config.h"
#include "server/links.h"
#include "server/rate_limit.h"

namespace eventlens::server {

// Who asks, as far as the route's gate made sure of it.
struct Caller {
    std::shared_ptr<const Directory> directory;
    OrganisationId organisation = 0;
    const EventInfo* event = nullptr;  // in the directory
    std::string client;                // "key 12": for limits and logs, no secret
    bool visitor = false;              // a participant with a token
};

// One request at a time for each name: two that come at once with one request_id run one search. Thread safe.
class OneAtATime {
  public:
    class Turn {
      public:
        Turn(OneAtATime& all, std::string name);
        ~Turn();
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;

      private:
        OneAtATime& all_;
        std::string name_;
        std::shared_ptr<std::mutex> mutex_;
        std::unique_lock<std::mutex> lock_;
    };

  private:
    std::mutex mutex_;
    std::map<std::string, std::shared_ptr<std::mutex>> turns_;
};

// What handlers work with; lives as long as the server.
class Service {
  public:
    // `engine` must outlive it.
    Service(Config config, Engine& engine)
        : config_(std::move(config)),
          engine_(engine),
          access_(engine.catalog()),
          albums_(engine.catalog()),
          links_(config_, workspace_secret(config_.workspace)) {}

    const Config& config() const { return config_; }
    Engine& engine() { return engine_; }
    Catalog& catalog() { return engine_.catalog(); }
    Access& access() { return access_; }
    Albums& albums() { return albums_; }
    const Links& links() const { return links_; }
    OneAtATime& searches() { return searches_; }

    // Called when there is a new clip job.
    std::function<void()> wake_clip_workers = [] {};
    std::function<void()> wake_index_queue = [] {};  // a new index run
    std::function<void()> wake_webhooks = [] {};     // something to tell

    // Called with the seconds that a selfie took to be searched for.
    std::function<void(double)> selfie_searched = [](double) {};

  private:
    const Config config_;
    Engine& engine_;
    Access access_;
    Albums albums_;
    const Links links_;
    OneAtATime searches_;
};

}  // namespace eventlens::server
