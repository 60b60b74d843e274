#include "storage/azure.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/base64.h"
#include "base/uuid.h"
#include "storage/azure_access.h"
#include "storage/azure_account.h"
#include "storage/azure_listing.h"
#include "storage/azure_service.h"
#include "storage/download_name.h"
#include "storage/file.h"
#include "storage/http.h"
#include "storage/pages.h"
#include "storage/ranges.h"

namespace eventlens {

namespace {

using azure::Account;
using azure::Question;
using azure::Service;

constexpr std::int64_t max_listing = 64 << 20;  // bytes of one page: 5,000 of the longest names, encoded
constexpr std::size_t max_single_write = 32
                                         << 20;  // bytes; more is sent in blocks, each tried again by itself
constexpr std::size_t block_size = 8 << 20;      // bytes, of which the service takes 50,000
constexpr std::chrono::hours longest_link{7 * 24};

struct Place {
    std::string container;
    std::string prefix;  // empty, or ends in '/'
};

// Servers resolve "." and ".." as paths are resolved, some of them between backslashes too, and would reach
// another blob or another container.
void require_addressable(const std::string& blob) {
    std::size_t begin = 0;
    while (begin <= blob.size()) {
        const std::size_t end = std::min(blob.find_first_of("/\\", begin), blob.size());
        const std::string_view part = std::string_view(blob).substr(begin, end - begin);
        if (part == "." || part == "..")
            throw Error(ErrorCode::bad_input, "not a key in Azure, where no part is '.' or '..': " + blob);
        begin = end + 1;
    }
    if (blob.find('\0') != std::string::npos)
        throw Error(ErrorCode::bad_input, "not a key: it holds a zero byte");
}

// A range from the start that does not exist (416) is one of an empty blob; the emulator sends "bytes
// 0--1/0".
bool is_empty_blob(const Question& question, const http::Response& reply) {
    return question.range->first == 0 &&
           (reply.status == 416 || (reply.status == 206 && reply.header("content-range").ends_with("/0")));
}

// `question` is of a range.
FetchedRange fetch(const Service& service, const std::string& doing, const Question& question,
                   std::int64_t max_bytes) {
    http::Response reply = service.ask(doing, question, max_bytes);
    if (is_empty_blob(question, reply)) return {{}, 0, std::string(reply.header("etag"))};
    service.require_success(doing, reply);
    return fetched_range(std::move(reply), question.range->first, doing);
}

class AzureStore : public Store {
  public:
    AzureStore(std::string uri, std::string access, std::shared_ptr<const Service> service, Place place,
               const StorageOptions& options)
        : uri_(std::move(uri)),
          access_(std::move(access)),
          service_(std::move(service)),
          place_(std::move(place)),
          parallel_reads_(std::max(1, options.parallel_reads)) {}

    const std::string& uri() const override { return uri_; }
    const std::string& access() const override { return access_; }
    int parallel_reads() const override { return parallel_reads_; }
    std::int64_t retries() const override { return service_->retries(); }
    std::chrono::seconds clock_offset() const override { return service_->clock_offset(); }

    std::unique_ptr<Listing> listing(ListOptions options) const override {
        return list_pages(
            "cannot list " + uri_, place_.prefix, std::move(options),
            [this](const std::string& prefix, const std::string& marker) { return page_of(prefix, marker); });
    }

    // As a range of everything: then Content-Range tells the length beside Content-Length, which may lie.
    std::vector<std::byte> read(const std::string& key, std::int64_t max_bytes) const override {
        const std::string doing = "cannot read " + name_of(key);
        const Question question{.container = place_.container, .blob = blob_of(key), .range = azure::Range{}};
        FetchedRange whole = fetch(*service_, doing, question, max_bytes);
        if (whole.total != static_cast<std::int64_t>(whole.bytes.size()))
            throw Error(ErrorCode::overloaded, doing + ": the service sent a part of it");
        return std::move(whole.bytes);
    }

    std::shared_ptr<const ByteSource> open(const std::string& key) const override {
        const std::string name = name_of(key);
        return open_ranges(name, [service = service_, container = place_.container, blob = blob_of(key),
                                  doing = "cannot read " + name](std::int64_t first, std::int64_t last,
                                                                 const std::string& etag) {
            Question question{.container = container, .blob = blob, .range = azure::Range{first, last}};
            if (!etag.empty() && !etag.starts_with("W/")) question.headers["if-match"] = etag;
            return fetch(*service, doing, question, last - first + 1);
        });
    }

    bool write(const std::string& key, std::span<const std::byte> content,
               const WriteOptions& options) const override {
        if (content.size() <= max_single_write) return put(key, {.body = content}, options);
        const auto block_at = [&](std::int64_t at) {
            const auto rest = content.subspan(static_cast<std::size_t>(at));
            return rest.first(std::min(rest.size(), block_size));
        };
        return put_blocks(key, static_cast<std::int64_t>(content.size()), block_at, options);
    }

