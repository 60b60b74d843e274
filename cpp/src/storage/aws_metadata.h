#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "storage/aws_profile.h"

namespace eventlens::s3 {

// Keys that a container or a machine of Amazon's gives to the programs in it.
struct LentKeys {
    Keys keys;
    std::int64_t expires = 0;  // seconds since 1970-01-01 UTC
};

// Asks the container's service, if the environment names one, else the machine's (IMDSv2), unless
// AWS_EC2_METADATA_DISABLED forbids it. Nothing when neither is there. Throws Error(bad_input) when a service
// that the environment names may not be asked or refuses, Error(overloaded) when it has trouble.
std::optional<LentKeys> ask_for_keys(const Environment& environment);

// Whether keys may be asked for here: encrypted, or not leaving the machine.
bool may_give_keys(std::string_view url);

// Throws Error(bad_input) for a reply that holds none.
LentKeys parse_lent_keys(std::string_view json);

}  // namespace eventlens::s3
