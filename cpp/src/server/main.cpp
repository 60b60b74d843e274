#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <memory>
#include <thread>

#include <CLI/CLI.hpp>

#include "eventlens/engine.h"
#include "eventlens/error.h"
#include "server/application.h"
#include "server/config.h"
#include "server/http_server.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/operation.h"
#include "server/routes.h"
#include "server/service.h"

extern char** environ;

namespace eventlens::server {

namespace {

std::map<std::string, std::string> environment() {
    std::map<std::string, std::string> variables;
    for (char** variable = environ; *variable; ++variable) {
        const std::string_view text(*variable);
        const std::size_t equals = text.find('=');
        if (equals != std::string_view::npos)
            variables.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
    return variables;
}

// What the command line says: flags for every setting, and a file.
struct CommandLine {
    std::string config_file;
    bool check_only = false;
    std::map<std::string, std::string> settings;
};

// Returns an exit code when there is nothing more to do: help was shown, or a mistake.
std::optional<int> read_command_line(int count, char** words, CommandLine& line) {
    CLI::App app(
        "The reference server of Eventlens: finds people in an event's photos and videos, over REST.",
        "eventlens-server");
    app.add_option("--config", line.config_file, "a TOML file with settings")->envname("EVENTLENS_CONFIG");
    app.add_flag("--check-config", line.check_only, "check the settings and end");
    std::map<std::string, std::string> given;
    for (const SettingHelp& setting : settings_help()) {
        const std::string meaning =
            setting.meaning + (setting.standard.empty() ? "" : " (" + setting.standard + ")");
        app.add_option_function<std::string>(
            flag_of(setting.name),
            [&line, name = setting.name](const std::string& value) { line.settings[name] = value; }, meaning);
    }
    app.footer(
        "Settings come from the file, then from the environment (EVENTLENS_LISTEN, EVENTLENS_RATE_SEARCHES, "
        "...), then\n"
        "from flags; the later win. EVENTLENS_ADMIN_KEY turns administration on. Make a key for clients "
        "with\n"
        "  eventlens key create --org 1 --workspace DIR\n"
        "SIGTERM or Ctrl-C ends the server when what is in work is done.");
    try {
        app.parse(count, words);
    } catch (const CLI::ParseError& mistake) {
        const int code = app.exit(mistake);
        return code == 0 ? 0 : 2;
    }
    return std::nullopt;
}

Config config_of(const CommandLine& line) {
    Config config;
    if (!line.config_file.empty()) read_config_file(config, line.config_file);
    read_environment(config, environment());
    for (const auto& [name, value] : line.settings) set_by_name(config, name, value);
    complete(config);
    return config;
}

// `giving_up`: nobody waits for a folder or a bucket any more.
EngineOptions engine_options(const Config& config, Metrics& metrics, const std::atomic<bool>& giving_up) {
    EngineOptions options;
    options.manifests = manifests_of(config);
    const std::string& precision = config.models.precision;
    options.runtime.precision = precision == "f32"    ? Precision::f32
                                : precision == "bf16" ? Precision::bf16
                                                      : Precision::automatic;
    options.runtime.on_run = [&metrics](const std::string& model, double seconds) {
        metrics.model_ran(model, seconds);
    };
    options.faces.embedder = config.models.embedder;
    options.bibs.reader = config.models.reader;
    options.storage.environment = config.environment;
    options.storage.while_waiting = [&giving_up] {
        if (giving_up) throw Error(ErrorCode::overloaded, "the server is ending");
    };
    return options;
}

HttpOptions http_options(const Config& config, const std::string& listen) {
    const Address address = parse_address(listen);
    HttpOptions options;
    options.address = address.host;
    options.port = address.port;
    options.threads = config.threads;
    options.certificate = config.tls.certificate;
    options.private_key = config.tls.key;
    options.trusted_proxies = config.proxies.trusted;
    options.max_header = static_cast<std::size_t>(config.limits.header_kb) * 1024;
    options.max_connections = static_cast<std::size_t>(config.limits.connections);
    options.max_waiting = static_cast<std::size_t>(config.limits.waiting);
    options.max_bodies = static_cast<std::size_t>(config.limits.bodies_mb) << 20;
    options.header_within = std::chrono::seconds(config.limits.header_seconds);
    options.body_within = std::chrono::seconds(config.limits.body_seconds);
    options.idle = std::chrono::seconds(config.limits.idle_seconds);
    return options;
}

WorkerPool::Threads threads_of(const Config& config) {
    const auto cores = static_cast<int>(std::thread::hardware_concurrency());
    return {
        // They wait for the disk as often as for a core. More of them take the cores from each other, and the
        // last of many answers comes later.
        .reading = std::max(4, 2 * cores),
        .recognition = config.workers > 0 ? config.workers : std::max(2, cores),
        .storage = std::max(8, 2 * cores),  // they mostly wait
    };
}

void append(std::vector<Route>& routes, std::vector<Route> more) {
    routes.insert(routes.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

std::vector<Route> contract_routes(Operation& operation) {
    std::vector<Route> routes;
    append(routes, event_routes());
    append(routes, photo_routes());
    append(routes, face_routes());
    append(routes, clip_routes());
    append(routes, media_routes());
    append(routes, page_routes());
    append(routes, operation.health_routes());
    return routes;
}

// Announced on standard output alone, for whoever started us with port 0.
void announce(const Config& config, const HttpServer& server) {
    const Address address = parse_address(config.listen);
    const bool six = address.host.find(':') != std::string::npos;
    std::cout << "listening on " << (config.tls.certificate.empty() ? "http://" : "https://")
              << (six ? "[" : "") << address.host << (six ? "]" : "") << ":" << server.port() << std::endl;
}

int serve(const Config& config) {
    // Signals are waited for by this thread alone; all others are made with them blocked.
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ending, nullptr);
    std::signal(SIGPIPE, SIG_IGN);  // a client that went away is an error of its own connection

    Log log(config.log, config.log_file);
    Metrics metrics;
    std::atomic<bool> giving_up{false};
    Engine engine = Engine::open(config.workspace, engine_options(config, metrics, giving_up));
    Service service(config, engine);
    Operation operation(service, metrics, log);
    // What works in the background is told first that it goes on at the next start: what it waits for fails.
    const auto give_up = [&] {
        operation.leave_work();
        giving_up = true;
    };
    const std::shared_ptr<void> at_the_end(nullptr, [&](void*) { give_up(); });  // if only a port was taken

    operation.start();
    std::vector<Route> routes = contract_routes(operation);
    std::vector<Route> administration = operation.administration_routes();
    const bool apart = !config.admin_listen.empty();
    if (!apart) append(routes, std::move(administration));
    WorkerPool workers(threads_of(config));
    ContractApplication application(service, metrics, log, std::move(routes), config.hosts);
    std::unique_ptr<ContractApplication> admin_application;
    std::unique_ptr<HttpServer> admin_server;
    if (apart) {
        append(administration, operation.health_routes());
        admin_application =
            std::make_unique<ContractApplication>(service, metrics, log, std::move(administration));
        admin_server = std::make_unique<HttpServer>(*admin_application, workers,
                                                    http_options(config, config.admin_listen));
    }
    HttpServer server(application, workers, http_options(config, config.listen));
    metrics.watch("eventlens_connections", "Connections that are open.",
                  [&server] { return static_cast<double>(server.connections()); });
    metrics.watch("eventlens_requests_waiting", "Requests that a worker answers or that wait for one.",
                  [&workers] { return static_cast<double>(workers.waiting()); });
    announce(config, server);
    log.info("serving " + config.workspace.string());

    int signal = 0;
    sigwait(&ending, &signal);
    log.info("ending: requests in work are finished");
    operation.begin_ending();
    server.stop(std::chrono::seconds(config.drain_seconds), give_up);
    if (admin_server) admin_server->stop(std::chrono::seconds(1), give_up);
    give_up();
    operation.stop();
    log.info("ended");
    return 0;
}

}  // namespace

}  // namespace eventlens::server

int main(int count, char** words) {
    using namespace eventlens::server;
    try {
        CommandLine line;
        if (const auto code = read_command_line(count, words, line)) return *code;
        const Config config = config_of(line);
        if (line.check_only) {
            std::cout << "the configuration is fine\n";
            return 0;
        }
        return serve(config);
    } catch (const eventlens::Error& error) {
        std::cerr << "eventlens-server: " << error.what() << "\n";
        return 3;
    } catch (const std::exception& error) {
        std::cerr << "eventlens-server: " << error.what() << "\n";
        return 3;
    }
}
