#include "storage/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "storage/descriptor.h"

namespace eventlens {

namespace {

// Opening never waits, not even for the writer of a pipe that someone named photo.jpg.
Descriptor open_to_read(const std::string& path) {
    Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file) throw file_error(errno, "cannot open " + path);
    return file;
}

// Bytes. Throws Error(bad_input) for what is no file.
std::int64_t size_of(const Descriptor& file, const std::string& path) {
    struct stat status {};
    if (::fstat(file.number(), &status) != 0) throw file_error(errno, "cannot look at " + path);
    if (!S_ISREG(status.st_mode)) throw Error(ErrorCode::bad_input, path + " is not a file");
    return status.st_size;
}

class FileBytes : public ByteSource {
  public:
    explicit FileBytes(const std::string& path)
        : path_(path), file_(open_to_read(path)), size_(size_of(file_, path)) {}

    std::int64_t size() const override { return size_; }

    std::size_t read(std::int64_t offset, std::span<std::byte> into) const override {
        if (offset < 0) throw Error(ErrorCode::bad_input, "cannot read before the start of " + path_);
        if (offset >= size_) return 0;
        into = into.first(static_cast<std::size_t>(
            std::min<std::uint64_t>(into.size(), static_cast<std::uint64_t>(size_ - offset))));
        std::size_t filled = 0;
        while (filled < into.size()) {
            const ssize_t count = ::pread(file_.number(), into.data() + filled, into.size() - filled,
                                          offset + static_cast<std::int64_t>(filled));
            if (count < 0 && errno == EINTR) continue;
            if (count < 0) throw file_error(errno, "cannot read " + path_);
            if (count == 0) throw Error(ErrorCode::bad_input, path_ + " became shorter while it was read");
            filled += static_cast<std::size_t>(count);
        }
        return filled;
    }

  private:
    std::string path_;
    Descriptor file_;
    std::int64_t size_;
};

Error too_large(const std::string& path, std::int64_t max_bytes) {
    return {ErrorCode::bad_input,
            path + " is larger than the allowed " + std::to_string(max_bytes) + " bytes"};
}

}  // namespace

Error file_error(int reason, const std::string& doing) {
    ErrorCode code = ErrorCode::overloaded;  // disk and network trouble, too many open files: may pass
    switch (reason) {
        case ENOENT:
        case ENOTDIR: code = ErrorCode::not_found; break;
        case EACCES:
        case EPERM:
        case EROFS: code = ErrorCode::denied; break;
        case EISDIR:
        case ELOOP:
        case EINVAL:
        case ENAMETOOLONG: code = ErrorCode::bad_input; break;
        default: break;
    }
    return {code, doing + ": " + std::generic_category().message(reason)};
}

std::optional<StoredObject> describe_file(const std::string& path, std::string key) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) throw file_error(errno, "cannot look at " + path);
    if (!S_ISREG(status.st_mode)) return std::nullopt;
    return StoredObject{std::move(key), status.st_size, nanoseconds_of(status.st_mtim), {}, false};
}

std::vector<std::byte> read_file(const std::string& path, std::int64_t max_bytes) {
    const Descriptor file = open_to_read(path);
    const std::int64_t size = size_of(file, path);
    if (size > max_bytes) throw too_large(path, max_bytes);

    // One byte more than the file is said to hold: the last read tells whether it grew meanwhile.
    std::vector<std::byte> bytes(static_cast<std::size_t>(size) + 1);
    std::size_t filled = 0;
    for (;;) {
        const ssize_t count = ::read(file.number(), bytes.data() + filled, bytes.size() - filled);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) throw file_error(errno, "cannot read " + path);
        if (count == 0) break;
        filled += static_cast<std::size_t>(count);
        if (static_cast<std::int64_t>(filled) > max_bytes) throw too_large(path, max_bytes);
        if (filled == bytes.size()) bytes.resize(filled * 2);
    }
    bytes.resize(filled);
    return bytes;
}

std::shared_ptr<const ByteSource> open_file(const std::string& path) {
    return std::make_shared<FileBytes>(path);
}

}  // namespace eventlens