    bool write_file(const std::string& key, const std::filesystem::path& file,
                    const WriteOptions& options) const override {
        const std::shared_ptr<const ByteSource> content = open_file(file.string());
        if (content->size() <= std::int64_t{max_single_write}) return put(key, {.body_file = file}, options);
        std::vector<std::byte> block(block_size);
        const auto block_at = [&](std::int64_t at) {
            return std::span(block).first(content->read(at, block));
        };
        return put_blocks(key, content->size(), block_at, options);
    }

    void remove(const std::string& key) const override {
        const std::string doing = "cannot remove " + name_of(key);
        // The service does not remove a blob and leave the snapshots that somebody made of it.
        const Question question{.method = "DELETE",
                                .container = place_.container,
                                .blob = blob_of(key),
                                .headers = {{"x-ms-delete-snapshots", "include"}}};
        const http::Response reply = service_->ask(doing, question);
        if (reply.status != 404) service_->require_success(doing, reply);
    }

    std::string presign_get(const std::string& key, const LinkOptions& options) const override {
        if (options.lasts <= std::chrono::seconds(0) || options.lasts > longest_link)
            throw Error(ErrorCode::bad_input, "a link lasts from one second to seven days");
        const std::string blob = blob_of(key);
        const std::string disposition =
            options.download_name.empty() ? "" : content_disposition(options.download_name);
        return service_->account().link(place_.container, blob, service_->now() + options.lasts.count(),
                                        disposition);
    }

  private:
    std::string blob_of(const std::string& key) const {
        if (key.empty()) throw Error(ErrorCode::bad_input, "not a key: it is empty");
        std::string blob = place_.prefix + key;
        require_addressable(blob);
        return blob;
    }

    // What messages call it.
    std::string name_of(const std::string& key) const {
        return "az://" + service_->account().name() + '/' + place_.container + '/' + place_.prefix + key;
    }

    // A reply that is cut off or garbled is asked for again.
    Page page_of(const std::string& prefix, const std::string& marker) const {
        const std::string doing = "cannot list " + uri_;
        Question question{.container = place_.container,
                          .query = {{"restype", "container"}, {"comp", "list"}}};
        if (!prefix.empty()) question.query["prefix"] = prefix;
        if (!marker.empty()) question.query["marker"] = marker;
        std::optional<Page> page;
        std::string trouble;
        const auto garbled = [&](const http::Response& reply) {
            try {
                page = azure::parse_listing(reply.text());
                if (is_below(prefix, *page)) return false;
                trouble = "the listing is of something else";
            } catch (const Error& error) {
                trouble = error.what();
            }
            page.reset();
            return true;
        };
        service_->require_success(doing, service_->ask(doing, question, max_listing, garbled));
        if (!page) throw Error(ErrorCode::overloaded, doing + ": " + trouble);
        return std::move(*page);
    }

    // Makes a blob of what `question` carries. False: it is there already, and that was to be left alone.
    bool put(const std::string& key, Question question, const WriteOptions& options) const {
        question.method = "PUT";
        question.container = place_.container;
        question.blob = blob_of(key);
        if (question.query.empty()) question.headers["x-ms-blob-type"] = "BlockBlob";
        question.headers["x-ms-blob-content-type"] = options.content_type;
        if (!options.cache_control.empty())
            question.headers["x-ms-blob-cache-control"] = options.cache_control;
        if (options.only_if_absent) question.headers["if-none-match"] = "*";
        const std::string doing = "cannot write " + name_of(key);
        const http::Response reply = service_->ask(doing, question);
        if (options.only_if_absent) {
            const std::string code = azure::error_code(reply);
            if (code == "BlobAlreadyExists" || code == "ConditionNotMet" ||
                code == "UnauthorizedBlobOverwrite")
                return false;
        }
        service_->require_success(doing, reply);
        return true;
    }

