#pragma once

#include <stdexcept>
#include <string>

namespace eventlens {

// What the caller can do about it. Add a code only when callers would act differently.
enum class ErrorCode {
    bad_input,    // the bytes or arguments are wrong; the same call will fail again
    not_found,    // the named file, photo or person does not exist
    unsupported,  // valid, but this build cannot handle it (format, model, workspace version)
    overloaded,   // a limit was reached; the same call may succeed later
    denied,       // rights, keys or certificates forbid it, which says nothing of what was asked for
    internal,     // our bug
};

// The only exception type that leaves the core.
class Error : public std::runtime_error {
  public:
    Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}

    ErrorCode code() const noexcept { return code_; }

  private:
    ErrorCode code_;
};

}  // namespace eventlens
