#pragma once

#include <cstdint>
#include <mutex>
#include <string>

#include "storage/aws_profile.h"

namespace eventlens::s3 {

// The keys that requests are signed with, from the first of: the options; the environment; a profile in
// ~/.aws; the container's service; the machine's service. Lent keys are renewed in time.
// Thread safety: all methods may run on many threads at once.
class Credentials {
  public:
    // `profile` empty: that of the environment. A profile that is named comes before keys of the environment.
    // Throws Error(bad_input) when there are no keys anywhere, saying where it looked.
    Credentials(const StorageOptions& options, const std::string& profile);

    // Throws Error(denied) when lent keys expired and there are no others, Error(overloaded) when the service
    // that lends them is in trouble.
    Keys keys() const;

    // Looks anew after the server refused these keys. True: there are others now. Throws as keys().
    bool renew(const Keys& refused) const;

  private:
    struct Found {
        Keys keys;
        std::int64_t expires = 0;  // seconds since 1970-01-01 UTC; 0: never
    };
    Found look() const;
    Found look_anew() const;

    Keys given_;
    Environment environment_;
    std::string profile_;
    mutable std::mutex mutex_;  // of those below; held while looking, so that many threads look once
    mutable Found found_;
    mutable std::int64_t look_again_ = 0;     // not before
    mutable std::optional<Error> trouble_{};  // of the last attempt
};

}  // namespace eventlens::s3
