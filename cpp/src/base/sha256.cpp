#include "base/sha256.h"

#include <openssl/evp.h>

#include <array>
#include <fstream>
#include <vector>

#include "base/c_handle.h"
#include "eventlens/error.h"

namespace eventlens {

namespace {

class Sha256 {
  public:
    Sha256() : context_(EVP_MD_CTX_new()) {
        require(context_ && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
    }

    void update(std::span<const std::byte> bytes) {
        require(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
    }

    std::array<std::byte, 32> digest() {
        std::array<std::byte, 32> digest{};
        unsigned int length = 0;
        require(EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(digest.data()),
                                   &length) == 1);
        return digest;
    }

    std::string hex() {
        static constexpr char digits[] = "0123456789abcdef";
        std::string text;
        for (const std::byte byte : digest()) {
            text += digits[std::to_integer<std::size_t>(byte >> 4)];
            text += digits[std::to_integer<std::size_t>(byte & std::byte{15})];
        }
        return text;
    }

  private:
    static void require(bool fine) {
        if (!fine) throw Error(ErrorCode::internal, "SHA-256 failed");
    }

    CHandle<EVP_MD_CTX, EVP_MD_CTX_free> context_;
};

}  // namespace

std::array<std::byte, 32> sha256(std::span<const std::byte> bytes) {
    Sha256 hash;
    hash.update(bytes);
    return hash.digest();
}

std::string sha256_hex(std::span<const std::byte> bytes) {
    Sha256 hash;
    hash.update(bytes);
    return hash.hex();
}

std::string sha256_hex_of_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw Error(ErrorCode::not_found, "cannot open " + path.string());
    Sha256 hash;
    std::vector<char> block(1 << 20);
    while (file) {
        file.read(block.data(), static_cast<std::streamsize>(block.size()));
        hash.update(std::as_bytes(std::span(block.data(), static_cast<std::size_t>(file.gcount()))));
    }
    if (file.bad()) throw Error(ErrorCode::not_found, "cannot read " + path.string());
    return hash.hex();
}

}  // namespace eventlens
