#include "eventlens/storage.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "storage/azure.h"
#include "storage/file.h"
#include "storage/folder.h"
#include "storage/s3.h"
#include "storage/url.h"

namespace eventlens {

namespace {

namespace fs = std::filesystem;

// Of paths, one at a time.
class PathListing : public Listing {
  public:
    PathListing(const std::vector<std::string>& paths, ListOptions options)
        : paths_(paths), options_(std::move(options)) {}

    std::vector<StoredObject> next() override {
        while (at_ < paths_.size()) {
            const std::string& path = paths_[at_++];
            if (!path.starts_with(options_.prefix) || (options_.wanted && !options_.wanted(path))) continue;
            try {
                if (auto object = describe_file(path, path)) return {*std::move(object)};
                throw Error(ErrorCode::bad_input, path + " is not a file");
            } catch (const Error& error) {
                if (!options_.on_problem) throw;
                options_.on_problem(path, error);
            }
        }
        return {};
    }

  private:
    const std::vector<std::string>& paths_;
    ListOptions options_;
    std::size_t at_ = 0;
};

class PathList : public Source {
  public:
    explicit PathList(std::vector<std::string> paths) : paths_(std::move(paths)) {}

    const std::string& uri() const override { return uri_; }
    const std::string& access() const override { return access_; }

    std::unique_ptr<Listing> listing(ListOptions options) const override {
        return std::make_unique<PathListing>(paths_, std::move(options));
    }

    std::vector<std::byte> read(const std::string& key, std::int64_t max_bytes) const override {
        require_listed(key);
        return read_file(key, max_bytes);
    }

    std::shared_ptr<const ByteSource> open(const std::string& key) const override {
        require_listed(key);
        return open_file(key);
    }

  private:
    void require_listed(const std::string& key) const {
        if (!std::ranges::binary_search(paths_, key))
            throw Error(ErrorCode::not_found, "not in the list: " + key);
    }

    std::vector<std::string> paths_;  // sorted, no path twice
    std::string uri_ = "paths:";
    std::string access_;
};

// Any bytes make a printable name.
std::string file_url(const std::string& path) {
    return "file://" + percent_encoded(path, "/");
}

std::string path_of_file_url(std::string_view url) {
    std::string_view rest = url.substr(std::string_view("file://").size());
    if (rest.starts_with("localhost/")) rest.remove_prefix(std::string_view("localhost").size());
    if (!rest.starts_with('/')) throw Error(ErrorCode::bad_input, "not a file URL: " + std::string(url));
    return percent_decoded(rest);
}

// "s3" of "s3://bucket"; empty when there is none.
std::string_view scheme_of(std::string_view location) {
    const std::size_t end = location.find("://");
    if (end == std::string_view::npos || location.substr(0, end).find('/') != std::string_view::npos)
        return {};
    return location.substr(0, end);
}

// Nothing: `location` is no bucket.
std::unique_ptr<const Store> open_bucket(const std::string& location, const StorageOptions& options) {
    const std::string_view scheme = scheme_of(location);
    if (scheme == "az") return open_azure(parse_location(location), options);
    if (scheme == "s3") return open_s3(parse_location(location), options);
    if (!scheme.empty() && scheme != "file") {  // the rest may hold a password
        throw Error(ErrorCode::bad_input, "cannot open " + std::string(scheme) +
                                              "://...: no source is called " + std::string(scheme));
    }
    return nullptr;
}

// Of a path as it is or as a file URL.
std::string path_of(const std::string& location) {
    if (location.empty()) throw Error(ErrorCode::bad_input, "the source has no name");
    return scheme_of(location).empty() ? location : path_of_file_url(location);
}

// Absolute and without links: one place has one name.
fs::path real_path_of(const std::string& path) {
    std::error_code reason;
    fs::path real = fs::canonical(path, reason);
    if (reason) throw file_error(reason.value(), "cannot open " + path);
    return real;
}

}  // namespace

std::string StoredObject::fingerprint() const {
    if (!etag.empty()) return "etag:" + etag;
    return "size:" + std::to_string(size) + ",modified:" + std::to_string(modified);
}

void Source::list(const ListOptions& options, const std::function<void(const StoredObject&)>& each) const {
    const std::unique_ptr<Listing> found = listing(options);
    for (std::vector<StoredObject> some = found->next(); !some.empty(); some = found->next()) {
        for (const StoredObject& object : some) each(object);
    }
}

std::unique_ptr<const Source> open_source(const std::string& location, const StorageOptions& options) {
    if (auto bucket = open_bucket(location, options)) return bucket;
    const std::string path = path_of(location);
    const fs::path real = real_path_of(path);
    std::error_code reason;
    if (!fs::is_directory(real, reason)) return open_paths({path});
    return open_folder(real.string(), file_url(real.string()));
}

std::unique_ptr<const Store> open_store(const std::string& location, const StorageOptions& options) {
    if (auto bucket = open_bucket(location, options)) return bucket;
    const std::string path = path_of(location);
    std::error_code reason;
    if (!fs::exists(path, reason)) {
        fs::create_directories(path, reason);
        if (reason) throw file_error(reason.value(), "cannot make the folder " + path);
    }
    const fs::path real = real_path_of(path);
    if (!fs::is_directory(real, reason)) throw Error(ErrorCode::bad_input, path + " is not a folder");
    return open_folder(real.string(), file_url(real.string()));
}

bool names_bucket(const std::string& location) {
    const std::string_view scheme = scheme_of(location);
    return scheme == "s3" || scheme == "az";
}

std::string location_of(const std::string& uri, const std::string& access) {
    if (access.empty()) return uri;
    return uri + (uri.find('?') == std::string::npos ? '?' : '&') + access;
}

std::unique_ptr<const Source> open_paths(const std::vector<std::string>& paths) {
    std::vector<std::string> absolute;
    for (const std::string& path : paths) {
        if (path.empty() || path.find('\0') != std::string::npos)
            throw Error(ErrorCode::bad_input, "not a path");
        absolute.push_back(fs::absolute(path).lexically_normal().string());
    }
    std::ranges::sort(absolute);
    absolute.erase(std::unique(absolute.begin(), absolute.end()), absolute.end());
    return std::make_unique<PathList>(std::move(absolute));
}

}  // namespace eventlens
