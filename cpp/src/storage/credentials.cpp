#include "storage/credentials.h"

#include <chrono>

#include "eventlens/error.h"
#include "storage/aws_metadata.h"

namespace eventlens::s3 {

namespace {

constexpr std::int64_t renewed_before = 300;  // seconds
constexpr std::int64_t patience = 30;         // seconds between two attempts to renew keys that still hold
constexpr std::int64_t patience_without = 2;  // and those that do not

// By this machine's clock, which is the one of the services that lend keys.
std::int64_t now() {
    const auto time = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::seconds>(time).count();
}

bool same(const Keys& left, const Keys& right) {
    return left.access_key == right.access_key && left.secret_key == right.secret_key &&
           left.session_token == right.session_token;
}

}  // namespace

Credentials::Credentials(const StorageOptions& options, const std::string& profile)
    : given_{options.access_key, options.secret_key, options.session_token},
      environment_(options.environment),
      profile_(profile) {
    if (given_.access_key.empty() != given_.secret_key.empty())
        throw Error(ErrorCode::bad_input, "an access key and a secret key are given together, not one alone");
    found_ = look();
}

Credentials::Found Credentials::look() const {
    if (!given_.empty()) return {given_};
    if (profile_.empty()) {
        const Keys keys{variable(environment_, "AWS_ACCESS_KEY_ID"),
                        variable(environment_, "AWS_SECRET_ACCESS_KEY"),
                        variable(environment_, "AWS_SESSION_TOKEN")};
        if (keys.access_key.empty() != keys.secret_key.empty())
            throw Error(ErrorCode::bad_input,
                        "only one of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY is set in the environment");
        if (!keys.empty()) return {keys};
    }
    const Profile profile = read_profile(environment_, profile_);
    if (!profile.keys.empty()) return {profile.keys};
    if (!profile.unsupported.empty()) {
        throw Error(ErrorCode::bad_input,
                    "the profile " + profile.name + " gets its keys by " + profile.unsupported +
                        ", which is not supported; `aws configure export-credentials --profile " +
                        profile.name + " --format env` prints variables to set instead");
    }
    if (const auto lent = ask_for_keys(environment_)) return {lent->keys, lent->expires};
    throw Error(
        ErrorCode::bad_input,
        "no credentials: none are given, AWS_ACCESS_KEY_ID is not set, the profile " + profile.name +
            (profile.files.empty() ? " has no file to be in (HOME is not set)"
                                   : " in " + profile.files + " has none") +
            ", and neither a container nor a machine of Amazon's lends any. Set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, name a profile (profile=NAME), or add anonymous=1 for a public bucket");
}

// While requests are being made, missing keys are no argument that was wrong.
Credentials::Found Credentials::look_anew() const {
    try {
        return look();
    } catch (const Error& error) {
        if (error.code() == ErrorCode::overloaded) throw;
        throw Error(ErrorCode::denied, error.what());
    }
}

Keys Credentials::keys() const {
    const std::lock_guard lock(mutex_);
    const std::int64_t time = now();
    const auto ended = [&] { return found_.expires != 0 && time >= found_.expires; };
    if (found_.expires != 0 && time >= found_.expires - renewed_before && time >= look_again_) {
        trouble_.reset();
        try {
            found_ = look_anew();
        } catch (const Error& error) {
            trouble_ = error;
        }
        look_again_ = now() + (trouble_ && ended() ? patience_without : patience);
    }
    if (trouble_ && ended()) throw Error(*trouble_);  // those who ask meanwhile do not wait for it again
    return found_.keys;
}

bool Credentials::renew(const Keys& refused) const {
    const std::lock_guard lock(mutex_);
    if (same(found_.keys, refused)) found_ = look_anew();
    return !same(found_.keys, refused);
}

}  // namespace eventlens::s3
