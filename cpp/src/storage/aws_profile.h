#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "storage/sigv4.h"

namespace eventlens::s3 {

using Environment = std::map<std::string, std::string>;

// Empty when it is not set.
std::string variable(const Environment& environment, const std::string& name);

// Sections of a file as ~/.aws/config is written, each with its settings. Settings below another, by
// indentation, are named "s3.addressing_style".
using Sections = std::map<std::string, std::map<std::string, std::string>>;

// Throws Error(bad_input) with the name of the file and the number of the line, never its content.
Sections parse_sections(std::string_view text, const std::string& file);

// What people have set up for the AWS command line.
struct Profile {
    std::string name;
    std::string files;  // where it was looked for, for messages
    bool found = false;
    Keys keys{};
    std::string region{};
    std::string endpoint{};
    std::string addressing{};
    std::string unsupported{};  // a setting that gives keys in a way that we cannot follow: "sso_session"
};

// Reads the files that AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE name, else those in ~/.aws; it is no
// error when there are none. `name` empty: AWS_PROFILE, else "default". Throws Error(bad_input) for malformed
// files, for half a pair of keys, and when a profile that was named is not there.
Profile read_profile(const Environment& environment, const std::string& name);

}  // namespace eventlens::s3
