#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "eventlens/catalog.h"

namespace eventlens {

// Told what went wrong where nobody waits for an answer, on the thread that it happened on. May be absent.
using ProblemTeller = std::function<void(const std::string&)>;

// Renews the leases of work in hand, on a thread of its own, so that work that takes long is not taken for
// abandoned. Thread safe.
class LeaseKeeper {
  public:
    // `renew` says whether the claim still holds. It is asked three times within a lease.
    LeaseKeeper(std::chrono::milliseconds lease, std::function<bool(const Claim&)> renew, ProblemTeller tell);
    ~LeaseKeeper();
    LeaseKeeper(const LeaseKeeper&) = delete;
    LeaseKeeper& operator=(const LeaseKeeper&) = delete;

    struct Held {
        Claim claim;
        std::atomic<bool> lost{false};  // somebody else has it, or will soon
    };

    // Renewed until it goes.
    std::shared_ptr<const Held> hold(const Claim& claim);

  private:
    void run();
    void renew_all();

    const std::chrono::milliseconds every_;
    const std::function<bool(const Claim&)> renew_;
    const ProblemTeller tell_;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool ending_ = false;
    std::list<std::weak_ptr<Held>> held_;
    std::thread thread_;
};

}  // namespace eventlens
