#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
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
    bool etag_is_content = false;  // equal ETags in this source mean equal contents, whatever the key

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

// The objects of a source, some at a time, in the byte order of keys. For one thread, and for no longer than
// the source is there.
class Listing {
  public:
    virtual ~Listing() = default;

    // The next ones, of one folder or page at most: memory never holds the whole listing. None: that was all.
    // What it throws ends the listing.
    virtual std::vector<StoredObject> next() = 0;
};

// Where media live. Read only.
// Thread safety: all methods are const and may run on many threads at once.
class Source {
  public:
    virtual ~Source() = default;

    // Names the source for good, in printable ASCII: the same place gives the same name however it was
    // written, and open_source() takes it back, except for "paths:", the name of every list of paths. Holds
    // no secret.
    virtual const std::string& uri() const = 0;

    // How the place was reached, as the query of a URL ("profile=lakeside&region=eu-central-1"); no secret,
    // but what open_source() needs beside the name to reach it again. Empty: nothing.
    virtual const std::string& access() const = 0;

    // How many reads at once the place bears well: 1 for a disk, more where each waits for a network.
    virtual int parallel_reads() const { return 1; }

    // Requests that had to be made again so far, for a busy store or a connection that broke.
    virtual std::int64_t retries() const { return 0; }

    // How far the store's clock is ahead of this machine's, once it refused requests for that. They are dated
    // by its clock from then on.
    virtual std::chrono::seconds clock_offset() const { return std::chrono::seconds(0); }

    // Nothing is looked at before the first next().
    virtual std::unique_ptr<Listing> listing(ListOptions options) const = 0;

    // Calls `each` for every object of a listing, as they are found. What a callback throws ends the listing
    // and leaves it.
    void list(const ListOptions& options, const std::function<void(const StoredObject&)>& each) const;

    // The whole content. Throws Error(not_found) when the object is gone, Error(denied) when the place
    // refuses to give it, Error(overloaded) when the place has trouble of its own, and Error(bad_input) when
    // the object holds more than `max_bytes`, is no file, or `key` is not a key: the last alone tells
    // something of the object itself.
    virtual std::vector<std::byte> read(const std::string& key, std::int64_t max_bytes) const = 0;

    // The content to be read by ranges, as videos are. Throws as read() does.
    virtual std::shared_ptr<const ByteSource> open(const std::string& key) const = 0;
};

struct WriteOptions {
    std::string content_type = "application/octet-stream";
    std::string cache_control{};  // empty: none
    bool only_if_absent = false;  // an object that is there already is left alone
};

// A link that reads one object without credentials, for as long as it lasts.
struct LinkOptions {
    std::chrono::seconds lasts{3600};  // at most seven days
    std::string download_name{};       // the file name a browser saves under; empty: it shows the content
};

// A source that can be written to: renditions and clips go there.
class Store : public Source {
  public:
    // Puts an object whole, or not at all: nobody reads half of it. False: WriteOptions::only_if_absent, and
    // there is one. Throws Error(denied) where writing is not allowed and Error(overloaded) as read().
    virtual bool write(const std::string& key, std::span<const std::byte> content,
                       const WriteOptions& options = {}) const = 0;

    // The same with the content of a file, which is not held in memory.
    virtual bool write_file(const std::string& key, const std::filesystem::path& file,
                            const WriteOptions& options = {}) const = 0;

    // An object that is not there is no error.
    virtual void remove(const std::string& key) const = 0;

    // Removes what writes that were killed left half done below a prefix that ends in '/'. Buckets keep
    // nothing of that kind.
    virtual void remove_unfinished(const std::string& prefix) const { (void)prefix; }

    // An absolute URL that serves the object by GET. Makes no request. Throws Error(unsupported) for a folder
    // and where the credentials cannot sign links.
    virtual std::string presign_get(const std::string& key, const LinkOptions& options = {}) const = 0;
};

// How buckets are reached. Keys given here come before those of the environment and of profiles.
struct StorageOptions {
    std::string access_key{};  // S3
    std::string secret_key{};
    std::string session_token{};
    std::string azure_key{};  // of the storage account, base64
    std::string azure_sas{};  // a shared access signature: "sv=...&sig=..."

    // Variables of the process: AWS_ACCESS_KEY_ID, AWS_PROFILE, AWS_ENDPOINT_URL, HOME, HTTPS_PROXY,
    // AZURE_STORAGE_CONNECTION_STRING ... The core itself reads none.
    std::map<std::string, std::string> environment{};

    std::string ca_file{};  // certificates to trust, PEM; empty: AWS_CA_BUNDLE, else the system's
    std::string proxy{};    // empty: HTTPS_PROXY, HTTP_PROXY and NO_PROXY of the environment

    int attempts = 6;  // for each request, the first included
    std::chrono::seconds connect_within{10};
    // Slower than 1 kB/s for so long: the transfer is begun again where it stopped.
    std::chrono::seconds stalled_after{20};
    int parallel_reads = 8;

    // Called about once a second by whichever thread waits for the network, on that thread. What it throws
    // ends the request and leaves the method.
    std::function<void()> while_waiting{};
};

// Opens what `location` names:
// - a folder (keys are paths below it) or one file (as open_paths does), as a path or a file:// URL. Left out
//   of a folder's listing: names that begin with a dot, and whatever is neither file nor folder. Links are
//   followed; a folder that can be reached in several ways, loops included, is listed once, under the first
//   of its keys;
// - s3://BUCKET/PREFIX/?endpoint=URL&region=NAME&profile=NAME&addressing=path|virtual|auto&
//   anonymous=1&requester_pays=1, all parameters optional;
// - az://ACCOUNT/CONTAINER/PREFIX/?endpoint=URL&anonymous=1.
// Keys in a bucket are what follows the prefix, which ends at a '/'. Left out of its listing: keys that end
// in '/', and those whose last part begins with a dot.
//
// Nothing is asked of a bucket before the first call. Throws Error(not_found) when there is no such file or
// folder, and Error(bad_input) for other URLs, unknown parameters, and missing or malformed credentials.
std::unique_ptr<const Source> open_source(const std::string& location, const StorageOptions& options = {});

// Whether open_source() would reach for a bucket: s3://..., az://...
bool names_bucket(const std::string& location);

// What open_source() takes to reach again the source of this uri() and access().
std::string location_of(const std::string& uri, const std::string& access);

// The same, to be written to: a folder, created if missing, or a bucket.
std::unique_ptr<const Store> open_store(const std::string& location, const StorageOptions& options = {});

// The given files, each with its absolute path as key. Nothing is looked at before list() or read(): a path
// without a file behind it is a problem of the listing. Throws Error(bad_input) for an empty path.
std::unique_ptr<const Source> open_paths(const std::vector<std::string>& paths);

}  // namespace eventlens
