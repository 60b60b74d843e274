#include <algorithm>
#include <array>
#include <chrono>
#include <random>
#include <utility>

#include "base/hmac.h"
#include "engine/shift.h"
#include "eventlens/engine.h"
#include "eventlens/error.h"
#include "storage/http.h"

namespace eventlens {

namespace {

using std::chrono::milliseconds;

std::int64_t milliseconds_since_1970() {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<milliseconds>(since).count();
}

http::Settings settings_for(const Engine& engine, const WebhookSenderOptions& options) {
    http::Settings settings = http::Settings::from(engine.storage());
    settings.attempts = 1;  // the queue tries again
    settings.connect_within = options.answer_within;
    settings.stalled_after = std::max(std::chrono::duration_cast<std::chrono::seconds>(options.answer_within),
                                      std::chrono::seconds(1));
    settings.while_waiting = {};
    return settings;
}

}  // namespace

std::string webhook_signature(std::string_view secret, std::int64_t seconds, std::string_view body) {
    const std::string time = std::to_string(seconds);
    const auto digest =
        hmac_sha256(std::as_bytes(std::span(secret)), std::string(time).append(".").append(body));
    constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    for (const std::byte byte : digest) {
        hex += digits[std::to_integer<std::size_t>(byte >> 4)];
        hex += digits[std::to_integer<std::size_t>(byte & std::byte{0xf})];
    }
    return "t=" + time + ",v1=" + hex;
}

struct WebhookSender::Impl {
    Impl(Engine& serving, WebhookSenderOptions wanted)
        : engine(serving),
          options(std::move(wanted)),
          client(settings_for(engine, options)),
          shift(
              options.threads, options.look_every, [this](const std::atomic<bool>&) { return work(); },
              options.on_problem) {}

    bool work() {
        // Twice as long as the slowest answer may take: to connect, and to say something.
        const auto due = engine.catalog().claim_delivery(4 * options.answer_within);
        if (!due) return false;
        std::optional<int> status;
        std::string trouble;
        try {
            status = post(*due);
            if (*status < 200 || *status > 299) trouble = "the answer was " + std::to_string(*status);
        } catch (const Error& error) {
            trouble = error.what();
        }
        if (trouble.empty()) {
            engine.catalog().deliver(due->delivery.id, *status);
        } else {
            engine.catalog().put_off_delivery(due->delivery.id, status, trouble,
                                              next_try(due->delivery.attempts));
        }
        if (options.on_attempt) options.on_attempt(due->delivery, trouble.empty());
        return true;
    }

    int post(const DueDelivery& due) const {
        const std::string& body = due.delivery.payload;
        const std::string signature = webhook_signature(due.secret, milliseconds_since_1970() / 1000, body);
        const http::Call call{.doing = "cannot tell the webhook",
                              .request =
                                  [&](const http::Resume&) {
                                      return http::Request{.method = "POST",
                                                           .url = due.url,
                                                           .headers = {{"Content-Type", "application/json"},
                                                                       {"X-Eventlens-Signature", signature}},
                                                           .body = std::as_bytes(std::span(body))};
                                  },
                              .judge = [](const http::Response&) { return http::Next::done; },
                              .max_body = 1 << 20};
        return client.send(call).status;
    }

    // Absent: it was tried often enough.
    std::optional<UtcMilliseconds> next_try(int attempts) {
        if (attempts >= most_delivery_attempts) return std::nullopt;
        std::int64_t longest = options.first_wait.count();
        for (int i = 1; i < attempts; ++i) longest *= 3;
        const std::lock_guard lock(random_mutex);
        return milliseconds_since_1970() +
               std::uniform_int_distribution<std::int64_t>(longest / 2, longest)(random);
    }

    Engine& engine;
    const WebhookSenderOptions options;
    const http::Client client;
    std::mutex random_mutex;
    std::mt19937_64 random{std::random_device{}()};
    Shift shift;  // ends first
};

WebhookSender::WebhookSender(Engine& engine, const WebhookSenderOptions& options)
    : impl_(std::make_unique<Impl>(engine, options)) {}
WebhookSender::~WebhookSender() = default;

void WebhookSender::wake() {
    impl_->shift.wake();
}

}  // namespace eventlens
