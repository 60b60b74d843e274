#include "storage/s3_place.h"

#include <algorithm>
#include <array>
#include <vector>

#include "eventlens/error.h"
#include "storage/http.h"

namespace eventlens::s3 {

namespace {

constexpr std::string_view amazon_host = "s3.{region}.amazonaws.com";

constexpr std::array known{
    Provider{"Amazon S3", amazon_host, "{region}", true, false},
    Provider{"Amazon S3", "s3.dualstack.{region}.amazonaws.com", "{region}", true, false},
    Provider{"Amazon S3", "s3.amazonaws.com", "us-east-1", true, false},
    Provider{"Amazon S3, China", "s3.{region}.amazonaws.com.cn", "{region}", true, false},
    Provider{"Cloudflare R2", "*.r2.cloudflarestorage.com", "auto", false, false},
    Provider{"Cloudflare R2, jurisdictions", "*.*.r2.cloudflarestorage.com", "auto", false, false},
    Provider{"Google Cloud Storage", "storage.googleapis.com", "auto", false, true},
    Provider{"Alibaba OSS, inside its network", "s3.oss-{region}-internal.aliyuncs.com", "{region}", true,
             false},
    Provider{"Alibaba OSS, inside its network", "oss-{region}-internal.aliyuncs.com", "{region}", true,
             false},
    Provider{"Alibaba OSS", "s3.oss-{region}.aliyuncs.com", "{region}", true, false},
    Provider{"Alibaba OSS", "oss-{region}.aliyuncs.com", "{region}", true, false},
    Provider{"Backblaze B2", "s3.{region}.backblazeb2.com", "{region}", false, false},
    Provider{"DigitalOcean Spaces", "{region}.digitaloceanspaces.com", "{region}", false, false},
    Provider{"Wasabi", "s3.{region}.wasabisys.com", "{region}", false, false},
    Provider{"Wasabi", "s3.wasabisys.com", "us-east-1", false, false},
    Provider{"MinIO, Ceph, versitygw and others", "", "us-east-1", false, false},
};

std::vector<std::string_view> labels_of(std::string_view host) {
    std::vector<std::string_view> labels;
    for (;;) {
        const std::size_t dot = host.find('.');
        labels.push_back(host.substr(0, dot));
        if (dot == std::string_view::npos) return labels;
        host.remove_prefix(dot + 1);
    }
}

// What stands for "{region}" in the host, or an empty text where the pattern has none; nothing: another host.
std::optional<std::string> match(std::string_view pattern, std::string_view host) {
    constexpr std::string_view region_mark = "{region}";
    std::string region;
    const auto patterns = labels_of(pattern);
    const auto labels = labels_of(host);
    if (patterns.size() != labels.size()) return std::nullopt;
    for (std::size_t i = 0; i < labels.size(); ++i) {
        const std::size_t at = patterns[i].find(region_mark);
        if (at != std::string_view::npos) {
            const std::string_view before = patterns[i].substr(0, at);
            const std::string_view behind = patterns[i].substr(at + region_mark.size());
            if (labels[i].size() <= before.size() + behind.size() || !labels[i].starts_with(before) ||
                !labels[i].ends_with(behind))
                return std::nullopt;
            region = labels[i].substr(before.size(), labels[i].size() - before.size() - behind.size());
        } else if (labels[i].empty() || (patterns[i] != "*" && patterns[i] != labels[i])) {
            return std::nullopt;
        }
    }
    return region;
}

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

// Whether the bucket's name can be a part of a host's: other names are only in paths.
bool fits_host(const std::string& bucket, bool encrypted) {
    const bool plain = std::ranges::all_of(
        bucket, [&](char c) { return is_letter(c) || c == '-' || (c == '.' && !encrypted); });
    return plain && is_letter(bucket.front()) && is_letter(bucket.back());
}

std::string without_port(std::string_view endpoint) {
    const std::string host = http::host_of(endpoint);
    if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
    return host.substr(0, host.find(':'));
}

}  // namespace

std::span<const Provider> providers() {
    return known;
}

Match provider_of(std::string_view host) {
    for (const Provider& provider : known) {
        if (provider.host.empty()) return {&provider, {}};
        const std::optional<std::string> region = match(provider.host, host);
        if (region) return {&provider, region->empty() ? std::string(provider.region) : *region};
    }
    throw Error(ErrorCode::internal, "the last provider must be every host's");
}

Addressing parse_addressing(std::string_view text) {
    if (text == "path") return Addressing::path;
    if (text == "virtual") return Addressing::virtual_host;
    if (text == "auto" || text.empty()) return Addressing::automatic;
    throw Error(ErrorCode::bad_input,
                "addressing is \"path\", \"virtual\" or \"auto\", not \"" + percent_encoded(text) + "\"");
}

std::string canonical_endpoint(std::string_view endpoint) {
    std::string text(endpoint);
    std::ranges::transform(text, text.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (text.ends_with('/')) text.pop_back();
    const bool plain = text.starts_with("http://");
    const std::string_view host = std::string_view(text).substr(std::min(text.size(), plain ? 7UL : 8UL));
    const bool allowed = !host.empty() && std::ranges::all_of(host, [](char c) {
        return is_letter(c) || std::string_view(".-_:[]").find(c) != std::string_view::npos;
    });
    if (!(plain || text.starts_with("https://")) || !allowed) {
        throw Error(
            ErrorCode::bad_input,
            "an endpoint is written https://HOST or http://HOST:PORT, without a path, a user or a query");
    }
    const std::string_view usual = plain ? ":80" : ":443";
    if (text.ends_with(usual)) text.resize(text.size() - usual.size());
    return text;
}

Place::Place(const Wanted& wanted) : bucket_(wanted.bucket), named_endpoint_(!wanted.endpoint.empty()) {
    const bool allowed =
        !bucket_.empty() && bucket_.size() <= 255 && std::ranges::all_of(bucket_, [](char c) {
            return is_letter(c) || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' || c == '_';
        });
    if (!allowed || bucket_.find_first_not_of('.') == std::string::npos)
        throw Error(ErrorCode::bad_input, "no bucket is called \"" + percent_encoded(bucket_) + "\"");
    if (named_endpoint_) {
        endpoint_ = canonical_endpoint(wanted.endpoint);
    } else {
        region_ = !wanted.region.empty() ? wanted.region : wanted.fallback_region;
        if (region_.empty()) region_ = "us-east-1";
        endpoint_ =
            "https://s3." + region_ + (region_.starts_with("cn-") ? ".amazonaws.com.cn" : ".amazonaws.com");
    }
    const Match found = provider_of(without_port(endpoint_));
    provider_ = found.provider;
    // Amazon's own names of its regions are taken as such, however they were written.
    if (provider_->host == amazon_host || provider_->host == "s3.amazonaws.com") named_endpoint_ = false;
    for (const std::string& region : {wanted.region, found.region, wanted.fallback_region})
        if (region_.empty()) region_ = region;
    if (region_.empty()) region_ = provider_->region;
    const bool region_allowed = std::ranges::all_of(
        region_, [](char c) { return is_letter(c) || (c >= 'A' && c <= 'Z') || c == '-' || c == '_'; });
    if (!region_allowed)
        throw Error(ErrorCode::bad_input, "no region is called \"" + percent_encoded(region_) + "\"");
    bucket_in_host_ = wanted.addressing == Addressing::virtual_host ||
                      (wanted.addressing == Addressing::automatic && provider_->bucket_in_host &&
                       fits_host(bucket_, is_encrypted()));
}

std::string Place::host() const {
    return http::host_of(endpoint_);
}

bool Place::is_amazon() const {
    return provider_->name == known.front().name;
}

std::string Place::url(std::string_view key, const Query& query) const {
    std::string url = endpoint_;
    if (bucket_in_host_) {
        url.insert(url.find("://") + 3, bucket_ + ".");
    } else {
        url += '/' + bucket_;
    }
    if (bucket_in_host_ || !key.empty()) url += '/';
    url += percent_encoded(key, "/");
    if (!query.empty()) url += '?';
    // Signatures want more encoded than query_text() does.
    for (bool first = true; const auto& [name, value] : query) {
        if (!first) url += '&';
        first = false;
        url += percent_encoded(name) + '=' + percent_encoded(value);
    }
    return url;
}

Place Place::in_region(const std::string& region) const {
    Place other = *this;
    other.region_ = region;
    if (is_amazon() && !named_endpoint_) {
        other.endpoint_ = "https://s3." + region + ".amazonaws.com";
        other.provider_ = provider_of(http::host_of(other.endpoint_)).provider;
    }
    return other;
}

}  // namespace eventlens::s3
