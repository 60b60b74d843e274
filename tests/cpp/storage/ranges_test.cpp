#include "storage/ranges.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <numeric>
#include <thread>

#include "eventlens/error.h"

namespace eventlens {
namespace {

constexpr std::int64_t block = 100;

// An object in memory that counts what is asked of it.
class Fake {
  public:
    explicit Fake(std::size_t size) : content_(size) {
        for (std::size_t i = 0; i < size; ++i) content_[i] = static_cast<std::byte>(i * 7 % 251);
    }

    FetchRange fetch() {
        return [this](std::int64_t first, std::int64_t last, const std::string& etag) -> FetchedRange {
            if (failures > 0 && first > 0) {
                --failures;
                throw Error(ErrorCode::overloaded, "busy");
            }
            const std::lock_guard lock(mutex_);
            asked_etag = etag;
            const auto begin = std::min(static_cast<std::size_t>(first), content_.size());
            const auto end = std::min(static_cast<std::size_t>(last) + 1, content_.size());
            ++fetches;
            bytes += end - begin;
            return {{content_.begin() + static_cast<std::ptrdiff_t>(begin),
                     content_.begin() + static_cast<std::ptrdiff_t>(end)},
                    static_cast<std::int64_t>(content_.size()),
                    etag_now};
        };
    }

    std::vector<std::byte> part(std::size_t offset, std::size_t length) const {
        offset = std::min(offset, content_.size());
        length = std::min(length, content_.size() - offset);
        return {content_.begin() + static_cast<std::ptrdiff_t>(offset),
                content_.begin() + static_cast<std::ptrdiff_t>(offset + length)};
    }

    int fetches = 0;
    std::size_t bytes = 0;
    std::string asked_etag;
    std::string etag_now = "\"one\"";
    std::atomic<int> failures = 0;

  private:
    std::mutex mutex_;
    std::vector<std::byte> content_;
};

std::vector<std::byte> read(const ByteSource& source, std::int64_t offset, std::size_t length) {
    std::vector<std::byte> bytes(length);
    bytes.resize(source.read(offset, bytes));
    return bytes;
}

TEST(Ranges, ReadsAnyPartOfAnySize) {
    for (const std::size_t size : {0, 1, 99, 100, 101, 200, 555}) {
        Fake object(size);
        const auto source = open_ranges("film", object.fetch(), {.block = block, .kept_blocks = 2});
        EXPECT_EQ(source->size(), static_cast<std::int64_t>(size));
        for (std::size_t offset = 0; offset < size + 50; offset += 33)
            for (const std::size_t length : {0, 1, 50, 100, 250, 1000})
                EXPECT_EQ(read(*source, static_cast<std::int64_t>(offset), length),
                          object.part(offset, length))
                    << size << " " << offset << " " << length;
        EXPECT_THROW(read(*source, -1, 1), Error);
    }
}

// As libav reads a film whose index is at its end.
TEST(Ranges, FetchesEachByteOnceWhenTheIndexIsAtTheEnd) {
    Fake object(5050);
    const auto source = open_ranges("film", object.fetch(), {.block = block, .kept_blocks = 2});
    EXPECT_EQ(object.fetches, 1);
    read(*source, 0, 32);
    read(*source, 5000, 50);
    for (int at = 0; at < 5000; at += 10) {
        read(*source, at, 10);
        if (at % 500 == 0) read(*source, 5000, 50);
    }
    EXPECT_EQ(object.bytes, 5050u);
    EXPECT_EQ(object.asked_etag, "\"one\"");
}

TEST(Ranges, KeepsFewBlocks) {
    Fake object(1000);
    const auto source = open_ranges("film", object.fetch(), {.block = block, .kept_blocks = 2});
    for (const int index : {1, 2, 1, 3}) read(*source, index * block, 1);
    EXPECT_EQ(object.fetches, 4);
    read(*source, 1 * block, 1);  // used after 2, so 2 made room for 3
    EXPECT_EQ(object.fetches, 4);
    read(*source, 2 * block, 1);
    EXPECT_EQ(object.fetches, 5);
}

TEST(Ranges, RefusesAnObjectThatChanged) {
    Fake object(1000);
    const auto source = open_ranges("film", object.fetch(), {.block = block});
    object.etag_now = "\"two\"";
    try {
        read(*source, 500, 1);
        FAIL() << "a part of another object was accepted";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::bad_input);
        EXPECT_STREQ(error.what(), "film changed while it was read");
    }
    EXPECT_EQ(read(*source, 5, 1), object.part(5, 1));  // what is here is of one object
}

TEST(Ranges, TriesAgainAfterAFailure) {
    Fake object(1000);
    const auto source = open_ranges("film", object.fetch(), {.block = block});
    object.failures = 1;
    EXPECT_THROW(read(*source, 500, 1), Error);
    EXPECT_EQ(read(*source, 500, 7), object.part(500, 7));
}

TEST(Ranges, ManyThreadsFetchABlockOnce) {
    Fake object(10'000);
    const auto source = open_ranges("film", object.fetch(), {.block = block, .kept_blocks = 200});
    object.failures = 3;
    std::atomic<int> wrong = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int at = 0; at < 10'000; at += 70) {
                for (bool read_it = false; !read_it;) {
                    try {
                        wrong += read(*source, at, 70) != object.part(static_cast<std::size_t>(at), 70);
                        read_it = true;
                    } catch (const Error&) {
                        continue;
                    }
                }
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(object.bytes, 10'000u);
}

TEST(Ranges, UnderstandsReplies) {
    const std::vector<std::byte> body(3);
    const auto reply = [&](int status, const char* range) {
        return http::Response{status, {{"etag", "\"e\""}, {"content-range", range}}, body};
    };
    const FetchedRange part = fetched_range(reply(206, "bytes 5-7/20"), 5, "cannot read film");
    EXPECT_EQ(part.total, 20);
    EXPECT_EQ(part.bytes.size(), 3u);
    EXPECT_EQ(part.etag, "\"e\"");
    EXPECT_EQ(fetched_range(reply(200, ""), 0, "x").total, 3);
    EXPECT_EQ(fetched_range(reply(416, "bytes */0"), 0, "x").total, 0);
    EXPECT_THROW(fetched_range(reply(206, "bytes 6-8/20"), 5, "x"), Error);
    EXPECT_THROW(fetched_range(reply(206, "bytes 5-7/*"), 5, "x"), Error);
    EXPECT_THROW(fetched_range(reply(200, ""), 5, "x"), Error);
}

}  // namespace
}  // namespace eventlens
