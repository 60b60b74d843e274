#include "server/log.h"

#include <spdlog/async.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>

#include "eventlens/error.h"

namespace eventlens::server {

namespace {

constexpr std::size_t lines_waiting = 8192;  // when that many wait to be written, the oldest are dropped

std::string json_text(std::string_view text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

spdlog::level::level_enum level_named(const std::string& name) {
    return spdlog::level::from_str(name == "warning" ? "warn" : name == "error" ? "err" : name);
}

// "…/Kim.jpg"
bool has_ending(std::string_view place) {
    constexpr std::size_t longest = 6;
    const std::size_t dot = place.rfind('.');
    if (dot == std::string_view::npos) return false;
    const std::string_view ending = place.substr(dot + 1);
    return !ending.empty() && ending.size() <= longest &&
           ending.find_first_of("/ :") == std::string_view::npos;
}

}  // namespace

struct Log::Impl {
    std::shared_ptr<spdlog::async_logger> logger;
    // Goes first: when it has written what waits, nobody but us holds the logger.
    std::shared_ptr<spdlog::details::thread_pool> writer =
        std::make_shared<spdlog::details::thread_pool>(lines_waiting, 1);
};

Log::Log(const std::string& level, const std::filesystem::path& file) : impl_(std::make_unique<Impl>()) {
    spdlog::sink_ptr sink;
    try {
        if (file.empty()) {
            sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
        } else {
            sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(file.string());
        }
    } catch (const spdlog::spdlog_ex& error) {
        throw Error(ErrorCode::bad_input, std::string("cannot write the log: ") + error.what());
    }
    impl_->logger = std::make_shared<spdlog::async_logger>("eventlens", sink, impl_->writer,
                                                           spdlog::async_overflow_policy::overrun_oldest);
    impl_->logger->set_level(level_named(level));
    impl_->logger->flush_on(spdlog::level::warn);
    impl_->logger->set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})",
                               spdlog::pattern_time_type::utc);
}

Log::~Log() {
    impl_->logger->flush();
}

void Log::answered(const Request& request, const Reply& reply, std::chrono::microseconds took) {
    if (!impl_->logger->should_log(spdlog::level::info)) return;
    const auto bytes = reply.stream ? reply.stream->length : static_cast<std::int64_t>(reply.body.size());
    impl_->logger->info(R"("request":"{}","method":{},"route":"{}","status":{},"ms":{:.3f},"bytes":{})",
                        request.id, json_text(request.method), request.route, reply.status,
                        static_cast<double>(took.count()) / 1000, bytes);
}

void Log::failure(const Request& request, const std::exception& reason) {
    impl_->logger->error(R"("request":"{}","route":"{}","error":{})", request.id, request.route,
                         json_text(without_names(reason.what())));
}

void Log::info(std::string_view what) {
    impl_->logger->info(R"("message":{})", json_text(what));
}

void Log::warning(std::string_view what) {
    impl_->logger->warn(R"("message":{})", json_text(what));
}

std::string without_names(std::string_view trouble) {
    const std::size_t scheme = trouble.find("://");
    const std::size_t place = trouble.find('/', scheme == std::string_view::npos ? 0 : scheme + 3);
    if (place == std::string_view::npos) return std::string(trouble);
    std::string told(trouble.substr(0, place + 1));
    told += "…";
    // Behind the first colon that follows a file's ending, or else behind the last one, comes the reason.
    std::size_t reason = trouble.find(": ", place);
    while (reason != std::string_view::npos && !has_ending(trouble.substr(place, reason - place)))
        reason = trouble.find(": ", reason + 1);
    if (reason == std::string_view::npos) reason = trouble.rfind(": ");
    if (reason != std::string_view::npos && reason > place) told += trouble.substr(reason);
    return told;
}

}  // namespace eventlens::server
