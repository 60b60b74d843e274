#include "storage/folder_write.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <functional>
#include <utility>
#include <vector>

#include "base/uuid.h"
#include "storage/descriptor.h"
#include "storage/file.h"

namespace eventlens {

namespace {

// Receives the content of a new file, piece by piece.
using Sink = std::function<void(std::span<const std::byte>)>;

Descriptor open_folder_in(int folder, const char* name) {
    return Descriptor(::openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
}

// Puts the names in a folder on the disk. Some network file systems cannot be asked to, and say so with
// EINVAL.
void keep_names(const Descriptor& folder, const std::string& path) {
    if (::fsync(folder.number()) != 0 && errno != EINVAL) throw file_error(errno, "cannot write " + path);
}

// What `key` names, as the folder that holds it and a name in there.
struct Place {
    Descriptor folder;  // none: it does not exist
    std::string name;
    std::string path;  // for messages
};

enum class Missing { make, leave };

Place place_of(const std::string& root, const std::string& key, Missing missing) {
    const std::string path = root + key;
    Descriptor folder(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder) throw file_error(errno, "cannot open the folder " + root);
    std::size_t begin = 0;
    for (std::size_t end = key.find('/'); end != std::string::npos; end = key.find('/', begin)) {
        const std::string name = key.substr(begin, end - begin);
        const std::string so_far = root + key.substr(0, end);
        Descriptor next = open_folder_in(folder.number(), name.c_str());
        if (!next && errno == ENOENT && missing == Missing::leave) return {Descriptor(-1), {}, path};
        if (!next && errno == ENOENT) {
            // Somebody else may make it in between.
            if (::mkdirat(folder.number(), name.c_str(), 0777) != 0 && errno != EEXIST)
                throw file_error(errno, "cannot make the folder " + so_far);
            keep_names(folder, so_far);
            next = open_folder_in(folder.number(), name.c_str());
        }
        if (!next && (errno == ELOOP || errno == ENOTDIR))
            throw Error(ErrorCode::bad_input, "not below the folder " + root + ": " + key + ", because " +
                                                  so_far + " is a link or a file");
        if (!next) throw file_error(errno, "cannot open the folder " + so_far);
        folder = std::move(next);
        begin = end + 1;
    }
    return {std::move(folder), key.substr(begin), path};
}

constexpr const char* part_begins = ".eventlens-";
constexpr const char* part_ends = ".part";

// A file under a name that listings leave out, until it gets its own. Dies with this object otherwise.
class PartFile {
  public:
    explicit PartFile(const Place& place)
        : place_(place),
          name_(part_begins + uuid_text(make_uuid()) + part_ends),
          file_(
              ::openat(place.folder.number(), name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)) {
        if (!file_) throw failed();
    }
    ~PartFile() {
        if (!name_.empty()) ::unlinkat(place_.folder.number(), name_.c_str(), 0);
    }
    PartFile(const PartFile&) = delete;
    PartFile& operator=(const PartFile&) = delete;

    void append(std::span<const std::byte> bytes) {
        while (!bytes.empty()) {
            const ssize_t count = ::write(file_.number(), bytes.data(), bytes.size());
            if (count < 0 && errno == EINTR) continue;
            if (count < 0) throw failed();
            bytes = bytes.subspan(static_cast<std::size_t>(count));
        }
    }

    // The content is on the disk before the name is, so that a power cut leaves no empty file behind.
    bool put_in_place(bool only_if_absent) {
        if (::fsync(file_.number()) != 0) throw failed();
        if (!(only_if_absent ? take_free_name() : take_name())) return false;
        keep_names(place_.folder, place_.path);
        return true;
    }

  private:
    bool take_name() {
        const int folder = place_.folder.number();
        if (::renameat(folder, name_.c_str(), folder, place_.name.c_str()) != 0) throw failed();
        name_.clear();
        return true;
    }

    // Not every file system can rename so; those that cannot, such as NFS, have hard links.
    bool take_free_name() {
        const int folder = place_.folder.number();
        if (::renameat2(folder, name_.c_str(), folder, place_.name.c_str(), RENAME_NOREPLACE) == 0) {
            name_.clear();
            return true;
        }
        if ((errno == EINVAL || errno == ENOSYS) &&
            ::linkat(folder, name_.c_str(), folder, place_.name.c_str(), 0) == 0)
            return true;
        if (errno != EEXIST) throw failed();
        return false;
    }

    Error failed() const { return file_error(errno, "cannot write " + place_.path); }

    const Place& place_;
    std::string name_;  // empty: it has its own name
    Descriptor file_;
};

bool is_taken(const Place& place) {
    struct stat status {};
    if (::fstatat(place.folder.number(), place.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) return false;
        throw file_error(errno, "cannot look at " + place.path);
    }
    if (S_ISDIR(status.st_mode))
        throw Error(ErrorCode::bad_input, "cannot write " + place.path + ": it is a folder");
    return true;
}

bool put(const std::string& root, const std::string& key, const std::function<void(const Sink&)>& fill,
         bool only_if_absent) {
    const Place place = place_of(root, key, Missing::make);
    if (is_taken(place) && only_if_absent) return false;  // nothing is copied for nothing
    PartFile file(place);
    fill([&](std::span<const std::byte> bytes) { file.append(bytes); });
    return file.put_in_place(only_if_absent);
}

}  // namespace

bool write_in_folder(const std::string& root, const std::string& key, std::span<const std::byte> content,
                     bool only_if_absent) {
    return put(
        root, key, [&](const Sink& sink) { sink(content); }, only_if_absent);
}

bool copy_into_folder(const std::string& root, const std::string& key, const std::filesystem::path& file,
                      bool only_if_absent) {
    const std::shared_ptr<const ByteSource> from = open_file(file.string());
    const auto copy = [&](const Sink& sink) {
        std::vector<std::byte> piece(1 << 20);
        for (std::int64_t at = 0; at < from->size();) {
            const std::size_t count = from->read(at, piece);
            sink(std::span(piece).first(count));
            at += static_cast<std::int64_t>(count);
        }
    };
    return put(root, key, copy, only_if_absent);
}

void remove_from_folder(const std::string& root, const std::string& key) {
    const Place place = place_of(root, key, Missing::leave);
    if (!place.folder) return;
    if (::unlinkat(place.folder.number(), place.name.c_str(), 0) != 0 && errno != ENOENT)
        throw file_error(errno, "cannot remove " + place.path);
}

void remove_parts_from_folder(const std::string& root, const std::string& prefix) {
    namespace fs = std::filesystem;
    std::error_code reason;
    std::vector<std::string> keys;
    fs::recursive_directory_iterator entry(fs::path(root + prefix), reason);
    for (; !reason && entry != fs::recursive_directory_iterator(); entry.increment(reason)) {
        const std::string name = entry->path().filename().string();
        if (name.starts_with(part_begins) && name.ends_with(part_ends))
            keys.push_back(entry->path().string().substr(root.size()));
    }
    if (reason && reason != std::errc::no_such_file_or_directory)
        throw file_error(reason.value(), "cannot list " + root + prefix);
    for (const std::string& key : keys) remove_from_folder(root, key);
}

}  // namespace eventlens
