#include "server/http_server.h"

#include <atomic>
#include <list>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>

#include "eventlens/error.h"
#include "server/fair_threads.h"
#include "server/networks.h"
#include "server/replies.h"

namespace eventlens::server {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using net::ip::tcp;

namespace {

using Clock = std::chrono::steady_clock;
using Parser = http::request_parser<http::string_body>;
using PlainStream = beast::tcp_stream;
using TlsStream = beast::ssl_stream<beast::tcp_stream>;

constexpr std::size_t piece_of_an_answer = 256 * 1024;
constexpr std::size_t behind_the_head = 64 * 1024;  // of an answer, copied there and sent along with it
constexpr std::size_t read_ahead = 16 * 1024;       // of the request behind this one
constexpr std::chrono::seconds lingering{2};  // to read on after a refusal, so that it is not lost in a reset

std::string_view trimmed(std::string_view text) {
    const std::size_t start = text.find_first_not_of(" \t");
    if (start == std::string_view::npos) return {};
    return text.substr(start, text.find_last_not_of(" \t") - start + 1);
}

// "Example.org:8080" -> "example.org"
std::string host_name(std::string_view authority) {
    std::string name(authority);
    const std::size_t bracket = name.rfind(']');  // of an IPv6 address
    const std::size_t colon = name.rfind(':');
    if (colon != std::string::npos && (bracket == std::string::npos || colon > bracket)) name.resize(colon);
    for (char& c : name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    return name;
}

// Who asks and for which host, as the nearest proxies that are trusted say.
void believe_proxies(Request& request, const net::ip::address& peer, const Networks& trusted) {
    request.peer = peer.to_string();
    if (!trusted.hold(request.peer)) return;
    std::string_view forwarded = request.headers.get("X-Forwarded-For").value_or("");
    while (!forwarded.empty()) {  // the last was written by the nearest
        const std::size_t comma = forwarded.rfind(',');
        const std::string_view last =
            trimmed(comma == std::string_view::npos ? forwarded : forwarded.substr(comma + 1));
        error_code failed;
        const auto address = net::ip::make_address(std::string(last), failed);
        if (failed) break;
        request.peer = address.to_string();
        if (!trusted.hold(request.peer) || comma == std::string_view::npos) break;
        forwarded = forwarded.substr(0, comma);
    }
    if (const auto scheme = request.headers.get("X-Forwarded-Proto"))
        request.secure = trimmed(*scheme) == "https";
    if (const auto host = request.headers.get("X-Forwarded-Host")) {
        request.authority = std::string(trimmed(*host));
        request.host = host_name(request.authority);
    }
}

// The request without its body. Throws Refusal(400).
Request request_of(const Parser& parser, bool secure, const net::ip::address& peer, const Networks& trusted) {
    const auto& header = parser.get().base();
    Request request;
    request.secure = secure;
    request.method = std::string(header.method_string());
    for (const auto& field : header)
        request.headers.add(std::string(field.name_string()), std::string(field.value()));

    std::string_view target(header.target().data(), header.target().size());
    if (request.headers.count("Host") > 1) throw Refusal(400, "The header Host is given twice");
    std::string_view authority = request.headers.get("Host").value_or("");
    if (parser.get().version() >= 11 && !request.headers.get("Host"))
        throw Refusal(400, "The header Host is missing");
    for (const std::string_view scheme : {"http://", "https://"}) {  // as it comes through a proxy
        if (!target.starts_with(scheme)) continue;
        const std::size_t end = std::min(target.find_first_of("/?", scheme.size()), target.size());
        authority = target.substr(scheme.size(), end - scheme.size());
        target.remove_prefix(end);
        if (target.empty()) target = "/";
        break;
    }
    request.authority = std::string(trimmed(authority));
    request.host = host_name(request.authority);
    target = target.substr(0, target.find('#'));
    const std::size_t question = std::min(target.find('?'), target.size());
    request.path = std::string(target.substr(0, question));
    if (question < target.size()) request.query = std::string(target.substr(question + 1));
    believe_proxies(request, peer, trusted);
    return request;
}

// What is no header line's, whoever wrote it, does not get into one.
void put_header(std::string& head, std::string_view name, std::string_view value) {
    head += name;
    head += ": ";
    for (const char c : value) head += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    head += "\r\n";
}

std::string head_of(const Reply& reply, std::int64_t length, bool keep_alive) {
    std::string head;
    head.reserve(512);
    head += "HTTP/1.1 ";
    head += std::to_string(reply.status);
    head += ' ';
    const auto reason = http::obsolete_reason(static_cast<http::status>(reply.status));
    head.append(reason.data(), reason.size());
    head += "\r\n";
    if (!reply.content_type.empty()) put_header(head, "Content-Type", reply.content_type);
    if (reply.status != 304 && reply.status != 204)
        put_header(head, "Content-Length", std::to_string(length));
    for (const auto& [name, value] : reply.headers) put_header(head, name, value);
    if (!keep_alive) put_header(head, "Connection", "close");
    head += "\r\n";
    return head;
}

int status_of(const error_code& failed) {
    if (failed == http::error::header_limit || failed == http::error::buffer_overflow) return 431;
    if (failed == http::error::body_limit) return 413;
    return 400;
}

const char* words_for(int status) {
    switch (status) {
        case 413: return "The body is too large";
        case 431: return "The header is too large";
        default: return "This is no HTTP request that can be understood";
    }
}

bool is_http_mistake(const error_code& failed) {
    return failed.category() == make_error_code(http::error::bad_method).category() &&
           failed != http::error::end_of_stream && failed != http::error::partial_message;
}

// Without a key the certificate alone. Throws Error(bad_input) for files that cannot be used.
net::ssl::context tls_context(const std::filesystem::path& certificate, const std::filesystem::path& key) {
    net::ssl::context context(net::ssl::context::tls_server);
    error_code failed;
    context.set_options(net::ssl::context::default_workarounds | net::ssl::context::no_tlsv1 |
                        net::ssl::context::no_tlsv1_1 | net::ssl::context::single_dh_use);
    context.use_certificate_chain_file(certificate.string(), failed);
    if (failed)
        throw Error(ErrorCode::bad_input,
                    "cannot use the certificate " + certificate.string() + ": " + failed.message());
    if (key.empty()) return context;
    // A server has nobody to ask for the password of a key.
    context.set_password_callback([](std::size_t, auto) { return std::string(); });
    context.use_private_key_file(key.string(), net::ssl::context::pem, failed);
    if (failed)
        throw Error(ErrorCode::bad_input,
                    "cannot use the private key " + key.string() + ": " + failed.message());
    return context;
}

// A connection that may be told to end when it is between requests.
struct Connection {
    PlainStream* stream = nullptr;
    bool idle = true;
};

// One thread's part: its connections run on it alone, so that nothing of them needs a lock.
struct Lane {
    net::io_context context{1};
    std::list<Connection> connections;
    std::thread thread;
};

class InWork {
  public:
    explicit InWork(std::atomic<std::size_t>& count) : count_(count) { count_.fetch_add(1); }
    ~InWork() { count_.fetch_sub(1); }
    InWork(const InWork&) = delete;
    InWork& operator=(const InWork&) = delete;

  private:
    std::atomic<std::size_t>& count_;
};

// Bytes of request bodies that are in memory, of all connections.
class HeldBytes {
  public:
    explicit HeldBytes(std::atomic<std::size_t>& all) : all_(all) {}
    ~HeldBytes() { all_.fetch_sub(ours_); }
    HeldBytes(const HeldBytes&) = delete;
    HeldBytes& operator=(const HeldBytes&) = delete;

    // False when that would be too many.
    bool grow_to(std::size_t bytes, std::size_t most) {
        if (bytes <= ours_) return true;
        if (all_.fetch_add(bytes - ours_) + bytes - ours_ > most) {
            all_.fetch_sub(bytes - ours_);
            return false;
        }
        ours_ = bytes;
        return true;
    }

  private:
    std::atomic<std::size_t>& all_;
    std::size_t ours_ = 0;
};

Refusal busy() {
    Refusal refusal(429, "Too much is being asked at once; try again in a moment");
    refusal.headers.emplace_back("Retry-After", "1");
    return refusal;
}

// Returns work(), run where `post` puts tasks; `running` counts those that are still at it, and is told last:
// whoever waits for 0 may then destroy what the connection's thread runs on. (net::co_spawn would touch that
// again after it has resumed us.)
template <typename Post, typename Work>
net::awaitable<std::invoke_result_t<Work&>> on_worker(Post post, std::atomic<std::size_t>& running,
                                                      Work work) {
    std::optional<std::invoke_result_t<Work&>> result;
    std::exception_ptr error;
    co_await net::async_initiate<decltype(net::use_awaitable), void()>(
        [&](auto resume) {
            running.fetch_add(1);
            post(FairThreads::Task([&, resume = std::move(resume)]() mutable {
                try {
                    result.emplace(work());
                } catch (...) {
                    error = std::current_exception();
                }
                std::atomic<std::size_t>& count = running;  // our own references end with the coroutine
                const auto executor = net::get_associated_executor(resume);
                net::post(executor, std::move(resume));
                count.fetch_sub(1);
            }));
        },
        net::use_awaitable);
    if (error) std::rethrow_exception(error);
    co_return *std::move(result);
}

}  // namespace

void check_tls_files(const std::filesystem::path& certificate, const std::filesystem::path& key) {
    (void)tls_context(certificate, key);
}

struct WorkerPool::Impl {
    struct Pool {
        explicit Pool(int count) : threads(static_cast<std::size_t>(count)) {}
        net::thread_pool threads;
        std::atomic<std::size_t> waiting{0};  // answers in work or waiting for a thread
    };

