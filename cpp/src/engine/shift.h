#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>

#include "engine/crew.h"
#include "engine/leases.h"

namespace eventlens {

// Threads that look for work, do it, and look again, until the shift ends.
class Shift {
  public:
    // Does one piece of work; false: there was none. `ending`: leave it soon. What it throws is told, and
    // counts as none.
    using Work = std::function<bool(const std::atomic<bool>& ending)>;

    // `look_every`: after there was none.
    Shift(int threads, std::chrono::milliseconds look_every, Work work, ProblemTeller tell);
    Shift(const Shift&) = delete;
    Shift& operator=(const Shift&) = delete;

    // There is work: one of them looks at once. Thread safe.
    void wake();

    // What is in work is left soon, and nothing new begun. Does not wait for it: the destructor does. Thread
    // safe.
    void end();

  private:
    void run();
    void rest();

    const int threads_;
    const std::chrono::milliseconds look_every_;
    const Work work_;
    const ProblemTeller tell_;
    std::atomic<bool> ending_{false};
    std::mutex mutex_;
    std::condition_variable wake_;
    int woken_ = 0;  // that are to look at once
    Crew crew_;      // ends first
};

}  // namespace eventlens
