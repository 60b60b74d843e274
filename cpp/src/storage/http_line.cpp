#include "storage/http_line.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string_view>
#include <utility>

#include "base/c_handle.h"

namespace eventlens::http {

namespace {

using Handle = CHandle<CURL, curl_easy_cleanup>;
using HeaderList = CHandle<curl_slist, curl_slist_free_all>;
using File = CHandle<std::FILE, std::fclose>;

constexpr std::chrono::milliseconds between_calls{500};  // of Settings::while_waiting
constexpr long slowest =
    1000;  // bytes per second; below it for Settings::stalled_after, a transfer is stalled

// libcurl counts its users.
class Library {
  public:
    Library() {
        if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
            throw Error(ErrorCode::internal, "cannot start libcurl");
    }
    ~Library() { curl_global_cleanup(); }
    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;
};

template <typename Value>
void set(CURL* handle, CURLoption option, Value value) {
    if (curl_easy_setopt(handle, option, value) != CURLE_OK)
        throw Error(ErrorCode::internal, "libcurl refuses option " + std::to_string(option));
}

// What is sent and received during one request.
struct Transfer {
    std::span<const std::byte> left{};  // of the body to send
    std::span<const std::byte> body{};
    std::FILE* file = nullptr;  // the body instead of `body`
    Response* head = nullptr;
    const Receive* receive = nullptr;
    std::exception_ptr thrown{};  // by a function of the caller's; nothing may be thrown through libcurl

    std::chrono::seconds patience{};
    std::chrono::steady_clock::time_point mark = std::chrono::steady_clock::now();
    std::int64_t bytes_at_mark = 0;  // the mark moves on with each patience's worth of bytes
    bool stalled = false;