    explicit Impl(const Threads& threads)
        : reading(threads.reading), recognition(threads.recognition), storage(threads.storage) {}

    std::atomic<std::size_t>& waiting(Work work) {
        switch (work) {
            case Work::recognition: return recognition.waiting;
            case Work::storage: return storage_waiting;
            case Work::light:
            case Work::reading: break;
        }
        return reading.waiting;
    }

    void post(Work work, const std::string& share, FairThreads::Task task) {
        if (work == Work::storage) {
            storage.post(share, std::move(task));
        } else {
            net::post(work == Work::recognition ? recognition.threads : reading.threads, std::move(task));
        }
    }

    Pool reading;
    Pool recognition;
    FairThreads storage;
    std::atomic<std::size_t> storage_waiting{0};
};

WorkerPool::WorkerPool(const Threads& threads) : impl_(std::make_unique<Impl>(threads)) {}
WorkerPool::~WorkerPool() {
    impl_->recognition.threads.join();
    impl_->reading.threads.join();
}

std::size_t WorkerPool::waiting() const {
    return impl_->reading.waiting + impl_->recognition.waiting + impl_->storage_waiting;
}

struct HttpServer::Impl {
    Impl(Application& app, WorkerPool& worker_pool, const HttpOptions& wanted)
        : application(app), workers(worker_pool.impl()), options(wanted), trusted(wanted.trusted_proxies) {
        if (!options.certificate.empty()) tls.emplace(tls_context(options.certificate, options.private_key));
        for (int i = 0; i < std::max(1, options.threads); ++i) lanes.push_back(std::make_unique<Lane>());
        listen();
        net::co_spawn(lanes.front()->context, accept(), net::detached);
        for (const auto& lane : lanes) {
            guards.push_back(net::make_work_guard(lane->context));
            lane->thread = std::thread([&context = lane->context] { context.run(); });
        }
    }

