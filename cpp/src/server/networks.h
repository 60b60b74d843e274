#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// Addresses and networks as settings and proxies write them.
namespace eventlens::server {

struct IpAddress {
    bool v4 = false;
    std::array<std::uint8_t, 16> bytes{};  // of IPv4 the first four

    bool operator==(const IpAddress&) const = default;
};

// "127.0.0.1", "::1", "fe80::1%eth0"; an IPv4 address that is written as one of IPv6 is the IPv4 address.
// Nothing: the text is no address.
std::optional<IpAddress> ip_address(const std::string& text);

// One client's place in the network, for counting what comes from it: of an IPv6 address the first 64 bits,
// as the others are every client's to choose. What is no address is its own place.
std::string place_in_network(const std::string& address);

class Networks {
  public:
    // "10.0.0.0/8", "::1/128", or a single address. Throws Error(bad_input) naming the first that is none.
    explicit Networks(const std::vector<std::string>& texts);

    // Whether one of them holds the address; what is no address is in none.
    bool hold(const std::string& address) const;

  private:
    struct Network {
        IpAddress start;
        int bits = 0;  // of `start` that all its addresses share
    };
    static std::optional<Network> network(const std::string& text);

    std::vector<Network> networks_;
};

}  // namespace eventlens::server
