#pragma once

#include <functional>
#include <thread>
#include <utility>
#include <vector>

namespace eventlens {

// Threads that end with the scope: the queues are closed first, so nobody waits for anybody.
class Crew {
  public:
    explicit Crew(std::function<void()> close_queues) : close_queues_(std::move(close_queues)) {}
    ~Crew() {
        close_queues_();
        for (std::thread& thread : threads_) thread.join();
    }
    Crew(const Crew&) = delete;
    Crew& operator=(const Crew&) = delete;

    template <typename Work>
    void add(Work work) {
        threads_.emplace_back(std::move(work));
    }

  private:
    std::function<void()> close_queues_;
    std::vector<std::thread> threads_;
};

}  // namespace eventlens