    void listen() {
        const std::string place = options.address + ":" + std::to_string(options.port);
        error_code failed;
        const auto address = net::ip::make_address(options.address, failed);
        if (failed)
            throw Error(ErrorCode::bad_input, "cannot listen on " + place + ": that is no IP address");
        const tcp::endpoint endpoint(address, options.port);
        acceptor.emplace(lanes.front()->context);
        acceptor->open(endpoint.protocol(), failed);
        if (!failed) acceptor->set_option(tcp::acceptor::reuse_address(true), failed);
        if (!failed) acceptor->bind(endpoint, failed);
        if (!failed) acceptor->listen(net::socket_base::max_listen_connections, failed);
        if (failed) throw Error(ErrorCode::bad_input, "cannot listen on " + place + ": " + failed.message());
        port = acceptor->local_endpoint().port();
    }

    net::awaitable<void> accept() {
        std::size_t next = 0;
        while (!draining) {
            Lane& lane = *lanes[next++ % lanes.size()];
            error_code failed;
            tcp::socket socket(lane.context);
            co_await acceptor->async_accept(socket, net::redirect_error(net::use_awaitable, failed));
            if (draining) co_return;
            if (failed) {  // out of file descriptors, most likely: some will be given back
                net::steady_timer rest(lanes.front()->context, std::chrono::milliseconds(100));
                co_await rest.async_wait(net::redirect_error(net::use_awaitable, failed));
                continue;
            }
            if (open.load() >= options.max_connections) continue;  // closes it
            socket.set_option(tcp::no_delay(true), failed);
            open.fetch_add(1);
            net::co_spawn(lane.context, serve(std::move(socket), lane), net::detached);
        }
    }

