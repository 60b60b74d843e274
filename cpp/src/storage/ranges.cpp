#include "storage/ranges.h"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>

#include "eventlens/error.h"

namespace eventlens {

namespace {

class RangeSource : public ByteSource {
  public:
    RangeSource(std::string name, FetchRange fetch, const RangeOptions& options)
        : name_(std::move(name)), fetch_(std::move(fetch)), options_(options) {
        FetchedRange first = fetch_(0, options_.block - 1, "");
        size_ = first.total;
        etag_ = first.etag;
        require_whole(first, 0);
        blocks_[0].bytes = std::make_shared<const Bytes>(std::move(first.bytes));
    }

    std::int64_t size() const override { return size_; }

    std::size_t read(std::int64_t offset, std::span<std::byte> into) const override {
        if (offset < 0) throw Error(ErrorCode::bad_input, "cannot read before the start of " + name_);
        if (offset >= size_) return 0;
        into = into.first(static_cast<std::size_t>(
            std::min<std::uint64_t>(into.size(), static_cast<std::uint64_t>(size_ - offset))));
        std::size_t filled = 0;
        while (filled < into.size()) {
            const std::int64_t at = offset + static_cast<std::int64_t>(filled);
            const std::shared_ptr<const Bytes> bytes = block(at / options_.block);
            const auto skip = static_cast<std::size_t>(at % options_.block);
            const std::size_t count = std::min(into.size() - filled, bytes->size() - skip);
            std::memcpy(into.data() + filled, bytes->data() + skip, count);
            filled += count;
        }
        return filled;
    }

  private:
    using Bytes = std::vector<std::byte>;

    struct Block {
        std::shared_ptr<const Bytes> bytes{};  // none: somebody is fetching it
        std::int64_t used = 0;                 // greater than that of blocks used earlier
    };

    std::shared_ptr<const Bytes> block(std::int64_t index) const {
        std::unique_lock lock(mutex_);
        for (;;) {
            const auto found = blocks_.find(index);
            if (found == blocks_.end()) break;
            if (found->second.bytes) {
                found->second.used = ++clock_;
                return found->second.bytes;
            }
            arrived_.wait(lock);
        }
        blocks_[index];  // others wait for it
        lock.unlock();
        std::shared_ptr<const Bytes> bytes;
        try {
            bytes = std::make_shared<const Bytes>(fetch(index));
        } catch (...) {
            lock.lock();
            blocks_.erase(index);
            arrived_.notify_all();  // one of those who wait tries for itself
            throw;
        }
        lock.lock();
        blocks_[index] = {bytes, ++clock_};
        forget_old();
        arrived_.notify_all();
        return bytes;
    }

    std::vector<std::byte> fetch(std::int64_t index) const {
        const std::int64_t first = index * options_.block;
        FetchedRange range = fetch_(first, std::min(first + options_.block, size_) - 1, etag_);
        if (range.total != size_ || range.etag != etag_)
            throw Error(ErrorCode::bad_input, name_ + " changed while it was read");
        require_whole(range, first);
        return std::move(range.bytes);
    }

    void require_whole(const FetchedRange& range, std::int64_t first) const {
        const std::int64_t wanted = std::min(options_.block, size_ - first);
        if (static_cast<std::int64_t>(range.bytes.size()) != wanted)
            throw Error(ErrorCode::overloaded,
                        "cannot read " + name_ + ": the store sent another part of it");
    }

    // Films have what every reader comes back to in their first and last blocks.
    void forget_old() const {
        const std::int64_t last = (size_ - 1) / options_.block;
        for (;;) {
            auto oldest = blocks_.end();
            std::size_t held = 0;
            for (auto it = blocks_.begin(); it != blocks_.end(); ++it) {
                if (it->first == 0 || it->first == last || !it->second.bytes) continue;
                ++held;
                if (oldest == blocks_.end() || it->second.used < oldest->second.used) oldest = it;
            }
            if (held <= options_.kept_blocks) return;
            blocks_.erase(oldest);
        }
    }

    std::string name_;
    FetchRange fetch_;
    RangeOptions options_;
    std::int64_t size_ = 0;
    std::string etag_;
    mutable std::mutex mutex_;  // of those below
    mutable std::condition_variable arrived_;
    mutable std::map<std::int64_t, Block> blocks_;
    mutable std::int64_t clock_ = 0;
};

}  // namespace

FetchedRange fetched_range(http::Response reply, std::int64_t first, const std::string& doing) {
    std::string etag(reply.header("etag"));
    const auto range = http::parse_content_range(reply.header("content-range"));
    if (reply.status == 206 && range && range->first == first && range->total >= 0)
        return {std::move(reply.body), range->total, std::move(etag)};
    if (reply.status == 200 && first == 0) {
        const auto total = static_cast<std::int64_t>(reply.body.size());
        return {std::move(reply.body), total, std::move(etag)};
    }
    if (reply.status == 416 && first == 0) return {{}, 0, std::move(etag)};
    throw Error(ErrorCode::denied, doing + ": the server does not send parts of objects");
}

std::shared_ptr<const ByteSource> open_ranges(std::string name, FetchRange fetch,
                                              const RangeOptions& options) {
    return std::make_shared<RangeSource>(std::move(name), std::move(fetch), options);
}

}  // namespace eventlens
