#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace eventlens {

// What the server sends for one request, and what it does then.
struct Reply {
    std::string bytes;  // the status line, headers and body, as they go out
    enum class Then { keep, close, stall } then = Then::keep;
};

// An HTTP server on loopback that replies as the test says, to see how a client bears it.
class LoopbackServer {
  public:
    // `answer` is called with each request's header and body, one call at a time.
    explicit LoopbackServer(std::function<Reply(const std::string& request)> answer)
        : answer_(std::move(answer)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        auto* generic = reinterpret_cast<sockaddr*>(&address);
        if (::bind(listener_, generic, length) != 0 || ::listen(listener_, 16) != 0 ||
            ::getsockname(listener_, generic, &length) != 0)
            throw std::runtime_error("cannot listen on loopback");
        port_ = ntohs(address.sin_port);
        acceptor_ = std::thread([this] { accept_all(); });
    }

    ~LoopbackServer() {
        stopping_ = true;
        acceptor_.join();
        for (std::thread& thread : connections_) thread.join();
        ::close(listener_);
    }

    LoopbackServer(const LoopbackServer&) = delete;
    LoopbackServer& operator=(const LoopbackServer&) = delete;

    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

    int connections() const { return accepted_; }

    std::vector<std::string> requests() const {
        const std::lock_guard lock(mutex_);
        return requests_;
    }

  private:
    // False: the server is stopping.
    bool wait_for(int socket) const {
        while (!stopping_) {
            pollfd waiting{socket, POLLIN, 0};
            if (::poll(&waiting, 1, 20) > 0) return true;
        }
        return false;
    }

    void accept_all() {
        while (wait_for(listener_)) {
            const int socket = ::accept(listener_, nullptr, nullptr);
            if (socket < 0) continue;
            ++accepted_;
            connections_.emplace_back([this, socket] {
                serve(socket);
                ::close(socket);
            });
        }
    }

    void serve(int socket) {
        std::string received;
        while (true) {
            std::size_t end = 0;
            std::size_t needed = 1;
            while (received.size() < needed) {
                char block[4096];
                if (!wait_for(socket)) return;
                const ssize_t count = ::recv(socket, block, sizeof block, 0);
                if (count <= 0) return;
                received.append(block, static_cast<std::size_t>(count));
                end = received.find("\r\n\r\n");
                needed = received.size() + 1;
                if (end == std::string::npos) continue;
                needed = end + 4;
                const std::size_t length = received.find("Content-Length: ");
                if (length < end) needed += std::stoul(received.substr(length + 16, 20));
            }
            const std::string request = received.substr(0, needed);
            received.erase(0, needed);
            Reply reply;
            {
                const std::lock_guard lock(mutex_);
                requests_.push_back(request);
                reply = answer_(request);
            }
            for (std::size_t sent = 0; sent < reply.bytes.size();) {
                const ssize_t count =
                    ::send(socket, reply.bytes.data() + sent, reply.bytes.size() - sent, MSG_NOSIGNAL);
                if (count <= 0) return;
                sent += static_cast<std::size_t>(count);
            }
            if (reply.then == Reply::Then::close) return;
            if (reply.then == Reply::Then::stall) {
                wait_for(socket);  // until the client gives up
                return;
            }
        }
    }

    std::function<Reply(const std::string&)> answer_;
    int listener_;
    int port_ = 0;
    std::atomic<bool> stopping_ = false;
    std::atomic<int> accepted_ = 0;
    mutable std::mutex mutex_;
    std::vector<std::string> requests_;
    std::vector<std::thread> connections_;
    std::thread acceptor_;
};

}  // namespace eventlens
