// What a task with `network: [...]` may reach: entries such as "pypi.org:443", "10.2.0.0/16:5432",
// "[fd00::5]:80", "192.0.2.7:8000-8010", "ntp.example.com:123/udp". And what no task may reach,
// whatever it lists. Pure values; no thread rule.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace reeve {

inline constexpr std::size_t kEgressEntriesMax = 64;

enum class AddressFamily : std::uint8_t { v4, v6 };

/// An address with the number of its bits that count: all of them, or fewer of a network.
struct IpNetwork {
  AddressFamily family = AddressFamily::v4;
  std::array<std::uint8_t, 16> bytes{};  ///< of version 4: the first four
  std::uint8_t prefix = 0;

  std::uint8_t bits() const { return family == AddressFamily::v4 ? 32 : 128; }
  bool is_address() const { return prefix == bits(); }
  bool holds(const IpNetwork& other) const;
  /// "10.2.0.0/16", "fd00::5": only of hexadecimal digits, dots, colons and a slash.
  std::string text() const;
  auto operator<=>(const IpNetwork&) const = default;
};

/// invalid_argument: neither an address nor a network in the usual notation.
Result<IpNetwork> parse_ip_network(std::string_view text);

enum class EgressProtocol : std::uint8_t { tcp, udp };

struct EgressEntry {
  std::string name;   ///< of a host, in lower case; "": see network
  IpNetwork network;  ///< meaningless beside a name
  std::uint16_t port_first = 0;
  std::uint16_t port_last = 0;
  EgressProtocol protocol = EgressProtocol::tcp;
  friend bool operator==(const EgressEntry&, const EgressEntry&) = default;
};

/// invalid_argument: the message says what is wrong and what to write.
Result<EgressEntry> parse_egress(std::string_view text);

/// Networks that lead to the machine itself, to its neighbours on the link, to everybody, or to
/// the service that tells a cloud's machines their credentials, also as addresses of version 6 that
/// stand for those of version 4. The machine's own addresses come on top: only it knows them.
std::span<const IpNetwork> forbidden_networks();
/// Whether all of it lies in one of those.
bool is_forbidden(const IpNetwork& network);
/// The same address of version 4 as one of version 6 that a gateway translates (RFC 6052).
IpNetwork translated(const IpNetwork& v4);

}  // namespace reeve
