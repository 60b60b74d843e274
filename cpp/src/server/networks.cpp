#include "server/networks.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "eventlens/error.h"

namespace eventlens::server {

namespace {

constexpr std::array<std::uint8_t, 12> mapped_v4{0, 0, 0, 0, 0,    0,
                                                 0, 0, 0, 0, 0xff, 0xff};  // RFC 4291, 2.5.5.2

bool same_bits(const IpAddress& a, const IpAddress& b, int bits) {
    const auto whole = static_cast<std::size_t>(bits / 8);
    if (!std::equal(a.bytes.begin(), a.bytes.begin() + bits / 8, b.bytes.begin())) return false;
    return bits % 8 == 0 || (a.bytes[whole] ^ b.bytes[whole]) >> (8 - bits % 8) == 0;
}

}  // namespace

std::optional<IpAddress> ip_address(const std::string& text) {
    IpAddress address;
    if (inet_pton(AF_INET, text.c_str(), address.bytes.data()) == 1) {
        address.v4 = true;
        return address;
    }
    const std::string without_zone = text.substr(0, text.find('%'));
    if (inet_pton(AF_INET6, without_zone.c_str(), address.bytes.data()) != 1) return std::nullopt;
    if (std::equal(mapped_v4.begin(), mapped_v4.end(), address.bytes.begin())) {
        IpAddress inner{.v4 = true};
        std::copy(address.bytes.begin() + mapped_v4.size(), address.bytes.end(), inner.bytes.begin());
        return inner;
    }
    return address;
}

std::string place_in_network(const std::string& address) {
    const auto known = ip_address(address);
    if (!known) return address;
    std::array<char, INET6_ADDRSTRLEN> text{};
    IpAddress place = *known;
    if (!place.v4) std::fill(place.bytes.begin() + 8, place.bytes.end(), std::uint8_t{0});
    inet_ntop(place.v4 ? AF_INET : AF_INET6, place.bytes.data(), text.data(), text.size());
    return text.data();
}

std::optional<Networks::Network> Networks::network(const std::string& text) {
    const std::size_t slash = text.find('/');
    const auto start = ip_address(text.substr(0, slash));
    if (!start) return std::nullopt;
    const int most = start->v4 ? 32 : 128;
    if (slash == std::string::npos) return Network{*start, most};
    int bits = 0;
    const char* end = text.data() + text.size();
    const auto [stopped, failed] = std::from_chars(text.data() + slash + 1, end, bits);
    if (failed != std::errc{} || stopped != end || bits < 0 || bits > most) return std::nullopt;
    return Network{*start, bits};
}

Networks::Networks(const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
        const auto known = network(text);
        if (!known)
            throw Error(ErrorCode::bad_input,
                        "\"" + text + "\" is no network; write 10.0.0.0/8, ::1/128 or a single address");
        networks_.push_back(*known);
    }
}

bool Networks::hold(const std::string& address) const {
    const auto known = ip_address(address);
    return known && std::ranges::any_of(networks_, [&](const Network& network) {
               return network.start.v4 == known->v4 && same_bits(network.start, *known, network.bits);
           });
}

}  // namespace eventlens::server
