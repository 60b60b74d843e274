#include "engine/leases.h"

#include <exception>
#include <utility>
#include <vector>

namespace eventlens {

LeaseKeeper::LeaseKeeper(std::chrono::milliseconds lease, std::function<bool(const Claim&)> renew,
                         ProblemTeller tell)
    : every_(lease / 3), renew_(std::move(renew)), tell_(std::move(tell)), thread_([this] { run(); }) {}

LeaseKeeper::~LeaseKeeper() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    wake_.notify_all();
    thread_.join();
}

std::shared_ptr<const LeaseKeeper::Held> LeaseKeeper::hold(const Claim& claim) {
    auto held = std::make_shared<Held>();
    held->claim = claim;
    const std::lock_guard lock(mutex_);
    held_.push_back(held);
    return held;
}

void LeaseKeeper::run() {
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, every_, [&] { return ending_; })) {
        lock.unlock();
        renew_all();
        lock.lock();
    }
}

void LeaseKeeper::renew_all() {
    std::vector<std::shared_ptr<Held>> all;
    {
        const std::lock_guard lock(mutex_);
        held_.remove_if([](const auto& held) { return held.expired(); });
        for (const auto& held : held_) {
            if (auto alive = held.lock()) all.push_back(std::move(alive));
        }
    }
    for (const auto& held : all) {
        try {
            if (!renew_(held->claim)) held->lost = true;
        } catch (const std::exception& error) {
            // The lease has two more thirds to run; once it ends, whoever takes the work on has it.
            if (tell_) tell_(std::string("a lease was not renewed: ") + error.what());
        }
    }
}

}  // namespace eventlens