    const std::function<void()>* while_waiting = nullptr;
    std::chrono::steady_clock::time_point told = std::chrono::steady_clock::now();
};

std::size_t on_header(char* data, std::size_t, std::size_t length, void* context) {
    auto& transfer = *static_cast<Transfer*>(context);
    std::string_view line(data, length);
    while (!line.empty() && std::isspace(static_cast<unsigned char>(line.back()))) line.remove_suffix(1);
    try {
        if (line.starts_with("HTTP/")) {  // of the last reply, behind "100 Continue"
            const std::size_t space = line.find(' ');
            transfer.head->headers.clear();
            transfer.head->status = 0;
            for (const char c : line.substr(std::min(space, line.size() - 1) + 1)) {
                if (c < '0' || c > '9' || transfer.head->status > 99) break;
                transfer.head->status = transfer.head->status * 10 + (c - '0');
            }
        } else if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
            std::string name(line.substr(0, colon));
            std::ranges::transform(name, name.begin(), [](char c) {
                return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
            });
            line.remove_prefix(std::min(line.size(), line.find_first_not_of(" \t", colon + 1)));
            transfer.head->headers.emplace_back(std::move(name), line);
        } else if (line.empty() && transfer.head->status >= 200) {  // the end of the header
            if (!(*transfer.receive)(*transfer.head, {})) return 0;
        }
    } catch (...) {
        transfer.thrown = std::current_exception();
        return 0;
    }
    return length;
}

std::size_t on_body(char* data, std::size_t, std::size_t length, void* context) {
    auto& transfer = *static_cast<Transfer*>(context);
    try {
        const bool more = (*transfer.receive)(*transfer.head, std::as_bytes(std::span(data, length)));
        return more ? length : 0;
    } catch (...) {
        transfer.thrown = std::current_exception();
        return 0;
    }
}

std::size_t on_send(char* into, std::size_t, std::size_t room, void* context) {
    auto& transfer = *static_cast<Transfer*>(context);
    if (transfer.file) {
        const std::size_t count = std::fread(into, 1, room, transfer.file);
        return count == 0 && std::ferror(transfer.file) ? CURL_READFUNC_ABORT : count;
    }
    const std::size_t count = std::min(room, transfer.left.size());
    if (count > 0) std::memcpy(into, transfer.left.data(), count);
    transfer.left = transfer.left.subspan(count);
    return count;
}

// libcurl goes back to the start when it finds an old connection closed.
int on_seek(void* context, curl_off_t offset, int origin) {
    auto& transfer = *static_cast<Transfer*>(context);
    if (origin != SEEK_SET || offset < 0) return CURL_SEEKFUNC_CANTSEEK;
    if (transfer.file)
        return fseeko(transfer.file, offset, SEEK_SET) == 0 ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL;
    if (static_cast<std::uint64_t>(offset) > transfer.body.size()) return CURL_SEEKFUNC_FAIL;
    transfer.left = transfer.body.subspan(static_cast<std::size_t>(offset));
    return CURL_SEEKFUNC_OK;
}

// libcurl calls it at least every second. Its own watch for slow transfers looks at the mean of some seconds
// and so notices a stall late.
int on_progress(void* context, curl_off_t, curl_off_t received, curl_off_t, curl_off_t sent) {
    auto& transfer = *static_cast<Transfer*>(context);
    const auto now = std::chrono::steady_clock::now();
    if (received + sent - transfer.bytes_at_mark >= slowest * transfer.patience.count()) {
        transfer.mark = now;
        transfer.bytes_at_mark = received + sent;
    }
    transfer.stalled = now - transfer.mark >= transfer.patience;
    if (*transfer.while_waiting && now - transfer.told >= between_calls) {
        transfer.told = now;
        try {
            (*transfer.while_waiting)();
        } catch (...) {
            transfer.thrown = std::current_exception();
        }
    }
    return transfer.stalled || transfer.thrown ? 1 : 0;
}

File open_body(const std::filesystem::path& path, curl_off_t& size) {
    File file(std::fopen(path.c_str(), "rbe"));
    if (!file || fseeko(file.get(), 0, SEEK_END) != 0 || (size = ftello(file.get())) < 0 ||
        fseeko(file.get(), 0, SEEK_SET) != 0)
        throw Error(ErrorCode::not_found, "cannot open " + path.string() + " to send it");
    return file;
}

HeaderList header_list(const Headers& headers) {
    HeaderList list;
    const auto add = [&](const std::string& line) {
        curl_slist* longer = curl_slist_append(list.get(), line.c_str());
        if (!longer) throw Error(ErrorCode::overloaded, "no memory for a request");
        static_cast<void>(list.release());
        list.reset(longer);
    };
    for (const auto& [name, value] : headers) {
        const auto breaks_line = [](char c) { return c == '\r' || c == '\n' || c == '\0'; };
        if (std::ranges::any_of(name, breaks_line) || std::ranges::any_of(value, breaks_line))
            throw Error(ErrorCode::bad_input, "the header " + name.substr(0, name.find_first_of("\r\n")) +
                                                  " of a request would hold a line break");
        add(value.empty() ? name + ";" : name + ": " + value);
    }
    add("Expect:");  // no waiting for "100 Continue" before a body
    return list;
}

// What a failure of libcurl's means to us.
Outcome outcome_of(CURLcode code, const char* detail, const std::string& url) {
    const std::string host = host_of(url);
    // An unusable proxy is named as it was given, with its password.
    const bool may_be_told = *detail && std::string_view(detail).find('@') == std::string_view::npos;
    const std::string reason = may_be_told ? detail : curl_easy_strerror(code);
    using Kind = Outcome::Kind;
    switch (code) {
        case CURLE_OK: return {};
        case CURLE_WRITE_ERROR: return {Kind::refused, reason};
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_ISSUER_ERROR:
            return {Kind::refused, "the certificate of " + host + " is not trusted (" + reason +
                                       "): give the file of its authority's certificates"};
        case CURLE_SSL_CACERT_BADFILE:
            return {Kind::refused, "the file of trusted certificates cannot be read"};
        case CURLE_URL_MALFORMAT:
        case CURLE_UNSUPPORTED_PROTOCOL:
            return {Kind::refused, "no server can be reached at " + host + ": " + curl_easy_strerror(code)};
        case CURLE_COULDNT_RESOLVE_PROXY: return {Kind::refused, "the proxy's name is not known"};
        case CURLE_READ_ERROR:
        case CURLE_ABORTED_BY_CALLBACK: return {Kind::refused, "the file to send cannot be read"};
        case CURLE_COULDNT_RESOLVE_HOST:
            return {Kind::broken, "no server is called " + host + ": check the endpoint and the network"};
        case CURLE_COULDNT_CONNECT: return {Kind::broken, "no connection to " + host + " (" + reason + ")"};
        default: return {Kind::broken, "the connection to " + host + " broke (" + reason + ")"};
    }
}

}  // namespace

struct Line::Impl {
    Library library;
    Handle handle{curl_easy_init()};
};

