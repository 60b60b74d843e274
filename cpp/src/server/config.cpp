#include "server/config.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <functional>
#include <sstream>
#include <variant>

#include <toml++/toml.h>

#include "eventlens/error.h"

namespace eventlens::server {

namespace {

// Where a setting's value goes: the one list that file, environment, flags and help are made from.
using Target = std::variant<std::string*, std::filesystem::path*, int*, double*, bool*,
                            std::vector<std::string>*, std::vector<std::filesystem::path>*>;

struct Setting {
    const char* name;
    Target target;
    const char* meaning;
    double least = 0;
    double greatest = 1e9;
};

std::vector<Setting> settings_of(Config& c) {
    return {
        {"workspace", &c.workspace, "the workspace folder"},
        {"listen", &c.listen, "ADDRESS:PORT; port 0: any that is free"},
        {"admin_listen", &c.admin_listen,
         "ADDRESS:PORT of administration and metrics; empty: where everything else is"},
        {"public_url", &c.public_url,
         "how clients reach this server (https://photos.example.org); empty: as each asks"},
        {"media_base_url", &c.media_base_url,
         "where the folder or bucket of renditions and clips is public, the same for all events; empty: it "
         "is not"},
        {"hosts", &c.hosts, "host names that may be asked for; empty: all"},
        {"admin_key_file", &c.admin_key_file,
         "a file that holds the administrator's key; without it and EVENTLENS_ADMIN_KEY there is no "
         "administration"},
        {"threads", &c.threads, "threads that read and write sockets", 1, 256},
        {"workers", &c.workers, "threads that search; 0: one for each core, two at least", 0, 1024},
        {"clip_workers", &c.clip_workers, "clips cut at once", 1, 64},
        {"index_workers", &c.index_workers,
         "photos looked at at once by an indexing run; 0: one for each core", 0, 256},
        {"legacy_image_keys", &c.legacy_image_keys, "tell the misspelt image keys of old clients too"},
        {"log", &c.log, "debug, info, warning, error or off"},
        {"log_file", &c.log_file, "where the log goes; empty: standard error"},
        {"drain_seconds", &c.drain_seconds, "for what is in work when the server is told to end", 0, 3600},
        {"tls.certificate", &c.tls.certificate, "PEM, the whole chain; empty: no TLS"},
        {"tls.key", &c.tls.key, "PEM"},
        {"limits.body_mb", &c.limits.body_mb, "of a request", 1, 4096},
        {"limits.bodies_mb", &c.limits.bodies_mb, "of all requests that are here at once; then 429", 1, 1e6},
        {"limits.selfie_mb", &c.limits.selfie_mb, "of a selfie", 1, 4096},
        {"limits.header_kb", &c.limits.header_kb, "of a request", 4, 1024},
        {"limits.header_seconds", &c.limits.header_seconds, "to send a header", 1, 3600},
        {"limits.body_seconds", &c.limits.body_seconds, "to send a body", 1, 3600},
        {"limits.idle_seconds", &c.limits.idle_seconds, "between requests of a connection", 1, 3600},
        {"limits.connections", &c.limits.connections, "at once; further ones are closed", 1, 1e6},
        {"limits.waiting", &c.limits.waiting, "requests in work or waiting for a worker; then 429", 1, 1e6},
        {"rate.requests", &c.rate.requests, "requests a second of one key; 0: no limit"},
        {"rate.burst", &c.rate.burst, "of those at once; 0: as many as in two seconds"},
        {"rate.searches", &c.rate.searches,
         "selfie searches and clip starts a second of one key; 0: no limit"},
        {"rate.search_burst", &c.rate.search_burst, "of those at once"},
        {"rate.visitor_requests", &c.rate.visitor_requests,
         "requests a second of one participant: a token and an address"},
        {"rate.visitor_searches", &c.rate.visitor_searches,
         "searches a second of one participant; ten times as many at once"},
        {"proxies.trusted", &c.proxies.trusted,
         "networks whose X-Forwarded-* headers are believed, such as 10.0.0.0/8"},
        {"models.folder", &c.models.folder,
         "where `eventlens models fetch` put the models; empty: EVENTLENS_MODELS"},
        {"models.manifests", &c.models.manifests, "manifests of models of your own"},
        {"models.precision", &c.models.precision, "auto, f32 or bf16"},
        {"models.embedder", &c.models.embedder, "the face embedding model; empty: the default"},
        {"models.reader", &c.models.reader, "the bib reader: paddle or tesseract"},
    };
}

[[noreturn]] void fail(const std::string& where, const std::string& what) {
    throw Error(ErrorCode::bad_input, where + ": " + what);
}

template <typename Number>
void set_number(Number& target, const Setting& setting, double value, const std::string& where) {
    if (!(value >= setting.least && value <= setting.greatest)) {
        std::ostringstream bounds;
        bounds << setting.name << " must be within " << setting.least << " and " << setting.greatest;
        fail(where, bounds.str());
    }
    target = static_cast<Number>(value);
}

std::vector<std::string> divided(const std::string& text) {
    std::vector<std::string> parts;
    std::istringstream stream(text);
    for (std::string part; std::getline(stream, part, ',');) {
        const auto start = part.find_first_not_of(' ');
        if (start != std::string::npos)
            parts.push_back(part.substr(start, part.find_last_not_of(' ') - start + 1));
    }
    return parts;
}

// From text, as the environment and flags give it.
void set_text(const Setting& setting, const std::string& text, const std::string& where) {
    const auto number = [&] {
        double value = 0;
        const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (failed != std::errc{} || end != text.data() + text.size())
            fail(where, std::string(setting.name) + " must be a number, not \"" + text + "\"");
        return value;
    };
    std::visit(
        [&](auto* target) {
            using T = std::remove_pointer_t<decltype(target)>;
            if constexpr (std::is_same_v<T, bool>) {
                if (text != "true" && text != "false" && text != "1" && text != "0")
                    fail(where, std::string(setting.name) + " must be true or false");
                *target = text == "true" || text == "1";
            } else if constexpr (std::is_same_v<T, int>) {
                const double value = number();
                if (value != static_cast<double>(static_cast<std::int64_t>(value)))
                    fail(where, std::string(setting.name) + " must be a whole number");
                set_number(*target, setting, value, where);
            } else if constexpr (std::is_same_v<T, double>) {
                set_number(*target, setting, number(), where);
            } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
                *target = divided(text);
            } else if constexpr (std::is_same_v<T, std::vector<std::filesystem::path>>) {
                const auto parts = divided(text);
                target->assign(parts.begin(), parts.end());
            } else {
                *target = text;
            }
        },
        setting.target);
}

std::string place_of(const toml::node& node, const std::filesystem::path& file) {
    return file.string() + ", line " + std::to_string(node.source().begin.line);
}

void set_node(const Setting& setting, const toml::node& node, const std::string& where) {
    const auto wrong_type = [&](const char* wanted) {
        fail(where, std::string(setting.name) + " must be " + wanted);
    };
    std::visit(
        [&](auto* target) {
            using T = std::remove_pointer_t<decltype(target)>;
            if constexpr (std::is_same_v<T, bool>) {
                if (!node.is_boolean()) wrong_type("true or false");
                *target = node.as_boolean()->get();
            } else if constexpr (std::is_same_v<T, int>) {
                if (!node.is_integer()) wrong_type("a whole number");
                set_number(*target, setting, static_cast<double>(node.as_integer()->get()), where);
            } else if constexpr (std::is_same_v<T, double>) {
                const auto value = node.value<double>();
                if (!node.is_number() || !value) wrong_type("a number");
                set_number(*target, setting, *value, where);
            } else if constexpr (std::is_same_v<T, std::vector<std::string>> ||
                                 std::is_same_v<T, std::vector<std::filesystem::path>>) {
                const toml::array* array = node.as_array();
                if (!array) wrong_type("a list of texts");
                target->clear();
                for (const toml::node& item : *array) {
                    const auto text = item.value<std::string>();
                    if (!item.is_string() || !text) wrong_type("a list of texts");
                    target->emplace_back(*text);
                }
            } else {
                if (!node.is_string()) wrong_type("a text");
                *target = node.as_string()->get();
            }
        },
        setting.target);
}

void read_table(Config& config, const toml::table& table, const std::string& prefix,
                const std::vector<Setting>& settings, const std::filesystem::path& file) {
    for (const auto& [key, node] : table) {
        const std::string name = prefix + std::string(key.str());
        const std::string where = place_of(node, file);
        const auto setting = std::ranges::find_if(settings, [&](const Setting& s) { return s.name == name; });
        if (setting != settings.end()) {
            set_node(*setting, node, where);
            config.origins[name] = where;
            continue;
        }
        const bool section = prefix.empty() && std::ranges::any_of(settings, [&](const Setting& s) {
                                 return std::string_view(s.name).starts_with(name + ".");
                             });
        if (!section)
            fail(where, "there is no setting \"" + name + "\"; `eventlens-server --help` names them all");
        if (!node.is_table()) fail(where, name + " is a section: write [" + name + "]");
        read_table(config, *node.as_table(), name + ".", settings, file);
    }
}

std::string variable_of(const Setting& setting) {
    std::string variable = "EVENTLENS_" + std::string(setting.name);
    std::ranges::transform(variable, variable.begin(), [](char c) {
        return c == '.' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    });
    return variable;
}

std::string text_of(const Target& target) {
    return std::visit(
        [](const auto* value) -> std::string {
            using T = std::remove_cv_t<std::remove_pointer_t<decltype(value)>>;
            std::ostringstream text;
            if constexpr (std::is_same_v<T, bool>) {
                text << (*value ? "true" : "false");
            } else if constexpr (std::is_same_v<T, std::filesystem::path>) {
                text << value->string();
            } else if constexpr (std::is_same_v<T, std::vector<std::string>> ||
                                 std::is_same_v<T, std::vector<std::filesystem::path>>) {
                return "";
            } else {
                text << *value;
            }
            return text.str();
        },
        target);
}

}  // namespace

