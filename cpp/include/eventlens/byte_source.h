#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace eventlens {

// Bytes of one stored object, read by ranges: a file, an object in a bucket.
// Thread safety: all methods are const and may run on many threads at once.
class ByteSource {
  public:
    virtual ~ByteSource() = default;

    virtual std::int64_t size() const = 0;

    // Fills `into` with the bytes from `offset` on, and returns how many there were: fewer than asked for
    // only at the end, none behind it. Throws Error(not_found) when the object is gone, Error(bad_input) when
    // it changed since it was opened, Error(denied) when the store refuses to give it, and Error(overloaded)
    // when the store has trouble of its own.
    virtual std::size_t read(std::int64_t offset, std::span<std::byte> into) const = 0;
};

}  // namespace eventlens
