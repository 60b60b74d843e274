#include "base/random.h"

#include <sys/random.h>

#include <cerrno>

#include "eventlens/error.h"

namespace eventlens {

void fill_random(std::span<std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t filled = getrandom(bytes.data(), bytes.size(), 0);
        if (filled < 0) {
            if (errno == EINTR) continue;
            throw Error(ErrorCode::internal, "no random numbers are to be had");
        }
        bytes = bytes.subspan(static_cast<std::size_t>(filled));
    }
}

}  // namespace eventlens
