#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/base64.h"
#include "base/bounded_queue.h"
#include "base/hmac.h"
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

TEST(Hmac, AgreesWithThePublishedVectors) {  // RFC 4231
    const auto code = [](std::string_view key, std::string_view message) {
        return base64_text(hmac_sha256(std::as_bytes(std::span(key)), message));
    };
    EXPECT_EQ(code(std::string(20, '\x0b'), "Hi There"), "sDRMYdjbOFNcqK/OrwvxK4gdwgDJgz2nJuk3bC4yz/c=");
    EXPECT_EQ(code("Jefe", "what do ya want for nothing?"), "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=");
    EXPECT_EQ(code("", ""), "thNnmggU2ex3L5XXeMNfxf8Wl8STcVZTxscSFEKSxa0=");  // as Python computes it
}

TEST(Base64, AgreesWithThePublishedVectors) {  // RFC 4648
    const std::pair<std::string_view, std::string_view> pairs[] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xfb\xff\xfe", "+//+"},
    };
    for (const auto& [bytes, text] : pairs) {
        EXPECT_EQ(base64_text(std::as_bytes(std::span(bytes))), text);
        const auto read = parse_base64(text);
        ASSERT_TRUE(read) << text;
        EXPECT_TRUE(std::ranges::equal(*read, std::as_bytes(std::span(bytes)))) << text;
    }
    for (const char* wrong :
         {"Zg", "Zg=", "Zg===", "Zh==", "Z", "====", "Zm9v\n", "Zm9v Zm9v", "-__-", "Zg==Zg=="})
        EXPECT_FALSE(parse_base64(wrong)) << wrong;
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
