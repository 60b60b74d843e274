#pragma once

#include <array>
#include <csetjmp>
#include <cstdio>

#include "eventlens/error.h"

namespace eventlens {

// The way out of C libraries that must not return from their error callback: the callback jumps to here, and
// the error is thrown from C++ code. No exception ever crosses a C frame.
class CEscape {
  public:
    // Runs `calls`, which may call the library but must not own anything with a destructor: a jump would skip
    // it.
    template <typename Calls>
    void guard(const Calls& calls) {
        if (setjmp(target_) != 0) throw Error(code_, message_.data());
        calls();
    }

    // For the library's error callback, inside guard() only.
    [[noreturn]] void leave(ErrorCode code, const char* message) noexcept {
        code_ = code;
        std::snprintf(message_.data(), message_.size(), "%s", message);
        std::longjmp(target_, 1);
    }

  private:
    std::jmp_buf target_{};
    ErrorCode code_ = ErrorCode::bad_input;
    std::array<char, 256> message_{};
};

}  // namespace eventlens