    // A connection, from its first byte to its last.
    net::awaitable<void> serve(tcp::socket socket, Lane& lane) {
        error_code failed;
        const auto remote = socket.remote_endpoint(failed);
        try {
            if (tls) {
                TlsStream stream(std::move(socket), *tls);
                beast::get_lowest_layer(stream).expires_after(options.header_within);
                co_await stream.async_handshake(net::ssl::stream_base::server,
                                                net::redirect_error(net::use_awaitable, failed));
                if (!failed) co_await serve_requests(stream, remote.address(), lane);
            } else {
                PlainStream stream(std::move(socket));
                co_await serve_requests(stream, remote.address(), lane);
            }
        } catch (const std::exception& error) {  // out of memory: this connection ends, others go on
            application.answered({}, application.refuse({}, error), {});
        }
        open.fetch_sub(1);
    }

    template <typename Stream>
    net::awaitable<void> serve_requests(Stream& stream, net::ip::address peer, Lane& lane) {
        PlainStream& tcp_layer = beast::get_lowest_layer(stream);
        lane.connections.push_front({&tcp_layer});
        const auto connection = lane.connections.begin();
        beast::flat_buffer buffer(options.max_header + read_ahead);
        bool lingers = false;
        try {
            while (!draining) {
                if (buffer.size() == 0 && !co_await wait_for_request(stream, buffer)) break;
                connection->idle = false;
                const Ending ending = co_await serve_request(stream, buffer, peer);
                connection->idle = true;
                lingers = ending == Ending::linger;
                if (ending != Ending::next) break;
            }
        } catch (...) {
            lane.connections.erase(connection);
            throw;
        }
        lane.connections.erase(connection);
        co_await close(stream, lingers);
    }

    template <typename Stream>
    net::awaitable<bool> wait_for_request(Stream& stream, beast::flat_buffer& buffer) {
        error_code failed;
        beast::get_lowest_layer(stream).expires_after(options.idle);
        const std::size_t count = co_await stream.async_read_some(
            buffer.prepare(4096), net::redirect_error(net::use_awaitable, failed));
        buffer.commit(count);
        co_return !failed;
    }

    enum class Ending { next, close, linger };

    template <typename Stream>
    net::awaitable<Ending> serve_request(Stream& stream, beast::flat_buffer& buffer,
                                         const net::ip::address& peer) {
        const auto begun = Clock::now();
        error_code failed;
        Parser parser;
        parser.header_limit(static_cast<std::uint32_t>(options.max_header));
        parser.body_limit(boost::none);  // set when it is known what is asked for
        beast::get_lowest_layer(stream).expires_after(options.header_within);
        co_await http::async_read_header(stream, buffer, parser,
                                         net::redirect_error(net::use_awaitable, failed));
        if (failed && !is_http_mistake(failed)) co_return Ending::close;

        Request request;
        Reply reply;
        std::string share;
        bool whole = false;  // the request has been read to its end
        try {
            if (failed) throw Refusal(status_of(failed), words_for(status_of(failed)));
            request = request_of(parser, tls.has_value(), peer, trusted);
            const Admission admission = application.admit(request);
            share = admission.share;
            if (parser.content_length() && *parser.content_length() > admission.max_body)
                throw Refusal(413, words_for(413));
            parser.body_limit(admission.max_body);
            HeldBytes held(bodies);
            if (!parser.is_done()) {
                co_await read_body(stream, buffer, parser, held, failed);
                if (failed && !is_http_mistake(failed)) co_return Ending::close;
                if (failed) throw Refusal(status_of(failed), words_for(status_of(failed)));
            }
            whole = true;
            request.body = std::move(parser.get().body());
            reply = co_await answer(admission, request);
        } catch (const std::exception& error) {
            reply = application.refuse(request, error);
        }
        request.body = {};
        parser.get().body() = {};
        whole = whole || (!failed && parser.is_done());
        application.complete(request, reply);
        const bool keep_alive = whole && parser.get().keep_alive() && !draining;
        const bool sent = co_await send(stream, reply, share, request.method == "HEAD", keep_alive);
        application.answered(request, reply,
                             std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begun));
        if (!sent) co_return Ending::close;
        co_return keep_alive ? Ending::next : whole ? Ending::close : Ending::linger;
    }

