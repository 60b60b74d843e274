#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <initializer_list>

#include "eventlens/error.h"
#include "eventlens/models.h"
#include "server/config.h"
#include "server/http_server.h"
#include "server/networks.h"

// Whether the settings can be what they say: for the start, and for --check-config.
namespace eventlens::server {

namespace {

namespace fs = std::filesystem;

bool is_given(const Config& config, const std::string& setting) {
    return config.origins.contains(setting);
}

std::string origin_of(const Config& config, const std::string& setting) {
    return is_given(config, setting) ? config.origins.at(setting) : "the default";
}

[[noreturn]] void refuse(const Config& config, const std::string& setting, const std::string& what) {
    throw Error(ErrorCode::bad_input, origin_of(config, setting) + ": " + setting + ": " + what);
}

// read(); what it throws is said of the setting.
template <typename Read>
auto read_as(const Config& config, const std::string& setting, Read read) {
    try {
        return read();
    } catch (const Error& error) {
        refuse(config, setting, error.what());
    }
}

void check_word(const Config& config, const std::string& setting, const std::string& value,
                const std::vector<std::string>& words) {
    if (std::ranges::find(words, value) != words.end()) return;
    std::string all;
    for (const std::string& word : words)
        all += (all.empty() ? "" : &word == &words.back() ? " or " : ", ") + word;
    refuse(config, setting, "must be " + all + ", not \"" + value + "\"");
}

// --- Addresses ---

bool is_any(const IpAddress& address) {
    return address == IpAddress{.v4 = address.v4};
}

// Whether one of them listening keeps the other from it. "::" takes IPv4 too.
bool exclude_each_other(const Address& a, const Address& b) {
    const auto first = ip_address(a.host);
    const auto second = ip_address(b.host);
    if (a.port == 0 || a.port != b.port || !first || !second) return false;
    const auto covers = [](const IpAddress& one, const IpAddress& other) {
        return is_any(one) && (!one.v4 || other.v4);
    };
    return *first == *second || covers(*first, *second) || covers(*second, *first);
}

void check_addresses(const Config& config) {
    const Address contract = read_as(config, "listen", [&] { return parse_address(config.listen); });
    if (config.admin_listen.empty()) return;
    const Address administration =
        read_as(config, "admin_listen", [&] { return parse_address(config.admin_listen); });
    if (exclude_each_other(contract, administration))
        refuse(config, "admin_listen",
               "\"" + config.admin_listen + "\" is taken by listen = \"" + config.listen +
                   "\"; give it another port, or leave it empty");
}

void complete_url(Config& config, const std::string& setting, std::string& url) {
    if (url.empty()) return;
    const std::size_t scheme = url.starts_with("https://") ? 8 : url.starts_with("http://") ? 7 : 0;
    if (scheme == 0 || url.find_first_of("/?# ", scheme) == scheme || url.size() == scheme)
        refuse(config, setting, "\"" + url + "\": write a URL, as https://photos.example.org");
    while (url.ends_with('/')) url.pop_back();
}

void complete_hosts(Config& config) {
    for (std::string& host : config.hosts) {
        const std::size_t end = host.starts_with('[') ? std::min(host.find(']'), host.size()) : 0;
        if (host.empty() || host.find_first_of("/ ") != std::string::npos ||
            host.find(':', end) != std::string::npos)
            refuse(config, "hosts",
                   "\"" + host + "\": write the name alone, without scheme and port, as photos.example.org");
        for (char& c : host) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
}

// --- Files ---

std::string quoted(const fs::path& path) {
    return "\"" + path.string() + "\"";
}

std::string why_not(const fs::path& path, int how) {
    if (faccessat(AT_FDCWD, path.c_str(), how, AT_EACCESS) == 0) return "";
    return quoted(path) + ": " + std::strerror(errno);
}

// What keeps this process from writing there, now or when the folders above are made; empty: nothing.
std::string obstacle_to_writing(const fs::path& path, fs::file_type wanted) {
    std::error_code ignored;  // what cannot be looked at is not there: the folder above says why
    const bool folder = fs::is_directory(path, ignored);
    if (fs::exists(path, ignored)) {
        if (folder != (wanted == fs::file_type::directory))
            return quoted(path) + (folder ? " is a folder" : " is no folder");
        return why_not(path, folder ? W_OK | X_OK : W_OK);
    }
    fs::path above = fs::absolute(path).parent_path();
    while (!fs::exists(above, ignored)) above = above.parent_path();
    if (!fs::is_directory(above, ignored)) return quoted(above) + " is no folder";
    return why_not(above, W_OK | X_OK);
}

void check_places(const Config& config) {
    std::string obstacle = obstacle_to_writing(config.workspace, fs::file_type::directory);
    if (obstacle.empty())
        obstacle = obstacle_to_writing(config.workspace / "catalog.sqlite", fs::file_type::regular);
    if (!obstacle.empty()) refuse(config, "workspace", "cannot be written: " + obstacle);
    if (config.log_file.empty()) return;
    obstacle = obstacle_to_writing(config.log_file, fs::file_type::regular);
    if (!obstacle.empty()) refuse(config, "log_file", "cannot be written: " + obstacle);
}

void check_readable(const Config& config, const std::string& setting, const fs::path& file) {
    const std::string obstacle = why_not(file, R_OK);
    if (!obstacle.empty()) refuse(config, setting, "cannot be read: " + obstacle);
}

void check_tls(const Config& config) {
    const fs::path& certificate = config.tls.certificate;
    const fs::path& key = config.tls.key;
    if (certificate.empty() != key.empty())
        refuse(config, key.empty() ? "tls.certificate" : "tls.key",
               std::string(key.empty() ? "tls.key" : "tls.certificate") +
                   " is missing: a certificate and its key belong together, give both or neither");
    if (certificate.empty()) return;
    check_readable(config, "tls.certificate", certificate);
    check_readable(config, "tls.key", key);
    read_as(config, "tls.certificate", [&] { check_tls_files(certificate, {}); });
    read_as(config, "tls.key", [&] { check_tls_files(certificate, key); });
}

void read_admin_key(Config& config) {
    std::string setting = "admin_key";
    if (!config.admin_key_file.empty()) {
        setting = "admin_key_file";
        check_readable(config, setting, config.admin_key_file);
        std::ifstream stream(config.admin_key_file);
        std::string key;
        if (!std::getline(stream, key)) refuse(config, setting, quoted(config.admin_key_file) + " is empty");
        while (!key.empty() && (key.back() == '\r' || key.back() == ' ')) key.pop_back();
        config.admin_key = key;
        if (key.empty())
            refuse(config, setting, quoted(config.admin_key_file) + " begins with an empty line");
    }
    if (!config.admin_key.empty() && config.admin_key.size() < 16)
        refuse(config, setting, "the administrator's key must have 16 characters at least");
}

// --- Limits and models ---

void complete_limits(Config& config) {
    Config::Limits& limits = config.limits;
    if (limits.selfie_mb > limits.body_mb) {
        if (is_given(config, "limits.selfie_mb"))
            refuse(config, "limits.selfie_mb",
                   std::to_string(limits.selfie_mb) + " is more than limits.body_mb, " +
                       std::to_string(limits.body_mb) + ": no request could bring such a selfie");
        limits.selfie_mb = limits.body_mb;
    }
    if (limits.bodies_mb < limits.body_mb) {
        if (is_given(config, "limits.bodies_mb"))
            refuse(config, "limits.bodies_mb",
                   std::to_string(limits.bodies_mb) + " is less than limits.body_mb, " +
                       std::to_string(limits.body_mb) + ": no such request could come in");
        limits.bodies_mb = limits.body_mb;
    }
    if (config.rate.burst <= 0) config.rate.burst = 2 * config.rate.requests;
}

void check_model(const Config& config, const ModelStore& models, const std::string& setting,
                 const std::string& name, const char* role, std::vector<std::string> names) {
    for (const ModelEntry& entry : models.entries()) {
        if (entry.role == role) names.push_back(entry.name);
    }
    if (names.empty())
        refuse(config, setting,
               "no manifest has \"" + name + "\": models.folder and models.manifests say where");
    check_word(config, setting, name, names);
}

void check_models(const Config& config) {
    const Config::Models& models = config.models;
    check_word(config, "models.precision", models.precision, {"auto", "f32", "bf16"});
    // `eventlens models fetch` makes the folder that EVENTLENS_MODELS names; one that is named to us is
    // there.
    if (!models.folder.empty() && origin_of(config, "models.folder") != "EVENTLENS_MODELS" &&
        !fs::is_directory(models.folder))
        refuse(config, "models.folder", quoted(models.folder) + " is no folder");
    for (const fs::path& manifest : models.manifests) check_readable(config, "models.manifests", manifest);

    std::vector<fs::path> manifests = manifests_of(config);
    const bool yet_to_fetch = !models.folder.empty() && !fs::exists(manifests.front());
    if (yet_to_fetch) manifests.clear();  // those that follow may build on it
    const std::string speaks = models.manifests.empty() ? "models.folder" : "models.manifests";
    const auto store = read_as(config, speaks, [&] { return ModelStore::open(manifests); });
    if (models.precision == "bf16")
        read_as(config, "models.precision",
                [&] { return ModelStore::open(manifests, {.precision = Precision::bf16}); });
    if (!models.embedder.empty())
        check_model(config, *store, "models.embedder", models.embedder, "face_embedder", {});
    check_model(config, *store, "models.reader", models.reader, "text_recognizer", {"paddle", "tesseract"});
}

}  // namespace

Address parse_address(const std::string& text) {
    const auto wrong = [&](const std::string& why) {
        throw Error(ErrorCode::bad_input,
                    "\"" + text + "\"" + why + "; write ADDRESS:PORT, as 127.0.0.1:8080 or [::1]:8080");
    };
    const std::size_t colon = text.rfind(':');
    if (colon == std::string::npos) wrong(" has no port");
    Address address{text.substr(0, colon), 0};
    if (address.host.starts_with('[') && address.host.ends_with(']'))
        address.host = address.host.substr(1, address.host.size() - 2);
    if (address.host == "localhost") address.host = "127.0.0.1";
    const char* end = text.data() + text.size();
    const auto [stopped, failed] = std::from_chars(text.data() + colon + 1, end, address.port);
    if (failed != std::errc{} || stopped != end) wrong(" has no port");
    if (!ip_address(address.host)) wrong(" has no IP address before the port");
    return address;
}

std::vector<fs::path> manifests_of(const Config& config) {
    std::vector<fs::path> manifests;
    if (!config.models.folder.empty()) manifests.push_back(config.models.folder / "manifest.json");
    manifests.insert(manifests.end(), config.models.manifests.begin(), config.models.manifests.end());
    return manifests;
}

void complete(Config& config) {
    check_word(config, "log", config.log, {"debug", "info", "warning", "error", "off"});
    check_addresses(config);
    complete_url(config, "public_url", config.public_url);
    complete_url(config, "media_base_url", config.media_base_url);
    complete_hosts(config);
    read_as(config, "proxies.trusted", [&] { return Networks(config.proxies.trusted); });
    complete_limits(config);
    check_places(config);
    check_tls(config);
    read_admin_key(config);
    check_models(config);
}

}  // namespace eventlens::server
