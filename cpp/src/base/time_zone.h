#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace eventlens {

// An IANA time zone, from the system's own database (/usr/share/zoneinfo), which the distribution keeps
// current. Cheap to copy. Thread safety: const methods may run on many threads at once.
class TimeZone {
  public:
    // "Europe/Berlin", "UTC". Throws Error(bad_input) for a name that the system does not know.
    static TimeZone named(const std::string& name);

    // What UTC showed when wall clocks here showed `local_milliseconds`; both since 1970-01-01T00:00:00. When
    // clocks are set back, an hour happens twice and the first one is meant; when they are set forward, a
    // time that is skipped is read on the clock that was not set yet (RFC 5545, section 3.3.5).
    std::int64_t to_utc_milliseconds(std::int64_t local_milliseconds) const;

  private:
    struct Impl;  // keeps the time zone library out of this header
    explicit TimeZone(std::shared_ptr<const Impl> impl);
    std::shared_ptr<const Impl> impl_;
};

}  // namespace eventlens
