#include "server/service.h"

namespace eventlens::server {

OneAtATime::Turn::Turn(OneAtATime& all, std::string name) : all_(all), name_(std::move(name)) {
    {
        const std::lock_guard lock(all_.mutex_);
        auto& turn = all_.turns_[name_];
        if (!turn) turn = std::make_shared<std::mutex>();
        mutex_ = turn;
    }
    lock_ = std::unique_lock(*mutex_);
}

OneAtATime::Turn::~Turn() {
    const std::lock_guard lock(all_.mutex_);
    lock_.unlock();
    const auto turn = all_.turns_.find(name_);
    mutex_.reset();
    if (turn->second.use_count() == 1) all_.turns_.erase(turn);  // nobody waits
}

}  // namespace eventlens::server
