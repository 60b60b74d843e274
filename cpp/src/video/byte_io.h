#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>

#include "eventlens/byte_source.h"

struct AVIOContext;

namespace eventlens::av {

// Lets libav read a ByteSource. libav is C: what the source throws is kept here while libav unwinds with an
// error code of its own, and is thrown on by rethrow(). Must outlive the AVFormatContext that reads from it.
class ByteIo {
  public:
    explicit ByteIo(std::shared_ptr<const ByteSource> bytes);
    ~ByteIo();
    ByteIo(const ByteIo&) = delete;  // libav holds its address
    ByteIo& operator=(const ByteIo&) = delete;

    AVIOContext* context() noexcept { return context_; }

    // Throws what the source threw since the last call. To be asked after every call that may have read,
    // whatever that returned: libav takes some failures for the end of the file.
    void rethrow();

  private:
    static int read(void* self, std::uint8_t* into, int wanted) noexcept;
    static std::int64_t seek(void* self, std::int64_t offset, int whence) noexcept;

    std::shared_ptr<const ByteSource> bytes_;
    std::int64_t position_ = 0;
    std::exception_ptr failure_;
    AVIOContext* context_ = nullptr;
};

}  // namespace eventlens::av
