#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <future>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace eventlens::server {

// Threads that many shares of work have in common, of which none may keep the others waiting for long: a
// share begins something only while more threads are free than it has. If nothing of it ever ends, it has
// half of the threads at last, a second such share a quarter, and so on: others always find one. The shares
// that wait take turns.
//
// The rule is that of "dynamic thresholds" for the buffers of network switches: Choudhury and Hahne, "Dynamic
// queue length thresholds for shared-memory packet switches", IEEE/ACM Transactions on Networking 6(2), 1998.
class FairThreads {
  public:
    using Task = std::packaged_task<void()>;

    explicit FairThreads(int threads);  // 1..
    ~FairThreads();                     // when all that was posted is done
    FairThreads(const FairThreads&) = delete;
    FairThreads& operator=(const FairThreads&) = delete;

    // Thread safe.
    void post(const std::string& share, Task task);

    // Of the share, what waits for a thread. Thread safe.
    std::size_t waiting(const std::string& share) const;

  private:
    struct Share {
        std::string name;
        std::deque<Task> waiting;
        std::size_t running = 0;
    };

    void run();
    std::list<Share>::iterator next();

    mutable std::mutex mutex_;
    std::condition_variable posted_;
    std::list<Share> shares_;  // with something waiting or running; whose turn it is comes first
    std::size_t free_;
    bool ending_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace eventlens::server
