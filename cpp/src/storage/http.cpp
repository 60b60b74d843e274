#include "storage/http.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <random>
#include <thread>

#include "storage/http_date.h"
#include "storage/http_line.h"

namespace eventlens::http {

namespace {

constexpr std::chrono::seconds longest_wait{20};
constexpr std::size_t max_error_body = 64 << 10;  // bytes
constexpr int max_at_once = 4;                    // for one call

// A whole number at the start of `text`, which is cut off.
std::optional<std::int64_t> take_number(std::string_view& text) {
    std::int64_t number = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure != std::errc{} || number < 0) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return number;
}

// The reply to one call, put together from as many attempts as it takes.
class Reply {
  public:
    Reply(const Call& call) : call_(call) {}

    // What the next attempt need not fetch again.
    Resume resume() const {
        if (!resumable_ || whole_.body.empty()) return {};
        return {static_cast<std::int64_t>(whole_.body.size()), std::string(whole_.header("etag"))};
    }

    // Before each attempt.
    void begin(const Request& request) {
        is_get_ = request.method == "GET";
        resumed_ = resume().received > 0;
        seen_head_ = false;
        misplaced_ = false;
        arrived_ = 0;
        expected_.reset();
        error_ = {};
    }

    bool receive(const Response& head, std::span<const std::byte> piece) {
        look_at(head);
        if (misplaced_) return false;
        if (!is_content(head)) {
            const std::size_t room = max_error_body - std::min(max_error_body, error_.body.size());
            const auto kept = piece.first(std::min(room, piece.size()));
            error_.body.insert(error_.body.end(), kept.begin(), kept.end());
            return true;
        }
        std::vector<std::byte>& body = whole_.body;
        if (static_cast<std::int64_t>(body.size() + piece.size()) > call_.max_body) throw too_large();
        body.insert(body.end(), piece.begin(), piece.end());
        arrived_ += static_cast<std::int64_t>(piece.size());
        return true;
    }

    // After each attempt: whether nothing is missing, and why not.
    Outcome settle(const Response& head, Outcome outcome) {
        if (outcome.kind == Outcome::Kind::refused && !misplaced_) return outcome;
        if (head.status != 0) look_at(head);
        if (misplaced_ || (resumed_ && (head.status == 412 || head.status == 416))) {
            whole_ = {};
            return {Outcome::Kind::broken, "the object changed while it was read", {}};
        }
        if (outcome.kind == Outcome::Kind::replied && expected_ && arrived_ < *expected_)
            return {Outcome::Kind::broken, "bytes are missing in the reply", {}};
        // A server that announces more bytes than there are makes us wait for what never comes.
        if (outcome.kind == Outcome::Kind::broken && expected_ && arrived_ == *expected_) outcome = {};
        if (outcome.kind == Outcome::Kind::broken) {
            const std::string_view etag = whole_.header("etag");
            resumable_ = is_get_ && !etag.empty() && !etag.starts_with("W/");
            if (!resumable_) whole_ = {};
        } else if (!is_content(head)) {
            error_.status = head.status;
            error_.headers = head.headers;
        }
        return outcome;
    }

    // Of a settled attempt. Content that arrived before an error is kept, to be resumed.
    const Response& of(const Response& head) const { return is_content(head) ? whole_ : error_; }
    Response take(const Response& head) { return std::move(is_content(head) ? whole_ : error_); }

    // The judge wants another reply than this one.
    void drop(const Response& head) {
        if (is_content(head)) whole_ = {};
    }

  private:
    static bool is_content(const Response& head) { return head.status >= 200 && head.status < 300; }

    Error too_large() const {
        return {ErrorCode::bad_input, call_.doing + ": it holds more than the allowed " +
                                          std::to_string(call_.max_body) + " bytes"};
    }

