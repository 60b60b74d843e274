#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <set>
#include <string_view>
#include <thread>
#include <vector>

#include "base/bounded_queue.h"
#include "base/sha256.h"
#include "eventlens/error.h"

namespace eventlens {
namespace {

TEST(Sha256, AgreesWithThePublishedVectors) {  // FIPS 180-2, appendix B
    const auto hash = [](std::string_view text) { return sha256_hex(std::as_bytes(std::span(text))); };
    EXPECT_EQ(hash(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, OfAFileIsThatOfItsBytes) {
    const auto path = std::filesystem::temp_directory_path() / "eventlens_sha256_test.bin";
    const std::string content(3'000'000, 'x');  // several blocks
    std::ofstream(path, std::ios::binary) << content;
    EXPECT_EQ(sha256_hex_of_file(path), sha256_hex(std::as_bytes(std::span(content))));
    std::filesystem::remove(path);
    EXPECT_THROW(sha256_hex_of_file(path), Error);
}

TEST(BoundedQueue, HandsOverEveryItemOnce) {
    BoundedQueue<int> queue(3);
    constexpr int count = 2'000;
    std::mutex mutex;
    std::multiset<int> seen;
    std::vector<std::thread> consumers;
    for (int i = 0; i < 3; ++i) {
        consumers.emplace_back([&] {
            while (const auto item = queue.pop()) {
                const std::lock_guard lock(mutex);
                seen.insert(*item);
            }
        });
    }
    for (int i = 0; i < count; ++i) EXPECT_TRUE(queue.push(i));
    queue.close();
    for (std::thread& consumer : consumers) consumer.join();
    EXPECT_EQ(seen.size(), std::size_t{count});
    EXPECT_EQ(std::set<int>(seen.begin(), seen.end()).size(), std::size_t{count});
}

TEST(BoundedQueue, ClosingReleasesAWaitingProducer) {
    BoundedQueue<int> queue(1);
    ASSERT_TRUE(queue.push(1));
    std::atomic<bool> pushed{true};
    std::thread producer([&] { pushed = queue.push(2); });
    queue.close();
    producer.join();
    // Either it was still waiting (refused) or it had not come yet (refused as well): a closed queue takes
    // nothing.
    EXPECT_FALSE(pushed);
    EXPECT_EQ(queue.pop(), 1);
    EXPECT_EQ(queue.pop(), std::nullopt);
}

}  // namespace
}  // namespace eventlens