    // `block_at` gives the bytes from an offset on, at most `block_size`. Nobody sees the blob before its
    // last part: the list of its blocks.
    bool put_blocks(const std::string& key, std::int64_t size,
                    const std::function<std::span<const std::byte>(std::int64_t at)>& block_at,
                    const WriteOptions& options) const {
        const std::string doing = "cannot write " + name_of(key);
        Question question{.container = place_.container, .blob = blob_of(key)};
        if (options.only_if_absent) {
            question.method = "HEAD";
            if (service_->ask(doing, question).status == 200) return false;  // spares sending it all
        }
        question.method = "PUT";
        // Names of one length, as the service wants them, that no other writer of this blob takes.
        const std::string writer = uuid_text(make_uuid()) + '-';
        std::string blocks = "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>";
        for (std::int64_t at = 0; at < size;) {
            question.body = block_at(at);
            if (question.body.empty())
                throw Error(ErrorCode::bad_input, doing + ": the file became shorter while it was sent");
            const std::string name = writer + std::to_string(10'000'000'000'000'000 + at);
            const std::string id = base64_text(std::as_bytes(std::span(name)));
            question.query = {{"comp", "block"}, {"blockid", id}};
            service_->require_success(doing, service_->ask(doing, question));
            blocks += "<Uncommitted>" + id + "</Uncommitted>";
            at += static_cast<std::int64_t>(question.body.size());
        }
        blocks += "</BlockList>";
        return put(key, {.query = {{"comp", "blocklist"}}, .body = std::as_bytes(std::span(blocks))},
                   options);
    }

    std::string uri_;
    std::string access_;
    std::shared_ptr<const Service> service_;
    Place place_;
    int parallel_reads_;
};

Error cannot_open(const std::string& why) {
    return {ErrorCode::bad_input, "cannot open an az:// location: " + why};
}

bool has_only(std::string_view text, std::string_view letters) {
    return !text.empty() && text.find_first_not_of(letters) == std::string_view::npos;
}

// What a location says by itself, checked. The service has no other names, and nothing that is no name, like
// a key that somebody put there, comes into messages.
azure::Wanted account_in(const Location& location) {
    azure::Wanted wanted{.account = location.authority};
    if (!has_only(wanted.account, "abcdefghijklmnopqrstuvwxyz0123456789-"))
        throw cannot_open(
            "the name of a storage account has lower-case letters and digits: az://ACCOUNT/CONTAINER/");
    for (const auto& [name, value] : location.query) {
        if (name == "endpoint") {
            wanted.endpoint = value;
        } else if (name == "anonymous" && (value == "0" || value == "1")) {
            wanted.anonymous = value == "1";
        } else if (name == "sig" || name == "sv") {
            throw cannot_open(
                "a shared access signature belongs into AZURE_STORAGE_SAS_TOKEN or the options, not into the "
                "location");
        } else {
            throw cannot_open("it has the parameter " + name +
                              ", but takes endpoint=URL and anonymous=1 alone");
        }
    }
    return wanted;
}

Place place_in(const Location& location) {
    const std::size_t begin = std::min<std::size_t>(1, location.path.size());
    const std::size_t slash = std::min(location.path.find('/', begin), location.path.size());
    Place place{.container = location.path.substr(begin, slash - begin), .prefix = {}};
    if (!has_only(place.container, "abcdefghijklmnopqrstuvwxyz0123456789-$"))
        throw cannot_open("the name of a container has lower-case letters, digits and hyphens: az://" +
                          location.authority + "/CONTAINER/");
    if (slash < location.path.size()) place.prefix = location.path.substr(slash + 1);
    if (!place.prefix.empty() && !place.prefix.ends_with('/')) place.prefix += '/';
    require_addressable(place.prefix);
    return place;
}

// One server has one name. Throws Error(bad_input) for what is no address of a server.
std::string canonical_endpoint(const std::string& endpoint) {
    const std::size_t scheme_end = std::min(endpoint.find("://"), endpoint.size());
    const std::size_t host_begin = std::min(scheme_end + 3, endpoint.size());
    const std::size_t host_end = std::min(endpoint.find('/', host_begin), endpoint.size());
    const std::string scheme = endpoint.substr(0, scheme_end);
    std::string host = endpoint.substr(host_begin, host_end - host_begin);
    std::ranges::transform(host, host.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    const std::string usual_port = scheme == "https" ? ":443" : ":80";
    if (host.ends_with(usual_port)) host.resize(host.size() - usual_port.size());
    std::string path = endpoint.substr(host_end);  // of emulators: the account
    while (path.ends_with('/')) path.pop_back();
    constexpr const char* letters = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
    if ((scheme != "https" && scheme != "http") || !has_only(host, std::string(letters) + ":[]") ||
        (!path.empty() && !has_only(path, std::string(letters) + '/'))) {
        throw cannot_open(
            "its endpoint is no address like https://ACCOUNT.blob.core.windows.net or "
            "http://127.0.0.1:10000/ACCOUNT");
    }
    return scheme + "://" + host + path;
}

}  // namespace

std::unique_ptr<const Store> open_azure(const Location& location, const StorageOptions& options) {
    const azure::Wanted wanted = account_in(location);
    Place place = place_in(location);
    azure::Access access = azure::find_access(wanted, options);
    access.endpoint = canonical_endpoint(access.endpoint);
    std::string uri =
        "az://" + wanted.account + '/' + place.container + '/' + percent_encoded(place.prefix, "/");
    if (access.endpoint != azure::default_endpoint(wanted.account))
        uri += "?endpoint=" + percent_encoded(access.endpoint);
    return std::make_unique<AzureStore>(
        std::move(uri), wanted.anonymous ? "anonymous=1" : "",
        std::make_shared<Service>(Account(wanted.account, std::move(access)), options), std::move(place),
        options);
}

}  // namespace eventlens
