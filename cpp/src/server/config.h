#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace eventlens::server {

struct Address {
    std::string host;
    std::uint16_t port = 0;
};

// "127.0.0.1:8080", "[::1]:8080", "localhost:8080". Throws Error(bad_input); for other names too: which of
// its addresses a name stands for may change.
Address parse_address(const std::string& text);

// How the server runs: a file, then the environment, then flags; each wins over those before.
struct Config {
    std::filesystem::path workspace = "workspace";
    std::string listen = "127.0.0.1:8080";
    std::string admin_listen{};        // of administration and metrics; empty: where everything else is
    std::string public_url{};          // how clients reach this server; empty: as each request did
    std::string media_base_url{};      // of renditions and clips, where everybody reads them; empty: nowhere
    std::vector<std::string> hosts{};  // that may be asked for; empty: all
    std::filesystem::path admin_key_file{};
    std::string admin_key{};         // EVENTLENS_ADMIN_KEY, or what the file holds; empty: no administration
    int threads = 1;                 // that read and write sockets
    int workers = 0;                 // that search; 0: one for each core, but two at least
    int clip_workers = 1;            // clips cut at once
    int index_workers = 0;           // photos looked at at once by an indexing run; 0: one for each core
    bool legacy_image_keys = false;  // the misspelt keys of old clients beside the right ones
    std::string log = "info";        // debug, info, warning, error, off
    std::filesystem::path log_file{};  // empty: standard error
    int drain_seconds = 20;            // for what is in work when the server is told to end

    struct Tls {
        std::filesystem::path certificate{};  // PEM, the whole chain; empty: no TLS
        std::filesystem::path key{};
    } tls{};

    struct Limits {
        int body_mb = 32;     // of a request
        int bodies_mb = 512;  // of all requests that are here at once; then 429
        int selfie_mb = 25;   // complete() makes it no more than the former, unless it was given
        int header_kb = 16;
        int header_seconds = 10;  // to send it
        int body_seconds = 60;
        int idle_seconds = 75;
        int connections = 10'000;
        int waiting = 1000;  // requests in work or waiting for a worker; then 429
    } limits{};

    struct Rate {
        double requests = 0;   // a second and key; 0: no limit
        double burst = 0;      // at once; 0: as many as in two seconds
        double searches = 20;  // POST searches a second and key; 0: no limit
        double search_burst = 300;
        double visitor_requests = 50;  // of one participant: a token and an address
        double visitor_searches = 1;
    } rate{};

    struct Proxies {
        std::vector<std::string> trusted{};  // networks whose X-Forwarded-* are believed
    } proxies{};

    struct Models {
        std::filesystem::path folder{};                  // empty: EVENTLENS_MODELS
        std::vector<std::filesystem::path> manifests{};  // of models of your own
        std::string precision = "auto";
        std::string embedder{};
        std::string reader = "paddle";
    } models{};

    // The process's, for credentials of buckets.
    std::map<std::string, std::string> environment{};

    // Where the value of each setting that was given comes from: "rate.searches" to "server.toml, line 7",
    // "EVENTLENS_RATE_SEARCHES" or "--rate-searches".
    std::map<std::string, std::string> origins{};
};

// Reads a TOML file into `config`. Throws Error(bad_input) naming file, line and what is wrong: a key that is
// unknown, a value of another type or out of range.
void read_config_file(Config& config, const std::filesystem::path& file);

// EVENTLENS_WORKSPACE, EVENTLENS_LISTEN, ...: the names of the file in capitals, sections joined by '_'
// (EVENTLENS_RATE_SEARCHES); lists are divided by commas. Unknown ones are left alone: other programs read
// EVENTLENS_ variables too. EVENTLENS_ADMIN_KEY takes the place of a file that was named before; an empty one
// is none. EVENTLENS_MODELS is where models are that no setting says otherwise of.
void read_environment(Config& config, const std::map<std::string, std::string>& environment);

// One setting by its name ("rate.searches"), as a flag gives it.
void set_by_name(Config& config, const std::string& name, const std::string& value);

// Names of all settings, with what they mean and their defaults: for --help and for the documents.
struct SettingHelp {
    std::string name;
    std::string meaning;
    std::string standard;  // its default
};
std::vector<SettingHelp> settings_help();

// "rate.searches" -> "--rate-searches"
std::string flag_of(const std::string& name);

// Of all models that the settings speak of.
std::vector<std::filesystem::path> manifests_of(const Config& config);

// Throws Error(bad_input), naming the setting and where it was given, for one that cannot be what it says or
// contradicts another: no address, no network, an unknown model, files that cannot be read or written. Makes
// nothing. Models that are yet to be fetched are no error. Reads the file with the administrator's key.
void complete(Config& config);

}  // namespace eventlens::server
