#include "server/fair_threads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>

namespace eventlens::server {
namespace {

// Holds up whoever waits, until it is opened.
class Gate {
  public:
    void open() {
        {
            const std::lock_guard lock(mutex_);
            is_open_ = true;
        }
        changed_.notify_all();
    }
    void wait() {
        std::unique_lock lock(mutex_);
        ++inside_;
        changed_.notify_all();
        changed_.wait(lock, [this] { return is_open_; });
    }
    // Whether as many came to wait.
    bool holds(int count) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return inside_ >= count; });
    }
    int inside() {
        const std::lock_guard lock(mutex_);
        return inside_;
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool is_open_ = false;
    int inside_ = 0;
};

void post(FairThreads& threads, const std::string& share, int count, const std::function<void()>& work) {
    for (int i = 0; i < count; ++i) threads.post(share, FairThreads::Task(work));
}

TEST(FairThreads, LeaveSomeForOthersHoweverMuchOneShareWants) {
    Gate of_a, of_b, of_c;
    FairThreads threads(8);
    post(threads, "a", 100, [&] { of_a.wait(); });
    ASSERT_TRUE(of_a.holds(4));
    EXPECT_EQ(threads.waiting("a"), 96U);
    post(threads, "b", 100, [&] { of_b.wait(); });
    ASSERT_TRUE(of_b.holds(2));
    post(threads, "c", 100, [&] { of_c.wait(); });
    ASSERT_TRUE(of_c.holds(1));
    Gate of_d;
    post(threads, "d", 1, [&] { of_d.wait(); });
    EXPECT_TRUE(of_d.holds(1));
    EXPECT_EQ(of_a.inside() + of_b.inside() + of_c.inside(), 4 + 2 + 1);
    for (Gate* gate : {&of_a, &of_b, &of_c, &of_d}) gate->open();
}

TEST(FairThreads, DoAllThatWasPostedBeforeTheyEnd) {
    std::atomic<int> done = 0;
    {
        FairThreads threads(3);
        for (int i = 0; i < 2000; ++i)
            threads.post(std::to_string(i % 7), FairThreads::Task([&done] { ++done; }));
    }
    EXPECT_EQ(done, 2000);
}

TEST(FairThreads, TakeTurnsAmongShares) {
    Gate gate;
    std::mutex mutex;
    std::string order;
    {
        FairThreads threads(1);
        post(threads, "first", 1, [&] { gate.wait(); });
        ASSERT_TRUE(gate.holds(1));
        for (const char* const share : {"a", "b", "c"}) {
            post(threads, share, 3, [&, share] {
                const std::lock_guard lock(mutex);
                order += share;
            });
        }
        gate.open();
    }
    EXPECT_EQ(order, "abcabcabc");
}

}  // namespace
}  // namespace eventlens::server
