#include "storage/folder.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "base/c_handle.h"
#include "storage/file.h"
#include "storage/folder_write.h"

namespace eventlens {

namespace {

using Directory = CHandle<DIR, ::closedir>;
using FolderIdentity = std::pair<dev_t, ino_t>;

// "a/b" is below a folder; "", "/a", "a//b", "../a" and "a/./b" lead elsewhere or name one file twice.
void require_plain(const std::string& key) {
    std::size_t begin = 0;
    while (begin <= key.size()) {
        const std::size_t end = std::min(key.find('/', begin), key.size());
        const std::string_view part = std::string_view(key).substr(begin, end - begin);
        if (part.empty() || part == "." || part == "..")
            throw Error(ErrorCode::bad_input, "not a key: " + key);
        begin = end + 1;
    }
    if (key.find('\0') != std::string::npos)
        throw Error(ErrorCode::bad_input, "not a key: it holds a zero byte");
}

// Sorted; without hidden ones.
std::vector<std::string> names_in(const std::string& path) {
    const Directory directory(::opendir(path.c_str()));
    if (!directory) throw file_error(errno, "cannot open the folder " + path);
    std::vector<std::string> names;
    for (;;) {
        errno = 0;
        const dirent* entry = ::readdir(directory.get());
        if (!entry && errno != 0) throw file_error(errno, "cannot read the folder " + path);
        if (!entry) break;
        if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
    }
    std::ranges::sort(names);
    return names;
}

// One listing of a folder.
class Walk : public Listing {
  public:
    Walk(const std::string& root, ListOptions options) : root_(root), options_(std::move(options)) {}

    std::vector<StoredObject> next() override {
        if (!begun_) begin();
        std::vector<StoredObject> objects;
        while (objects.empty() && !entered_.empty()) {
            // Files up to the next folder, whose content comes between them and those behind it.
            Entered& folder = entered_.back();
            for (; folder.at < folder.entries.size() && folder.entries[folder.at].object; ++folder.at)
                objects.push_back(*std::move(folder.entries[folder.at].object));
            if (!objects.empty()) break;
            if (folder.at == folder.entries.size()) {
                entered_.pop_back();
                continue;
            }
            const Entry inner = std::move(folder.entries[folder.at++]);
            if (visited_.insert(inner.identity).second) enter(inner.key);
        }
        return objects;
    }

  private:
    struct Entry {
        std::string key;  // with a '/' behind a folder's, so that sorting puts its content in order
        std::optional<StoredObject> object;  // nothing: a folder
        FolderIdentity identity{};
    };

    // A folder that is being listed, or one of those above it.
    struct Entered {
        std::vector<Entry> entries;
        std::size_t at = 0;
    };

    // The folder itself gone or closed is no detail of the listing: it must not look like an empty source.
    void begin() {
        begun_ = true;
        struct stat status {};
        if (::stat(root_.c_str(), &status) != 0)
            throw file_error(errno, "cannot look at the folder " + root_);
        const Directory readable(::opendir(root_.c_str()));
        if (!readable) throw file_error(errno, "cannot open the folder " + root_);
        visited_.insert({status.st_dev, status.st_ino});
        enter("");
    }

    // `folder` is a key ending in '/', or empty for the root.
    void enter(const std::string& folder) {
        try {
            entered_.push_back({entries_of(folder)});
        } catch (const Error& error) {
            report(folder, error);
        }
    }

    std::vector<Entry> entries_of(const std::string& folder) {
        std::vector<Entry> entries;
        for (const std::string& name : names_in(root_ + folder)) {
            const std::string key = folder + name;
            struct stat status {};
            if (::stat((root_ + key).c_str(), &status) != 0) {
                if (wanted(key)) report(key, file_error(errno, "cannot look at " + root_ + key));
            } else if (S_ISDIR(status.st_mode)) {
                if (may_hold_wanted(key + '/'))
                    entries.push_back({key + '/', {}, {status.st_dev, status.st_ino}});
            } else if (S_ISREG(status.st_mode) && wanted(key)) {
                entries.push_back(
                    {key, StoredObject{key, status.st_size, nanoseconds_of(status.st_mtim), {}, false}, {}});
            }
        }
        std::ranges::sort(entries, {}, &Entry::key);
        return entries;
    }

    bool wanted(const std::string& key) const {
        return key.starts_with(options_.prefix) && (!options_.wanted || options_.wanted(key));
    }

    bool may_hold_wanted(const std::string& folder) const {
        return folder.starts_with(options_.prefix) || options_.prefix.starts_with(folder);
    }

    void report(const std::string& key, const Error& error) const {
        if (!options_.on_problem) throw error;
        options_.on_problem(key, error);
    }

    const std::string& root_;
    ListOptions options_;
    bool begun_ = false;
    std::vector<Entered> entered_;  // the innermost last
    std::set<FolderIdentity> visited_;
};

class Folder : public Store {
  public:
    Folder(std::string path, std::string uri) : root_(std::move(path)), uri_(std::move(uri)) {
        if (!root_.ends_with('/')) root_ += '/';
    }

    const std::string& uri() const override { return uri_; }
    const std::string& access() const override { return access_; }

    std::unique_ptr<Listing> listing(ListOptions options) const override {
        return std::make_unique<Walk>(root_, std::move(options));
    }

    std::vector<std::byte> read(const std::string& key, std::int64_t max_bytes) const override {
        require_plain(key);
        return read_file(root_ + key, max_bytes);
    }

    std::shared_ptr<const ByteSource> open(const std::string& key) const override {
        require_plain(key);
        return open_file(root_ + key);
    }

    bool write(const std::string& key, std::span<const std::byte> content,
               const WriteOptions& options) const override {
        require_plain(key);
        return write_in_folder(root_, key, content, options.only_if_absent);
    }

    bool write_file(const std::string& key, const std::filesystem::path& file,
                    const WriteOptions& options) const override {
        require_plain(key);
        return copy_into_folder(root_, key, file, options.only_if_absent);
    }

    void remove(const std::string& key) const override {
        require_plain(key);
        remove_from_folder(root_, key);
    }

    void remove_unfinished(const std::string& prefix) const override {
        require_plain(prefix.substr(0, prefix.find_last_not_of('/') + 1));
        remove_parts_from_folder(root_, prefix);
    }

    std::string presign_get(const std::string&, const LinkOptions&) const override {
        throw Error(ErrorCode::unsupported, "a file in a folder has no URL that others can read: " + root_);
    }

  private:
    std::string root_;  // ends with '/'
    std::string uri_;
    std::string access_;
};

}  // namespace

std::unique_ptr<const Store> open_folder(std::string path, std::string uri) {
    return std::make_unique<Folder>(std::move(path), std::move(uri));
}

}  // namespace eventlens