    template <typename Stream>
    net::awaitable<void> read_body(Stream& stream, beast::flat_buffer& buffer, Parser& parser,
                                   HeldBytes& held, error_code& failed) {
        beast::get_lowest_layer(stream).expires_after(options.body_within);
        if (beast::iequals(parser.get()[http::field::expect], "100-continue")) {
            constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
            co_await net::async_write(stream, net::buffer(go_on),
                                      net::redirect_error(net::use_awaitable, failed));
            if (failed) co_return;
        }
        while (!failed && !parser.is_done()) {
            co_await http::async_read_some(stream, buffer, parser,
                                           net::redirect_error(net::use_awaitable, failed));
            if (!held.grow_to(parser.get().body().size(), options.max_bodies)) throw busy();
        }
    }

    net::awaitable<Reply> answer(const Admission& admission, const Request& request) {
        if (admission.work == Work::light) co_return admission.answer(request);
        std::atomic<std::size_t>& waiting = workers.waiting(admission.work);
        if (waiting.load() >= options.max_waiting) throw busy();
        if (admission.work == Work::storage &&
            workers.storage.waiting(admission.share) >= options.max_waiting / 2)
            throw busy();
        const InWork counted(waiting);
        const auto post = [&](FairThreads::Task task) {
            workers.post(admission.work, admission.share, std::move(task));
        };
        co_return co_await on_worker(post, on_workers, [&] {
            if (closing)
                throw Refusal(503, "The server is ending");  // nobody is left who would hear an answer
            return admission.answer(request);
        });
    }

    template <typename Stream>
    net::awaitable<bool> send(Stream& stream, const Reply& reply, const std::string& share, bool head_only,
                              bool keep_alive) {
        const auto length =
            reply.stream ? reply.stream->length : static_cast<std::int64_t>(reply.body.size());
        const std::string_view body =
            head_only || reply.stream ? std::string_view() : std::string_view(reply.body);
        // Every write is of one buffer: of two, Beast's TLS stream may lose the second.
        std::string first = head_of(reply, length, keep_alive);
        first += body.substr(0, behind_the_head);
        error_code failed;
        beast::get_lowest_layer(stream).expires_after(options.write_within);
        co_await net::async_write(stream, net::buffer(first),
                                  net::redirect_error(net::use_awaitable, failed));
        for (std::size_t done = behind_the_head; !failed && done < body.size(); done += piece_of_an_answer) {
            beast::get_lowest_layer(stream).expires_after(options.write_within);
            co_await net::async_write(stream, net::buffer(body.substr(done, piece_of_an_answer)),
                                      net::redirect_error(net::use_awaitable, failed));
        }
        if (failed || !reply.stream || head_only) co_return !failed;
        co_return co_await send_stream(stream, *reply.stream, share);
    }

    // False when what was promised could not be sent: the connection must end, so that the client sees it.
    template <typename Stream>
    net::awaitable<bool> send_stream(Stream& stream, const StreamedBody& body, const std::string& share) {
        const auto post = [&](FairThreads::Task task) {
            workers.post(Work::storage, share, std::move(task));
        };
        std::vector<std::byte> piece(piece_of_an_answer);
        std::int64_t done = 0;
        while (done < body.length) {
            if (closing) co_return false;
            const auto wanted = std::min<std::int64_t>(body.length - done, piece_of_an_answer);
            std::size_t count = 0;
            try {
                count = co_await on_worker(post, on_workers, [&] {
                    return body.content->read(body.offset + done,
                                              std::span(piece).first(static_cast<std::size_t>(wanted)));
                });
            } catch (const std::exception&) {
                co_return false;  // the store failed midway: nothing else can be said any more
            }
            if (count == 0) co_return false;
            error_code failed;
            beast::get_lowest_layer(stream).expires_after(options.write_within);
            co_await net::async_write(stream, net::buffer(piece.data(), count),
                                      net::redirect_error(net::use_awaitable, failed));
            if (failed) co_return false;
            done += static_cast<std::int64_t>(count);
        }
        co_return true;
    }

