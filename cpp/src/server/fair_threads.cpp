#include "server/fair_threads.h"

#include <algorithm>

namespace eventlens::server {

FairThreads::FairThreads(int threads) : free_(static_cast<std::size_t>(std::max(1, threads))) {
    const std::size_t count = free_;
    for (std::size_t i = 0; i < count; ++i) threads_.emplace_back([this] { run(); });
}

FairThreads::~FairThreads() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    posted_.notify_all();
    for (std::thread& thread : threads_) thread.join();
}

void FairThreads::post(const std::string& share, Task task) {
    {
        const std::lock_guard lock(mutex_);
        auto at = std::ranges::find(shares_, share, &Share::name);
        if (at == shares_.end()) at = shares_.insert(shares_.end(), Share{.name = share, .waiting = {}});
        at->waiting.push_back(std::move(task));
    }
    posted_.notify_one();
}

std::size_t FairThreads::waiting(const std::string& share) const {
    const std::lock_guard lock(mutex_);
    const auto at = std::ranges::find(shares_, share, &Share::name);
    return at == shares_.end() ? 0 : at->waiting.size();
}

// Of the shares that may begin something, the one whose turn it is.
std::list<FairThreads::Share>::iterator FairThreads::next() {
    return std::ranges::find_if(
        shares_, [this](const Share& share) { return !share.waiting.empty() && share.running < free_; });
}

void FairThreads::run() {
    std::unique_lock lock(mutex_);
    while (true) {
        const auto share = next();
        if (share == shares_.end()) {
            // What waits for its turn is begun by the threads that are at work.
            if (ending_) return;
            posted_.wait(lock);
            continue;
        }
        Task task = std::move(share->waiting.front());
        share->waiting.pop_front();
        ++share->running;
        --free_;
        shares_.splice(shares_.end(), shares_, share);
        if (next() != shares_.end()) posted_.notify_one();
        lock.unlock();
        task();
        task = {};  // with what it holds
        lock.lock();
        --share->running;
        ++free_;
        if (share->running == 0 && share->waiting.empty()) shares_.erase(share);
    }
}

}  // namespace eventlens::server
