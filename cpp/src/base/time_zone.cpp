#include "base/time_zone.h"

#include <absl/time/time.h>

#include <algorithm>
#include <cctype>

#include "eventlens/error.h"

namespace eventlens {

struct TimeZone::Impl {
    absl::TimeZone zone;
};

namespace {

// The library also takes paths, "localtime" and "Fixed/UTC+01:00:00"; only names of the database mean the
// same on every machine.
bool looks_like_a_zone(const std::string& name) {
    const auto fine = [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '+' || c == '/';
    };
    return !name.empty() && name.size() <= 64 && name.front() != '/' && name != "localtime" &&
           !name.starts_with("Fixed/") && std::all_of(name.begin(), name.end(), fine);
}

}  // namespace

TimeZone::TimeZone(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

TimeZone TimeZone::named(const std::string& name) {
    auto impl = std::make_shared<Impl>();
    if (!looks_like_a_zone(name) || !absl::LoadTimeZone(name, &impl->zone)) {
        throw Error(ErrorCode::bad_input, "unknown time zone \"" + name.substr(0, 64) +
                                              "\": give an IANA name such as Europe/Berlin or UTC");
    }
    return TimeZone(std::move(impl));
}

std::int64_t TimeZone::to_utc_milliseconds(std::int64_t local_milliseconds) const {
    // As if local time were UTC, to get at its calendar fields; sub-seconds do not matter to any zone.
    const absl::Time as_utc = absl::FromUnixMillis(local_milliseconds);
    const absl::CivilSecond wall = absl::ToCivilSecond(as_utc, absl::UTCTimeZone());
    const absl::Duration below_a_second = as_utc - absl::FromCivil(wall, absl::UTCTimeZone());
    // `pre` is the offset in force before the change: the first of two, and the clock that was not set yet.
    return absl::ToUnixMillis(impl_->zone.At(wall).pre + below_a_second);
}

}  // namespace eventlens
