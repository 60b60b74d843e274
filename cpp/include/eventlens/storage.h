#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "eventlens/byte_source.h"
#include "eventlens/error.h"

namespace eventlens {

// One thing in a source, as a listing shows it.
struct StoredObject {
    std::string key;            // names the object in its source; '/' between folders; bytes, usually UTF-8
    std::int64_t size = 0;      // bytes
    std::int64_t modified = 0;  // nanoseconds since 1970-01-01 UTC
    std::string etag;           // the store's own mark of the content; empty where it has none

    // Changes when the content does, as far as the store tells: the ETag, else size and time of modification.
    std::string fingerprint() const;
};

struct ListOptions {
    std::string prefix;                                  // only keys that begin with it
    std::function<bool(std::string_view key)> wanted{};  // unwanted keys cost nothing further; absent: all
    // Told of each folder or object that cannot be listed, a folder's key ending in '/'; the listing goes on
    // without it. Absent: the first such error ends the listing.
    std::function<void(const std::string& key, const Error& error)> on_problem{};
};

// Where media live. Read only.
// Thread safety: all methods are const and may run on many threads at once.
class Source {
  public:
    virtual ~Source() = default;

    // Names the source for good, in printable ASCII: the same place gives the same name however it was
    // written, and open_source() takes it back, except for "paths:", the name of every list of paths.
    virtual const std::string& uri() const = 0;

    // Calls `each` for every object in the byte order of keys, as they are found: memory holds one folder at
    // a time, never the whole listing. What a callback throws ends the listing and leaves it.
    virtual void list(const ListOptions& options,
                      const std::function<void(const StoredObject&)>& each) const = 0;

    // The whole content. Throws Error(not_found) when the object is gone, Error(bad_input) when it holds more
    // than `max_bytes`, may not be read or is not a key, and Error(overloaded) when the store has trouble of
    // its own.
    virtual std::vector<std::byte> read(const std::string& key, std::int64_t max_bytes) const = 0;

    // The content to be read by ranges, as videos are. Throws as read() does.
    virtual std::shared_ptr<const ByteSource> open(const std::string& key) const = 0;
};

// Opens a folder (keys are paths below it) or one file (as open_paths does), given as a path or a file://
// URL.
//
// Left out of a folder's listing: names that begin with a dot, and whatever is neither file nor folder. Links
// are followed; a folder that can be reached in several ways, loops included, is listed once, under the first
// of its keys.
//
// Throws Error(not_found) when there is nothing of that name, Error(unsupported) for s3:// and az:// URLs,
// which this build cannot open yet, and Error(bad_input) for other URLs.
std::unique_ptr<const Source> open_source(const std::string& location);

// The given files, each with its absolute path as key. Nothing is looked at before list() or read(): a path
// without a file behind it is a problem of the listing. Throws Error(bad_input) for an empty path.
std::unique_ptr<const Source> open_paths(const std::vector<std::string>& paths);

}  // namespace eventlens
