#include "storage/aws_profile.h"

#include <cerrno>
#include <filesystem>

#include "eventlens/error.h"
#include "storage/file.h"

namespace eventlens::s3 {

namespace {

constexpr std::int64_t largest_file = 1 << 20;  // bytes

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view spaces = " \t\r";
    const std::size_t begin = text.find_first_not_of(spaces);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(spaces) - begin + 1);
}

Sections read_sections(const std::string& file) {
    if (file.empty()) return {};
    try {
        const std::vector<std::byte> bytes = read_file(file, largest_file);
        return parse_sections({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, file);
    } catch (const Error& error) {
        if (error.code() == ErrorCode::not_found) return {};
        throw;
    }
}

std::string path_of(const Environment& environment, const char* name, const char* usual) {
    std::string path = variable(environment, name);
    const std::string home = variable(environment, "HOME");
    if (path.empty() && !home.empty()) return home + usual;
    if (path.starts_with("~/") && !home.empty()) path.replace(0, 1, home);
    return path;
}

}  // namespace

std::string variable(const Environment& environment, const std::string& name) {
    const auto found = environment.find(name);
    return found == environment.end() ? std::string() : found->second;
}

Sections parse_sections(std::string_view text, const std::string& file) {
    Sections sections;
    std::map<std::string, std::string>* section = nullptr;
    std::string parent;  // the setting without a value that indented lines belong to
    int number = 0;
    const auto broken = [&](const std::string& reason) {
        return Error(ErrorCode::bad_input, file + ", line " + std::to_string(number) + ": " + reason);
    };
    while (!text.empty()) {
        const std::string_view whole = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), whole.size() + 1));
        ++number;
        const std::string_view line = trimmed(whole);
        if (line.empty() || line.front() == '#' || line.front() == ';') continue;
        if (line.front() == '[') {
            const std::size_t end = line.find(']');
            const std::string_view name =
                trimmed(line.substr(1, end == std::string_view::npos ? 0 : end - 1));
            if (name.empty()) throw broken("a section is written [name]");
            section = &sections[std::string(name)];
            parent.clear();
            continue;
        }
        const std::size_t equals = line.find('=');
        const bool indented = whole.front() == ' ' || whole.front() == '\t';
        if (!section) throw broken("a setting before the first section");
        if (equals == std::string_view::npos || equals == 0)
            throw broken("a setting is written name = value");
        const std::string name(trimmed(line.substr(0, equals)));
        const std::string value(trimmed(line.substr(equals + 1)));
        if (indented && !parent.empty()) {
            (*section)[parent + "." + name] = value;
        } else {
            (*section)[name] = value;
            parent = value.empty() ? name : "";
        }
    }
    return sections;
}

Profile read_profile(const Environment& environment, const std::string& name) {
    Profile profile;
    profile.name = !name.empty() ? name : variable(environment, "AWS_PROFILE");
    const bool named = !profile.name.empty();
    if (!named) profile.name = "default";
    const std::string credentials = path_of(environment, "AWS_SHARED_CREDENTIALS_FILE", "/.aws/credentials");
    const std::string config = path_of(environment, "AWS_CONFIG_FILE", "/.aws/config");
    profile.files = credentials + (credentials.empty() || config.empty() ? "" : " and ") + config;

    Sections sections = read_sections(config);
    std::map<std::string, std::string> settings;
    for (const std::string& title : {profile.name, "profile " + profile.name}) {
        if (title == profile.name && title != "default") continue;  // [name] alone is no profile in this file
        const auto found = sections.find(title);
        if (found == sections.end()) continue;
        profile.found = true;
        settings.merge(found->second);
    }
    sections = read_sections(credentials);
    if (const auto found = sections.find(profile.name); found != sections.end()) {
        profile.found = true;
        for (const auto& [key, value] : found->second) settings[key] = value;
    }
    if (named && !profile.found) {
        throw Error(ErrorCode::bad_input, "there is no profile called " + profile.name + " in " +
                                              (profile.files.empty() ? "~/.aws" : profile.files));
    }
    profile.keys = {settings["aws_access_key_id"], settings["aws_secret_access_key"],
                    settings["aws_session_token"]};
    if (profile.keys.access_key.empty() != profile.keys.secret_key.empty()) {
        throw Error(ErrorCode::bad_input, "the profile " + profile.name + " in " + profile.files +
                                              " has only one of aws_access_key_id and aws_secret_access_key");
    }
    profile.region = settings["region"];
    profile.endpoint =
        !settings["s3.endpoint_url"].empty() ? settings["s3.endpoint_url"] : settings["endpoint_url"];
    profile.addressing = settings["s3.addressing_style"];
    for (const char* other : {"credential_process", "sso_session", "sso_start_url", "role_arn",
                              "web_identity_token_file", "login_session"}) {
        if (profile.keys.empty() && profile.unsupported.empty() && !settings[other].empty())
            profile.unsupported = other;
    }
    return profile;
}

}  // namespace eventlens::s3
