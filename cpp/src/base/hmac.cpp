#include "base/hmac.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "eventlens/error.h"

namespace eventlens {

std::array<std::byte, 32> hmac_sha256(std::span<const std::byte> key, std::string_view message) {
    static constexpr std::byte nothing{};  // OpenSSL takes a null key for "the one of the call before"
    std::array<std::byte, 32> digest{};
    unsigned int length = 0;
    const unsigned char* made =
        HMAC(EVP_sha256(), key.empty() ? &nothing : key.data(), static_cast<int>(key.size()),
             reinterpret_cast<const unsigned char*>(message.data()), message.size(),
             reinterpret_cast<unsigned char*>(digest.data()), &length);
    if (!made || length != digest.size()) throw Error(ErrorCode::internal, "HMAC-SHA256 failed");
    return digest;
}

}  // namespace eventlens
