#include "server/access.h"

#include <charconv>
#include <cstring>

#include "base/hmac.h"
#include "base/sha256.h"

namespace eventlens::server {

namespace {

std::string hex(std::span<const std::byte> bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const std::byte byte : bytes) {
        text += digits[std::to_integer<std::size_t>(byte >> 4)];
        text += digits[std::to_integer<std::size_t>(byte & std::byte{15})];
    }
    return text;
}

std::string signature_of(std::string_view text, std::span<const std::byte> secret) {
    return hex(hmac_sha256(secret, "token:" + std::string(text)));
}

}  // namespace

std::size_t Directory::HashOfHash::operator()(const std::array<std::byte, 32>& hash) const {
    std::size_t start = 0;  // of a digest, any part is as good as another
    std::memcpy(&start, hash.data(), sizeof start);
    return start;
}

const ApiKey* Directory::key(std::string_view key) const {
    const auto found = keys.find(sha256(std::as_bytes(std::span(key))));
    return found == keys.end() ? nullptr : &found->second;
}

const EventInfo* Directory::event(EventId event) const {
    const auto found = events.find(event);
    return found == events.end() ? nullptr : &found->second;
}

std::shared_ptr<const Directory> Access::directory() {
    const std::int64_t counter = catalog_.access_counter();
    const std::lock_guard lock(mutex_);
    if (directory_ && directory_->counter == counter) return directory_;
    auto fresh = std::make_shared<Directory>();
    fresh->counter = counter;  // read first: a change since then is seen at the next call
    for (ApiKey& key : catalog_.keys()) fresh->keys.emplace(key.hash, std::move(key));
    for (Organisation& organisation : catalog_.organisations()) {
        const OrganisationId id = organisation.id;
        for (EventInfo& event : catalog_.events(id)) fresh->events.emplace(event.id, std::move(event));
        fresh->organisations.emplace(id, std::move(organisation));
    }
    directory_ = std::move(fresh);
    return directory_;
}

std::string make_token(const VisitorToken& token, std::span<const std::byte> secret) {
    const std::string text = std::to_string(token.organisation) + "." + std::to_string(token.event) + "." +
                             std::to_string(token.expires) + "." + token.name;
    return text + "." + signature_of(text, secret);
}

std::optional<VisitorToken> read_token(std::string_view text, std::span<const std::byte> secret,
                                       std::int64_t now) {
    const std::size_t last = text.rfind('.');
    if (last == std::string_view::npos || text.size() > 256) return std::nullopt;
    const std::string_view signed_part = text.substr(0, last);
    if (!same_secret(text.substr(last + 1), signature_of(signed_part, secret))) return std::nullopt;
    VisitorToken token;  // we wrote it: its form is known
    const char* at = signed_part.data();
    const char* const end = at + signed_part.size();
    for (std::int64_t* part : {&token.organisation, &token.event, &token.expires})
        at = std::from_chars(at, end, *part).ptr + 1;
    token.name.assign(at, end);
    if (token.expires <= now) return std::nullopt;
    return token;
}

bool same_secret(std::string_view a, std::string_view b) {
    const auto left = sha256(std::as_bytes(std::span(a)));
    const auto right = sha256(std::as_bytes(std::span(b)));
    std::byte difference{0};
    for (std::size_t i = 0; i < left.size(); ++i) difference |= left[i] ^ right[i];
    return difference == std::byte{0};
}

}  // namespace eventlens::server