Line::Line() : impl_(std::make_unique<Impl>()) {
    if (!impl_->handle) throw Error(ErrorCode::overloaded, "no memory for a connection");
}

Line::~Line() = default;

Outcome Line::perform(const Request& request, const Settings& settings, Response& head,
                      const Receive& receive) {
    CURL* handle = impl_->handle.get();
    curl_easy_reset(handle);  // connections stay open
    const HeaderList headers = header_list(request.headers);
    std::array<char, CURL_ERROR_SIZE> detail{};
    Transfer transfer;
    transfer.left = transfer.body = request.body;
    transfer.head = &head;
    transfer.receive = &receive;
    transfer.patience = settings.stalled_after;
    transfer.while_waiting = &settings.while_waiting;
    curl_off_t size = static_cast<curl_off_t>(request.body.size());
    File file;
    if (!request.body_file.empty()) {
        file = open_body(request.body_file, size);
        transfer.file = file.get();
    }

    set(handle, CURLOPT_URL, request.url.c_str());
    set(handle, CURLOPT_PATH_AS_IS, 1L);
    set(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    set(handle, CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
    set(handle, CURLOPT_HTTPHEADER, headers.get());
    set(handle, CURLOPT_USERAGENT, "eventlens");
    set(handle, CURLOPT_NOSIGNAL, 1L);
    set(handle, CURLOPT_TCP_KEEPALIVE, 1L);
    set(handle, CURLOPT_BUFFERSIZE, 128L << 10);
    set(handle, CURLOPT_ERRORBUFFER, detail.data());
    set(handle, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    const bool encrypted = request.url.starts_with("https:");
    set(handle, CURLOPT_PROXY, (encrypted ? settings.https_proxy : settings.http_proxy).c_str());
    set(handle, CURLOPT_NOPROXY, settings.no_proxy.c_str());
    if (!settings.ca_file.empty()) set(handle, CURLOPT_CAINFO, settings.ca_file.c_str());
    set(handle, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(settings.connect_within.count()));
    set(handle, CURLOPT_NOPROGRESS, 0L);
    set(handle, CURLOPT_XFERINFOFUNCTION, &on_progress);
    set(handle, CURLOPT_XFERINFODATA, &transfer);
    if (request.method == "PUT") {
        set(handle, CURLOPT_UPLOAD, 1L);
        set(handle, CURLOPT_INFILESIZE_LARGE, size);
        set(handle, CURLOPT_READFUNCTION, &on_send);
        set(handle, CURLOPT_READDATA, &transfer);
        set(handle, CURLOPT_SEEKFUNCTION, &on_seek);
        set(handle, CURLOPT_SEEKDATA, &transfer);
    } else if (request.method == "POST") {
        set(handle, CURLOPT_POST, 1L);
        set(handle, CURLOPT_POSTFIELDSIZE_LARGE, size);
        set(handle, CURLOPT_READFUNCTION, &on_send);
        set(handle, CURLOPT_READDATA, &transfer);
        set(handle, CURLOPT_SEEKFUNCTION, &on_seek);
        set(handle, CURLOPT_SEEKDATA, &transfer);
    } else if (request.method == "HEAD") {
        set(handle, CURLOPT_NOBODY, 1L);
    } else if (request.method != "GET") {
        set(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
    set(handle, CURLOPT_HEADERFUNCTION, &on_header);
    set(handle, CURLOPT_HEADERDATA, &transfer);
    set(handle, CURLOPT_WRITEFUNCTION, &on_body);
    set(handle, CURLOPT_WRITEDATA, &transfer);

    const CURLcode code = curl_easy_perform(handle);
    set(handle, CURLOPT_ERRORBUFFER, static_cast<char*>(nullptr));  // it ends with this call
    if (transfer.thrown) std::rethrow_exception(transfer.thrown);
    if (transfer.stalled && code == CURLE_ABORTED_BY_CALLBACK)
        return {Outcome::Kind::broken, host_of(request.url) + " sends nothing any more", {}};
    Outcome outcome = outcome_of(code, detail.data(), request.url);
    curl_off_t wait = 0;
    if (curl_easy_getinfo(handle, CURLINFO_RETRY_AFTER, &wait) == CURLE_OK)
        outcome.retry_after = std::chrono::seconds(wait);
    return outcome;
}

}  // namespace eventlens::http