void read_config_file(Config& config, const std::filesystem::path& file) {
    std::ifstream stream(file);
    if (!stream) fail(file.string(), "the configuration file cannot be read");
    try {
        read_table(config, toml::parse(stream, file.string()), "", settings_of(config), file);
    } catch (const toml::parse_error& error) {
        fail(file.string() + ", line " + std::to_string(error.source().begin.line),
             std::string(error.description()));
    }
}

void read_environment(Config& config, const std::map<std::string, std::string>& environment) {
    for (const Setting& setting : settings_of(config)) {
        const std::string variable = variable_of(setting);
        const auto at = environment.find(variable);
        if (at == environment.end()) continue;
        set_text(setting, at->second, variable);
        config.origins[setting.name] = variable;
    }
    if (const auto key = environment.find("EVENTLENS_ADMIN_KEY");
        key != environment.end() && !key->second.empty()) {
        const auto file = environment.find("EVENTLENS_ADMIN_KEY_FILE");
        if (file != environment.end() && !file->second.empty())
            fail(key->first, "EVENTLENS_ADMIN_KEY_FILE is given too, and only one of them can hold");
        config.admin_key = key->second;
        config.admin_key_file.clear();
        config.origins["admin_key"] = key->first;
    }
    if (const auto models = environment.find("EVENTLENS_MODELS");
        models != environment.end() && config.models.folder.empty()) {
        config.models.folder = models->second;
        config.origins["models.folder"] = models->first;
    }
    config.environment = environment;
}

void set_by_name(Config& config, const std::string& name, const std::string& value) {
    for (const Setting& setting : settings_of(config)) {
        if (setting.name != name) continue;
        set_text(setting, value, flag_of(name));
        config.origins[name] = flag_of(name);
        return;
    }
    fail(name, "there is no such setting");
}

std::string flag_of(const std::string& name) {
    std::string flag = "--" + name;
    std::ranges::replace_if(
        flag, [](char c) { return c == '.' || c == '_'; }, '-');
    return flag;
}

std::vector<SettingHelp> settings_help() {
    Config config;
    std::vector<SettingHelp> help;
    for (const Setting& setting : settings_of(config))
        help.push_back({setting.name, setting.meaning, text_of(setting.target)});
    return help;
}

}  // namespace eventlens::server
