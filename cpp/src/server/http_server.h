#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "server/http_message.h"

// Sockets in, requests out. The only home of Boost.
namespace eventlens::server {

// What may come of a request whose header has been read.
struct Admission {
    std::size_t max_body = 0;  // bytes; a larger one is refused unread
    Work work = Work::reading;
    std::string share{};  // of Work::storage: what waits for the same folders and buckets
    std::function<Reply(const Request&)> answer{};  // called once, when the body is there
};

// What the sockets' side asks of the other.
class Application {
  public:
    virtual ~Application() = default;

    // Whether the request may come in; its body is still empty. What it throws is the answer.
    virtual Admission admit(Request& request) = 0;

    // The answer to a request that ended by an exception, or that was never one: too long, not HTTP.
    virtual Reply refuse(const Request& request, const std::exception& reason) = 0;

    // Headers that belong to the answer.
    virtual void complete(const Request& request, Reply& reply) = 0;

    // Told of every answer that was sent, or could not be.
    virtual void answered(const Request& request, const Reply& reply, std::chrono::microseconds took) = 0;
};

struct HttpOptions {
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;               // 0: any that is free
    int threads = 1;                      // that read and write sockets
    std::filesystem::path certificate{};  // PEM, the whole chain; empty: no TLS
    std::filesystem::path private_key{};  // PEM
    std::vector<std::string>
        trusted_proxies{};               // networks whose X-Forwarded-* are believed: "10.0.0.0/8", "::1/128"
    std::size_t max_header = 16 * 1024;  // bytes
    std::size_t max_connections = 10'000;  // further ones are closed at once
    std::size_t max_waiting = 1000;        // answers in work or waiting, of one kind of work; then 429
    std::size_t max_bodies = std::size_t{512} << 20;  // bytes of all bodies that are here at once; then 429
    std::chrono::seconds header_within{10};           // of the first byte of a request; TLS handshakes too
    std::chrono::seconds body_within{60};             // of the header
    std::chrono::seconds idle{75};                    // between requests of a connection
    std::chrono::seconds write_within{30};            // for each 256 kB of an answer
};

// Throws Error(bad_input) for a certificate that cannot be used, and for a key that cannot be used with it;
// without a key it looks at the certificate alone.
void check_tls_files(const std::filesystem::path& certificate, const std::filesystem::path& key);

// Threads for each kind of work but the light. One pool may serve several servers.
class WorkerPool {
  public:
    struct Threads {
        int reading = 4;
        int recognition = 2;
        int storage = 8;
    };
    explicit WorkerPool(const Threads& threads);
    ~WorkerPool();  // when what was begun is done

    // Answers in work or waiting for a thread.
    std::size_t waiting() const;

    struct Impl;
    Impl& impl() { return *impl_; }

  private:
    std::unique_ptr<Impl> impl_;
};

// Serves from construction on. `application` and `workers` must outlive it.
class HttpServer {
  public:
    // Throws Error(bad_input) for an address that cannot be listened on, and for certificates and networks
    // that cannot be read.
    HttpServer(Application& application, WorkerPool& workers, const HttpOptions& options);
    ~HttpServer();  // stop() without time

    std::uint16_t port() const;
    std::size_t connections() const;

    // Takes no more connections, lets requests that have come in be answered for as long, closes. Whoever is
    // still at work then is told by `give_up`, and waited for.
    void stop(std::chrono::milliseconds drain, const std::function<void()>& give_up = {});

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace eventlens::server
