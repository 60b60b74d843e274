#include "engine/shift.h"

#include <exception>
#include <utility>

namespace eventlens {

Shift::Shift(int threads, std::chrono::milliseconds look_every, Work work, ProblemTeller tell)
    : threads_(threads),
      look_every_(look_every),
      work_(std::move(work)),
      tell_(std::move(tell)),
      crew_([this] { end(); }) {
    for (int i = 0; i < threads_; ++i) crew_.add([this] { run(); });
}

void Shift::wake() {
    {
        const std::lock_guard lock(mutex_);
        if (woken_ < threads_) ++woken_;
    }
    wake_.notify_one();
}

void Shift::end() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    wake_.notify_all();
}

void Shift::run() {
    while (!ending_) {
        bool found = false;
        try {
            found = work_(ending_);
        } catch (const std::exception& error) {
            if (tell_) tell_(error.what());
        }
        if (!found) rest();
    }
}

void Shift::rest() {
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, look_every_, [&] { return ending_ || woken_ > 0; });
    if (woken_ > 0) --woken_;
}

}  // namespace eventlens
