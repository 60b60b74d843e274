#include "server/links.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <system_error>

#include "base/hmac.h"
#include "base/random.h"
#include "eventlens/error.h"
#include "server/access.h"
#include "server/parameters.h"

namespace eventlens::server {

namespace {

constexpr std::int64_t steady_hours =
    6;  // links are the same for so long, and good for once to twice as long

std::int64_t now_seconds() {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

std::string hex(std::span<const std::byte> bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const std::byte byte : bytes) {
        text += digits[std::to_integer<std::size_t>(byte >> 4)];
        text += digits[std::to_integer<std::size_t>(byte & std::byte{15})];
    }
    return text;
}

}  // namespace

Links::Links(const Config& config, std::vector<std::byte> secret)
    : public_url_(config.public_url), secret_(std::move(secret)) {}

std::string Links::origin(const Request& request) const {
    if (!public_url_.empty()) return public_url_;
    return (request.secure ? "https://" : "http://") + request.authority;
}

std::string Links::signature(std::string_view path, std::int64_t expires, std::string_view name) const {
    const std::string text =
        "media:" + std::string(path) + "\n" + std::to_string(expires) + "\n" + std::string(name);
    return hex(hmac_sha256(secret_, text)).substr(0, 32);
}

std::string Links::signed_url(const Request& request, const std::string& path, std::int64_t expires,
                              const std::string& name) const {
    return origin(request) + path + "?expires=" + std::to_string(expires) +
           (name.empty() ? "" : "&name=" + name) + "&signature=" + signature(path, expires, name);
}

std::string Links::steady(const Request& request, const std::string& path) const {
    constexpr std::int64_t step = steady_hours * 3600;
    return signed_url(request, path, (now_seconds() / step + 2) * step, {});
}

std::string Links::lasting(const Request& request, const std::string& path, std::chrono::seconds lasts,
                           const std::string& download_name) const {
    return signed_url(request, path, now_seconds() + lasts.count(), download_name);
}

std::optional<std::chrono::seconds> Links::good_for(const Request& request) const {
    Mistakes mistakes;
    const Query query(request.query, mistakes);
    const auto expires = integer_of(query.get("expires").value_or(""));
    const std::int64_t now = now_seconds();
    if (!expires || *expires <= now) return std::nullopt;
    const std::string expected = signature(request.path, *expires, query.get("name").value_or(""));
    if (!same_secret(query.get("signature").value_or(""), expected)) return std::nullopt;
    return std::chrono::seconds(*expires - now);
}

std::vector<std::byte> workspace_secret(const std::filesystem::path& workspace) {
    constexpr std::size_t length = 32;
    const std::filesystem::path file = workspace / "server-secret";
    std::array<std::byte, length> fresh{};
    fill_random(fresh);

    // Whole or not at all, and never over one that is there: several servers may start at once.
    const std::filesystem::path part = workspace / (".server-secret-" + std::to_string(getpid()));
    const int handle = ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (handle >= 0) {
        const bool written =
            ::write(handle, fresh.data(), length) == static_cast<ssize_t>(length) && fsync(handle) == 0;
        ::close(handle);
        if (written && ::link(part.c_str(), file.c_str()) != 0 && errno != EEXIST) {
            const std::string why = std::strerror(errno);
            ::unlink(part.c_str());
            throw Error(ErrorCode::bad_input, "cannot write " + file.string() + ": " + why);
        }
        ::unlink(part.c_str());
    }
    std::ifstream stream(file, std::ios::binary);
    const std::vector<char> bytes((std::istreambuf_iterator<char>(stream)), {});
    if (bytes.size() != length)
        throw Error(ErrorCode::bad_input,
                    file.string() + " is no secret of 32 bytes: remove it, a new one is made");
    const auto view = std::as_bytes(std::span(bytes));
    return {view.begin(), view.end()};
}

}  // namespace eventlens::server
