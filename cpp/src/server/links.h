#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/config.h"
#include "server/http_message.h"

namespace eventlens::server {

// Links to media that this server gives out itself: signed, and good for a while. What lies in a bucket gets
// the bucket's own links instead.
class Links {
  public:
    Links(const Config& config, std::vector<std::byte> secret);

    // "https://photos.example.org": how the client of this request reaches us.
    std::string origin(const Request& request) const;

    // An absolute URL for a path of ours below /media/. `steady` links are the same for hours, so that
    // browsers may keep what they show; others last for `lasts`. `download_name`: a browser saves under it.
    std::string steady(const Request& request, const std::string& path) const;
    std::string lasting(const Request& request, const std::string& path, std::chrono::seconds lasts,
                        const std::string& download_name = {}) const;

    // For how long a link that is asked for by this request is still good; nothing: it never was, or no more.
    std::optional<std::chrono::seconds> good_for(const Request& request) const;

    const std::vector<std::byte>& secret() const { return secret_; }

  private:
    std::string signature(std::string_view path, std::int64_t expires, std::string_view name) const;
    std::string signed_url(const Request& request, const std::string& path, std::int64_t expires,
                           const std::string& name) const;

    std::string public_url_;
    std::vector<std::byte> secret_;
};

// The workspace's own secret, from its file; made at the first call, readable by its owner alone.
std::vector<std::byte> workspace_secret(const std::filesystem::path& workspace);

}  // namespace eventlens::server
