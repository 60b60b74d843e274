#include "video/byte_io.h"

#include <cstdio>
#include <span>
#include <utility>

#include "video/av.h"

namespace eventlens::av {

namespace {

// One request to the source. libav's own 32 KiB would be thousands of requests for a video in a bucket; much
// more would be read in vain whenever libav jumps.
constexpr int buffer_bytes = 256 * 1024;

}  // namespace

ByteIo::ByteIo(std::shared_ptr<const ByteSource> bytes) : bytes_(std::move(bytes)) {
    auto* buffer = static_cast<unsigned char*>(av_malloc(buffer_bytes));
    if (!buffer) check(AVERROR(ENOMEM), "read the video");
    context_ = avio_alloc_context(buffer, buffer_bytes, 0, this, &ByteIo::read, nullptr, &ByteIo::seek);
    if (!context_) {
        av_free(buffer);
        check(AVERROR(ENOMEM), "read the video");
    }
}

ByteIo::~ByteIo() {
    av_freep(&context_->buffer);  // not the one allocated above: libav replaces it while it probes
    avio_context_free(&context_);
}

void ByteIo::rethrow() {
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

int ByteIo::read(void* self, std::uint8_t* into, int wanted) noexcept {
    auto& io = *static_cast<ByteIo*>(self);
    if (io.failure_) return AVERROR_EXTERNAL;
    try {
        const std::span<std::byte> room(reinterpret_cast<std::byte*>(into), static_cast<std::size_t>(wanted));
        const std::size_t got = io.bytes_->read(io.position_, room);
        io.position_ += static_cast<std::int64_t>(got);
        return got == 0 ? AVERROR_EOF : static_cast<int>(got);
    } catch (...) {
        io.failure_ = std::current_exception();
        return AVERROR_EXTERNAL;
    }
}

std::int64_t ByteIo::seek(void* self, std::int64_t offset, int whence) noexcept {
    auto& io = *static_cast<ByteIo*>(self);
    if (io.failure_) return AVERROR_EXTERNAL;
    try {
        switch (whence & ~AVSEEK_FORCE) {
            case AVSEEK_SIZE: return io.bytes_->size();
            case SEEK_SET: break;
            case SEEK_CUR: offset += io.position_; break;
            case SEEK_END: offset += io.bytes_->size(); break;
            default: return AVERROR(EINVAL);
        }
        if (offset < 0) return AVERROR(EINVAL);
        return io.position_ = offset;
    } catch (...) {
        io.failure_ = std::current_exception();
        return AVERROR_EXTERNAL;
    }
}

}  // namespace eventlens::av
