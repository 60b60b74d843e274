#include "storage/s3.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "storage/aws_profile.h"
#include "storage/credentials.h"
#include "storage/download_name.h"
#include "storage/pages.h"
#include "storage/ranges.h"
#include "storage/s3_bucket.h"
#include "storage/s3_place.h"
#include "storage/s3_xml.h"

namespace eventlens {

namespace {

using s3::Question;

constexpr std::int64_t max_listing = 16 << 20;  // bytes of a page: 1,000 of the longest keys, encoded
constexpr std::int64_t max_object = std::int64_t{5} << 30;  // bytes that the service takes in one request
constexpr std::chrono::hours longest_link{7 * 24};

class S3Store : public Store {
  public:
    S3Store(std::string uri, std::string access, std::string prefix, std::shared_ptr<const s3::Bucket> bucket,
            int parallel_reads)
        : uri_(std::move(uri)),
          access_(std::move(access)),
          prefix_(std::move(prefix)),
          bucket_(std::move(bucket)),
          parallel_reads_(parallel_reads) {}

    const std::string& uri() const override { return uri_; }
    const std::string& access() const override { return access_; }
    int parallel_reads() const override { return parallel_reads_; }
    std::int64_t retries() const override { return bucket_->retries(); }
    std::chrono::seconds clock_offset() const override { return bucket_->clock_offset(); }

    std::unique_ptr<Listing> listing(ListOptions options) const override {
        return list_pages(
            "cannot list " + uri_, prefix_, std::move(options),
            [this](const std::string& prefix, const std::string& token) { return page_of(prefix, token); });
    }

    // As a range of everything: then Content-Range tells the length beside Content-Length, which may lie.
    std::vector<std::byte> read(const std::string& key, std::int64_t max_bytes) const override {
        Question question = about("read", key);
        question.first = 0;
        question.max_body = max_bytes;
        http::Response reply = bucket_->ask(question);
        if (is_empty_object(reply)) return {};
        require_success(question, reply);
        FetchedRange whole = fetched_range(std::move(reply), 0, question.doing);
        if (whole.total != static_cast<std::int64_t>(whole.bytes.size()))
            throw Error(ErrorCode::overloaded, question.doing + ": the server sent a part of it");
        return std::move(whole.bytes);
    }

    std::shared_ptr<const ByteSource> open(const std::string& key) const override {
        const auto fetch = [question = about("read", key), bucket = bucket_](
                               std::int64_t first, std::int64_t last, const std::string& etag) {
            Question part = question;
            part.first = first;
            part.last = last;
            part.max_body = last - first + 1;
            // A weak one, as proxies make of others, matches nothing; what comes is compared anyway.
            if (!etag.empty() && !etag.starts_with("W/")) part.headers.emplace_back("If-Match", etag);
            http::Response reply = bucket->ask(part);
            const bool found = reply.status == 200 || reply.status == 206 || is_empty_object(reply);
            if (!found) throw bucket->refusal(part, reply);
            return fetched_range(std::move(reply), first, part.doing);
        };
        return open_ranges(name_of(key), fetch);
    }

    bool write(const std::string& key, std::span<const std::byte> content,
               const WriteOptions& options) const override {
        Question question = about("write", key);
        question.body = content;
        return put(std::move(question), static_cast<std::int64_t>(content.size()), options);
    }

    bool write_file(const std::string& key, const std::filesystem::path& file,
                    const WriteOptions& options) const override {
        std::error_code reason;
        const std::uintmax_t size = std::filesystem::file_size(file, reason);
        if (reason)
            throw Error(ErrorCode::not_found, "cannot send " + file.string() + ": " + reason.message());
        Question question = about("write", key);
        question.body_file = file;
        return put(std::move(question), static_cast<std::int64_t>(size), options);
    }

    void remove(const std::string& key) const override {
        Question question = about("remove", key);
        question.method = "DELETE";
        const http::Response reply = bucket_->ask(question);
        if (s3::parse_problem(reply.text()).code != "NoSuchKey") require_success(question, reply);
    }

    std::string presign_get(const std::string& key, const LinkOptions& options) const override {
        if (options.lasts <= std::chrono::seconds(0) || options.lasts > longest_link)
            throw Error(ErrorCode::bad_input, "a link lasts from one second to seven days");
        Query query;
        if (!options.download_name.empty())
            query["response-content-disposition"] = content_disposition(options.download_name);
        return bucket_->link(about("link to", key).key, std::move(query), options.lasts);
    }

  private:
    // What messages call an object.
    std::string name_of(const std::string& key) const {
        return "s3://" + bucket_->name() + '/' + prefix_ + key;
    }

    Question about(const char* doing, const std::string& key) const {
        if (key.empty() || key.find('\0') != std::string::npos)
            throw Error(ErrorCode::bad_input, "not a key: it is empty or holds a zero byte");
        Question question;
        question.doing = std::string("cannot ") + doing + " " + name_of(key);
        question.key = prefix_ + key;
        return question;
    }

    void require_success(const Question& question, const http::Response& reply) const {
        if (reply.status < 200 || reply.status > 299) throw bucket_->refusal(question, reply);
    }

    // An empty object has no bytes that a range could begin with.
    static bool is_empty_object(const http::Response& reply) {
        if (reply.status != 416) return false;
        const auto range = http::parse_content_range(reply.header("content-range"));
        return !range || range->total <= 0;
    }