    // Once for each attempt, when its header is there.
    void look_at(const Response& head) {
        if (seen_head_ || !is_content(head)) return;
        seen_head_ = true;
        std::string_view length_text = head.header("content-length");
        const std::optional<std::int64_t> length = take_number(length_text);
        std::optional<ContentRange> range;
        if (head.status == 206) range = parse_content_range(head.header("content-range"));
        if (range && range->last >= 0) expected_ = range->last - range->first + 1;
        if (resumed_ && head.status == 206) {
            const std::int64_t next = first_ + static_cast<std::int64_t>(whole_.body.size());
            misplaced_ = !range || range->first != next || (total_ >= 0 && range->total != total_) ||
                         head.header("etag") != whole_.header("etag");
        } else {
            whole_ = {head.status, head.headers, {}};
            first_ = range ? range->first : 0;
            total_ = range ? range->total : length.value_or(-1);
        }
        if (!misplaced_ && is_get_ && length) {
            const auto held = static_cast<std::int64_t>(whole_.body.size());
            if (*length > call_.max_body - held) throw too_large();
            whole_.body.reserve(static_cast<std::size_t>(held + *length));
        }
    }

    const Call& call_;
    Response whole_;           // the content so far, with the header of the attempt that began it
    Response error_;           // of this attempt
    std::int64_t first_ = 0;   // where the content begins in the object
    std::int64_t total_ = -1;  // bytes of the object
    bool is_get_ = false;
    bool resumable_ = false;
    bool resumed_ = false;      // this attempt continues an earlier one
    bool seen_head_ = false;    // of this attempt
    bool misplaced_ = false;    // the server sends another part, or of another object, than was asked for
    std::int64_t arrived_ = 0;  // bytes of content in this attempt
    std::optional<std::int64_t> expected_;  // the same, as Content-Range says
};

// Waits before attempt number `attempt`, counted from 1. A random part of a growing while ("full jitter"), so
// that many readers of one busy store do not come back all at once.
void wait_before(int attempt, const Settings& settings, std::chrono::seconds retry_after) {
    const auto longest = std::min<std::chrono::milliseconds>(
        longest_wait, settings.first_wait * (std::int64_t{1} << std::clamp(attempt - 2, 0, 20)));
    std::random_device seed;
    const auto jitter = std::uniform_int_distribution<std::int64_t>(0, longest.count())(seed);
    std::chrono::milliseconds left =
        std::min<std::chrono::milliseconds>(longest_wait, retry_after) + std::chrono::milliseconds(jitter);
    constexpr std::chrono::milliseconds slice{500};
    for (; left > slice; left -= slice) {
        std::this_thread::sleep_for(slice);
        if (settings.while_waiting) settings.while_waiting();
    }
    std::this_thread::sleep_for(left);
}

std::int64_t seconds_of(std::chrono::system_clock::time_point time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

const std::string& variable(const StorageOptions& options, const std::string& lower,
                            const std::string& upper) {
    static const std::string none;
    for (const std::string& name : {lower, upper}) {
        const auto found = options.environment.find(name);
        if (found != options.environment.end() && !found->second.empty()) return found->second;
    }
    return none;
}

}  // namespace

std::string_view Response::header(std::string_view name) const {
    const auto found = std::ranges::find(headers, name, &Headers::value_type::first);
    return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

std::string_view Response::text() const {
    return {reinterpret_cast<const char*>(body.data()), body.size()};
}

std::string range(std::int64_t first, std::optional<std::int64_t> last, const Resume& resume) {
    return "bytes=" + std::to_string(first + resume.received) + "-" + (last ? std::to_string(*last) : "");
}

std::optional<ContentRange> parse_content_range(std::string_view text) {
    ContentRange range;
    if (!text.starts_with("bytes ")) return std::nullopt;
    text.remove_prefix(6);
    const auto skip = [&](char c) {
        if (!text.starts_with(c)) return false;
        text.remove_prefix(1);
        return true;
    };
    if (!skip('*')) {
        const auto first = take_number(text);
        if (!first || !skip('-')) return std::nullopt;
        const auto last = take_number(text);
        if (!last || *last < *first) return std::nullopt;
        range.first = *first;
        range.last = *last;
    }
    if (!skip('/')) return std::nullopt;
    if (!skip('*')) {
        const auto total = take_number(text);
        if (!total || range.last >= *total) return std::nullopt;
        range.total = *total;
    }
    if (!text.empty()) return std::nullopt;
    return range;
}

bool is_busy(int status) {
    return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

std::string host_of(std::string_view url) {
    const std::size_t scheme = url.find("://");
    if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
    url = url.substr(0, url.find_first_of("/?#"));
    return std::string(url.substr(url.rfind('@') + 1));  // npos + 1 is 0
}

Settings Settings::from(const StorageOptions& options) {
    Settings settings;
    settings.ca_file = !options.ca_file.empty() ? options.ca_file : variable(options, "", "AWS_CA_BUNDLE");
    if (!options.proxy.empty()) {
        settings.http_proxy = settings.https_proxy = options.proxy;
    } else {
        const std::string& any = variable(options, "all_proxy", "ALL_PROXY");
        settings.http_proxy = variable(options, "http_proxy", "HTTP_PROXY");
        settings.https_proxy = variable(options, "https_proxy", "HTTPS_PROXY");
        if (settings.http_proxy.empty()) settings.http_proxy = any;
        if (settings.https_proxy.empty()) settings.https_proxy = any;
        settings.no_proxy = variable(options, "no_proxy", "NO_PROXY");
    }
    settings.attempts = std::max(1, options.attempts);
    settings.connect_within = options.connect_within;
    settings.stalled_after = options.stalled_after;
    settings.while_waiting = options.while_waiting;
    return settings;
}

Client::Client(Settings settings) : settings_(std::move(settings)) {}

Client::~Client() = default;

std::unique_ptr<Line> Client::borrow() const {
    {
        const std::lock_guard lock(mutex_);
        if (!idle_.empty()) {
            std::unique_ptr<Line> line = std::move(idle_.back());
            idle_.pop_back();
            return line;
        }
    }
    return std::make_unique<Line>();
}

void Client::give_back(std::unique_ptr<Line> line) const {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(line));
}

Response Client::send(const Call& call) const {
    Reply reply(call);
    int at_once = 0;
    for (int attempt = 1;;) {
        const Request request = call.request(reply.resume());
        reply.begin(request);
        Response head;
        std::unique_ptr<Line> line = borrow();
        Outcome outcome = line->perform(request, settings_, head,
                                        [&](const Response& so_far, std::span<const std::byte> piece) {
                                            return reply.receive(so_far, piece);
                                        });
        give_back(std::move(line));
        outcome = reply.settle(head, std::move(outcome));

        if (outcome.kind == Outcome::Kind::refused)
            throw Error(ErrorCode::denied, call.doing + ": " + outcome.reason);
        if (outcome.kind == Outcome::Kind::replied) {
            const Response& answer = reply.of(head);
            const Next next = call.judge               ? call.judge(answer)
                              : is_busy(answer.status) ? Next::again
                                                       : Next::done;
            const bool out_of_attempts =
                next == Next::again ? attempt >= settings_.attempts : at_once >= max_at_once;
            if (next == Next::done || out_of_attempts) return reply.take(head);
            reply.drop(head);
            if (next == Next::at_once) {
                ++at_once;
                continue;
            }
        } else if (attempt >= settings_.attempts) {
            throw Error(ErrorCode::overloaded, call.doing + ": " + outcome.reason + "; tried " +
                                                   std::to_string(attempt) +
                                                   (attempt == 1 ? " time" : " times"));
        }
        ++attempt;
        ++retries_;
        wait_before(attempt, settings_, outcome.retry_after);
    }
}

std::chrono::system_clock::time_point Client::now() const {
    return std::chrono::system_clock::now() + clock_offset();
}

std::chrono::seconds Client::clock_offset() const {
    return std::chrono::seconds(clock_offset_.load());
}

bool Client::adopt_clock(const Response& reply) const {
    const std::optional<std::int64_t> theirs = parse_http_date(reply.header("date"));
    if (!theirs || std::abs(*theirs - seconds_of(now())) <= 60) return false;
    clock_offset_ = *theirs - seconds_of(std::chrono::system_clock::now());
    return true;
}

}  // namespace eventlens::http
