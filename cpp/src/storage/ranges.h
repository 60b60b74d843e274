#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "eventlens/byte_source.h"
#include "storage/http.h"

namespace eventlens {

// A part of an object as a store gave it.
struct FetchedRange {
    std::vector<std::byte> bytes;
    std::int64_t total = 0;  // bytes of the whole object
    std::string etag;        // with its quotes; empty: the store has none
};

// Gets the bytes from `first` to `last`, which is included; fewer only where the object ends. With an `etag`
// it must still be the object of that ETag (If-Match): another one is Error(bad_input).
using FetchRange =
    std::function<FetchedRange(std::int64_t first, std::int64_t last, const std::string& etag)>;

// What a reply to such a request holds: of 206, of 200 from a server that sends the whole object, and of 416
// for an empty one. `doing` begins the message of the error for other replies, and for a range that was not
// asked for.
FetchedRange fetched_range(http::Response reply, std::int64_t first, const std::string& doing);

struct RangeOptions {
    // Bytes fetched at once, at multiples of it: enough that the wait for each request counts little.
    std::int64_t block = 2 << 20;
    std::size_t kept_blocks = 16;  // in memory, those used last, beside the first and the last of the object
};

// Reads an object in blocks, so that a film is fetched once when it is read front to back, wherever its index
// is. Fetches the first block now, and with it the size. `name` is what messages call the object.
// Two threads that want one block fetch it once. What `fetch` throws leaves open_ranges() and read().
std::shared_ptr<const ByteSource> open_ranges(std::string name, FetchRange fetch,
                                              const RangeOptions& options = {});

}  // namespace eventlens