    // A reply that is cut off or garbled is asked for again.
    Page page_of(const std::string& prefix, const std::string& token) const {
        Question question;
        question.doing = "cannot list " + uri_;
        question.query = {
            {"list-type", "2"}, {"encoding-type", "url"}, {"max-keys", "1000"}, {"prefix", prefix}};
        if (!token.empty()) question.query["continuation-token"] = token;
        question.max_body = max_listing;
        std::optional<Page> page;
        question.is_whole = [&](const http::Response& reply) {
            page = s3::parse_page(reply.text());
            return page && is_below(prefix, *page);
        };
        const http::Response reply = bucket_->ask(question);
        require_success(question, reply);
        if (!question.is_whole(reply)) throw bucket_->refusal(question, reply);
        return std::move(*page);
    }

    bool put(Question question, std::int64_t size, const WriteOptions& options) const {
        if (size > max_object)
            throw Error(ErrorCode::bad_input,
                        question.doing + ": it is larger than 5 GiB, the most of one request");
        if (options.only_if_absent && bucket_->asks_first() && exists(question)) return false;
        question.method = "PUT";
        question.headers = {{"Content-Type", options.content_type}};
        if (!options.cache_control.empty())
            question.headers.emplace_back("Cache-Control", options.cache_control);
        const bool conditional = options.only_if_absent && !bucket_->asks_first();
        if (conditional) question.headers.emplace_back("If-None-Match", "*");
        http::Response reply = bucket_->ask(question);
        if (conditional && reply.status == 412) return false;
        // Alibaba OSS and others know no such condition.
        if (conditional &&
            (reply.status == 501 || s3::parse_problem(reply.text()).code == "NotImplemented")) {
            if (exists(question)) return false;
            question.headers.pop_back();
            reply = bucket_->ask(question);
        }
        require_success(question, reply);
        return true;
    }

    bool exists(const Question& about_it) const {
        Question question;
        question.doing = about_it.doing;
        question.method = "HEAD";
        question.key = about_it.key;
        const http::Response reply = bucket_->ask(question);
        if (reply.status == 404) return false;
        require_success(question, reply);
        return true;
    }

    std::string uri_;
    std::string access_;
    std::string prefix_;                        // empty, or ends in '/'
    std::shared_ptr<const s3::Bucket> bucket_;  // sources of bytes hold it too
    int parallel_reads_;
};

struct Parameters {
    std::string endpoint, region, profile, addressing;
    bool anonymous = false;
    bool requester_pays = false;
};

bool is_yes(const std::string& name, const std::string& value) {
    if (value != "0" && value != "1")
        throw Error(ErrorCode::bad_input, "the parameter " + name + " of an s3:// location is 0 or 1");
    return value == "1";
}

Parameters parameters_in(const Query& query) {
    Parameters parameters;
    for (const auto& [name, value] : query) {
        if (name == "endpoint") {
            parameters.endpoint = value;
        } else if (name == "region") {
            parameters.region = value;
        } else if (name == "profile") {
            parameters.profile = value;
        } else if (name == "addressing") {
            parameters.addressing = value;
        } else if (name == "anonymous") {
            parameters.anonymous = is_yes(name, value);
        } else if (name == "requester_pays") {
            parameters.requester_pays = is_yes(name, value);
        } else {
            throw Error(ErrorCode::bad_input,
                        "an s3:// location has no parameter " + name +
                            ", but endpoint, region, profile, addressing, anonymous and requester_pays; "
                            "credentials do not belong into it");
        }
    }
    return parameters;
}

// The first that is not empty.
std::string first_of(std::initializer_list<std::string> texts) {
    for (const std::string& text : texts)
        if (!text.empty()) return text;
    return {};
}

// What the name does not say of how the bucket is reached.
std::string access_of(const Parameters& parameters, const s3::Place& place) {
    Query query;
    if (place.is_amazon() && !parameters.endpoint.empty()) query["endpoint"] = place.endpoint();
    if (!parameters.region.empty()) query["region"] = parameters.region;
    if (!parameters.profile.empty()) query["profile"] = parameters.profile;
    if (!parameters.addressing.empty()) query["addressing"] = parameters.addressing;
    if (parameters.anonymous) query["anonymous"] = "1";
    if (parameters.requester_pays) query["requester_pays"] = "1";
    return query_text(query);
}

}  // namespace

std::unique_ptr<const Store> open_s3(const Location& location, const StorageOptions& options) {
    const Parameters parameters = parameters_in(location.query);
    const s3::Profile profile = s3::read_profile(options.environment, parameters.profile);
    const auto variable = [&](const char* name) { return s3::variable(options.environment, name); };

    s3::Wanted wanted;
    wanted.bucket = location.authority;
    wanted.endpoint = first_of({parameters.endpoint, variable("AWS_ENDPOINT_URL_S3"),
                                variable("AWS_ENDPOINT_URL"), profile.endpoint});
    wanted.region = parameters.region;
    wanted.fallback_region =
        first_of({variable("AWS_REGION"), variable("AWS_DEFAULT_REGION"), profile.region});
    wanted.addressing = s3::parse_addressing(first_of({parameters.addressing, profile.addressing}));
    const s3::Place place(wanted);

    std::string prefix = location.path.starts_with('/') ? location.path.substr(1) : location.path;
    if (!prefix.empty() && !prefix.ends_with('/')) prefix += '/';
    std::string uri = "s3://" + place.bucket() + '/' + percent_encoded(prefix, "/");
    if (!place.is_amazon()) uri += '?' + query_text({{"endpoint", place.endpoint()}});

    std::unique_ptr<const s3::Credentials> credentials;
    if (!parameters.anonymous) credentials = std::make_unique<s3::Credentials>(options, parameters.profile);
    auto bucket =
        std::make_shared<const s3::Bucket>(place, std::move(credentials), parameters.requester_pays, options);
    return std::make_unique<S3Store>(std::move(uri), access_of(parameters, place), std::move(prefix),
                                     std::move(bucket), std::max(1, options.parallel_reads));
}

}  // namespace eventlens