    // After a refusal that left part of the request unread, a while is read on: a connection that is closed
    // with bytes unread is reset, and the client may never see the answer.
    template <typename Stream>
    net::awaitable<void> close(Stream& stream, bool lingers) {
        PlainStream& tcp_layer = beast::get_lowest_layer(stream);
        error_code failed;
        if constexpr (std::is_same_v<Stream, TlsStream>) {
            tcp_layer.expires_after(lingering);
            co_await stream.async_shutdown(net::redirect_error(net::use_awaitable, failed));
        }
        tcp_layer.socket().shutdown(tcp::socket::shutdown_send, failed);
        if (!lingers) co_return;
        std::vector<char> rest(64 * 1024);
        tcp_layer.expires_after(lingering);
        while (!failed)
            co_await tcp_layer.async_read_some(net::buffer(rest),
                                               net::redirect_error(net::use_awaitable, failed));
    }

    void wait_until_closed(std::chrono::milliseconds patience) {
        const auto deadline = Clock::now() + patience;
        while ((open.load() > 0 || on_workers.load() > 0) && Clock::now() < deadline)
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }

    void cancel_all() {
        for (const auto& lane : lanes) {
            net::post(lane->context, [&connections = lane->connections] {
                for (const Connection& connection : connections) connection.stream->cancel();
            });
        }
    }

    void stop(std::chrono::milliseconds drain, const std::function<void()>& give_up) {
        if (stopped) return;
        stopped = true;
        draining = true;
        net::post(lanes.front()->context, [this] {
            error_code ignored;  // it is being given up
            acceptor->close(ignored);
        });
        for (const auto& lane : lanes) {
            net::post(lane->context, [&connections = lane->connections] {
                for (const Connection& connection : connections) {
                    if (connection.idle) connection.stream->cancel();
                }
            });
        }
        wait_until_closed(drain);
        closing = true;
        if (give_up) give_up();
        // Workers still hold what belongs to connections: they end when these have their answers, and begin
        // to write them.
        while (open.load() > 0 || on_workers.load() > 0) {
            cancel_all();
            wait_until_closed(std::chrono::milliseconds(100));
        }
        guards.clear();
        for (const auto& lane : lanes) lane->context.stop();
        for (const auto& lane : lanes) lane->thread.join();
    }

    Application& application;
    WorkerPool::Impl& workers;
    const HttpOptions options;
    const Networks trusted;
    std::optional<net::ssl::context> tls;
    std::vector<std::unique_ptr<Lane>> lanes;
    std::vector<net::executor_work_guard<net::io_context::executor_type>> guards;
    std::optional<tcp::acceptor> acceptor;
    std::uint16_t port = 0;
    std::atomic<std::size_t> open{0};
    std::atomic<std::size_t> on_workers{0};  // pieces of work that a pool has
    std::atomic<std::size_t> bodies{0};      // bytes of requests
    std::atomic<bool> draining{false};       // no more requests
    std::atomic<bool> closing{false};        // and no more time for those there are
    bool stopped = false;
};

HttpServer::HttpServer(Application& application, WorkerPool& workers, const HttpOptions& options)
    : impl_(std::make_unique<Impl>(application, workers, options)) {}
HttpServer::~HttpServer() {
    impl_->stop(std::chrono::milliseconds(0), {});
}

std::uint16_t HttpServer::port() const {
    return impl_->port;
}
std::size_t HttpServer::connections() const {
    return impl_->open.load();
}
void HttpServer::stop(std::chrono::milliseconds drain, const std::function<void()>& give_up) {
    impl_->stop(drain, give_up);
}

}  // namespace eventlens::server
