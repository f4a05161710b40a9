#include "base/egress.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <vector>

#include "base/ensure.h"

namespace reeve {
namespace {

constexpr std::size_t kNameBytesMax = 253;
constexpr std::size_t kLabelBytesMax = 63;
constexpr std::uint8_t kTranslationBits = 96;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

tl::unexpected<Error> refuse(std::string_view text, std::string_view why) {
  return fail(ErrorCode::invalid_argument,
              "'" + std::string(text) + "' is nothing to reach: " + std::string(why));
}

std::optional<std::uint32_t> number(std::string_view text, std::uint32_t max) {
  std::uint32_t value = 0;
  if (text.empty() || !std::ranges::all_of(text, is_digit)) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > max) return std::nullopt;
  return value;
}

/// The bits behind the prefix that are not zero are made so.
IpNetwork cut(IpNetwork network) {
  for (std::size_t bit = network.prefix; bit < network.bits(); ++bit)
    network.bytes[bit / 8] &= static_cast<std::uint8_t>(~(0x80U >> (bit % 8)));
  return network;
}

std::optional<IpNetwork> parse_address(std::string_view text) {
  if (text.empty() || text.size() >= INET6_ADDRSTRLEN) return std::nullopt;
  const std::string terminated(text);
  IpNetwork found;
  const bool is_v6 = text.find(':') != std::string_view::npos;
  found.family = is_v6 ? AddressFamily::v6 : AddressFamily::v4;
  found.prefix = found.bits();
  if (::inet_pton(is_v6 ? AF_INET6 : AF_INET, terminated.c_str(), found.bytes.data()) != 1)
    return std::nullopt;
  return found;
}

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= kLabelBytesMax && label.front() != '-' &&
         label.back() != '-' && std::ranges::all_of(label, [](char c) {
           return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
         });
}

/// What some programs take for an address: "127.1", "2130706433", "0x7f.1".
bool looks_like_number(std::string_view label) {
  return std::ranges::all_of(label, is_digit) || label.starts_with("0x");
}

Result<std::string> read_name(std::string_view text, std::string_view host) {
  if (host.find('*') != std::string_view::npos)
    return refuse(text,
                  "a name stands for the addresses that it has when the attempt starts, and a "
                  "pattern has none; list each name");
  std::string name(host);
  std::ranges::transform(name, name.begin(), lower);
  std::string_view label;
  for (std::string_view rest = name;;) {
    const std::size_t dot = rest.find('.');
    label = rest.substr(0, dot);
    if (!is_label(label) || name.size() > kNameBytesMax)
      return refuse(text,
                    "it is no name of a host, address or network; write name:443, "
                    "10.2.0.0/16:5432 or [fd00::5]:80");
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  if (looks_like_number(label))
    return refuse(text, "it is no address; write all four numbers, as in 10.2.0.1:5432");
  if (name == "localhost" || label == "localhost")
    return refuse(text,
                  "localhost is the sandbox itself, which needs no entry, and never the "
                  "machine");
  return name;
}

Result<IpNetwork> read_network(std::string_view text, std::string_view host) {
  auto network = parse_ip_network(host);
  if (!network) return refuse(text, network.error().message);
  if (is_forbidden(*network))
    return refuse(text,
                  "loopback, link-local (with the metadata service of clouds), multicast and "
                  "reserved addresses are never reachable from a sandbox; leave it out");
  return network;
}

struct Halves {
  std::string_view host;
  std::string_view ports;
  bool is_in_brackets = false;
};

Result<Halves> split(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t close = text.find("]:");
    const std::string_view host = text.substr(1, close == text.npos ? 0 : close - 1);
    if (host.find(':') == std::string_view::npos)
      return refuse(text,
                    "brackets hold an address or network of version 6, and a port follows: "
                    "[fd00::5]:80, [fd00::/64]:80");
    return Halves{host, text.substr(close + 2), true};
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0)
    return refuse(text, "a host and a port are needed; write name:443 or 10.2.0.0/16:5432");
  const std::string_view host = text.substr(0, colon);
  if (host.find(':') != std::string_view::npos)
    return refuse(text, "an address of version 6 stands in brackets: [fd00::5]:80");
  return Halves{host, text.substr(colon + 1)};
}

Status read_ports(std::string_view text, std::string_view ports, EgressEntry& entry) {
  constexpr std::uint32_t kPortMax = 65535;
  const std::size_t dash = ports.find('-');
  const auto first = number(ports.substr(0, dash), kPortMax);
  const auto last =
      dash == std::string_view::npos ? first : number(ports.substr(dash + 1), kPortMax);
  if (!first || !last || *first == 0 || *last < *first)
    return refuse(text, "'" + std::string(ports) +
                            "' is no port or range of ports; write :443 or :8000-8010");
  entry.port_first = static_cast<std::uint16_t>(*first);
  entry.port_last = static_cast<std::uint16_t>(*last);
  return {};
}

IpNetwork known(std::string_view text) {
  const auto network = parse_ip_network(text);
  ENSURE(network);
  return *network;
}

}  // namespace

bool IpNetwork::holds(const IpNetwork& other) const {
  if (family != other.family || prefix > other.prefix) return false;
  IpNetwork shortened = other;
  shortened.prefix = prefix;
  return cut(shortened).bytes == cut(*this).bytes;
}

std::string IpNetwork::text() const {
  char buffer[INET6_ADDRSTRLEN];
  const int domain = family == AddressFamily::v4 ? AF_INET : AF_INET6;
  ENSURE(::inet_ntop(domain, bytes.data(), buffer, sizeof buffer) != nullptr);
  std::string out(buffer);
  if (!is_address()) out += "/" + std::to_string(prefix);
  return out;
}

Result<IpNetwork> parse_ip_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  auto found = parse_address(text.substr(0, slash));
  if (!found)
    return fail(ErrorCode::invalid_argument, "it is no address; write 10.2.0.1 or [fd00::5]");
  if (slash == std::string_view::npos) return *found;
  const auto prefix = number(text.substr(slash + 1), found->bits());
  if (!prefix)
    return fail(ErrorCode::invalid_argument,
                "behind the / stands no number of bits from 0 to " + std::to_string(found->bits()));
  found->prefix = static_cast<std::uint8_t>(*prefix);
  const IpNetwork network = cut(*found);
  if (network != *found)
    return fail(ErrorCode::invalid_argument, "it has bits behind its prefix; write " +
                                                 network.text() +
                                                 " for the network, or the address alone");
  return network;
}

Result<EgressEntry> parse_egress(std::string_view text) {
  TRY_ASSIGN(const Halves halves, split(text));
  EgressEntry entry;
  std::string_view ports = halves.ports;
  if (const std::size_t slash = ports.find('/'); slash != std::string_view::npos) {
    const std::string_view word = ports.substr(slash + 1);
    if (word != "udp" && word != "tcp")
      return refuse(text, "'" + std::string(word) + "' is neither tcp nor udp");
    if (word == "udp") entry.protocol = EgressProtocol::udp;
    ports = ports.substr(0, slash);
  }
  TRY(read_ports(text, ports, entry));
  const bool is_name = !halves.is_in_brackets && halves.host.find('/') == std::string_view::npos &&
                       !parse_address(halves.host);
  if (is_name) {
    TRY_ASSIGN(entry.name, read_name(text, halves.host));
  } else {
    TRY_ASSIGN(entry.network, read_network(text, halves.host));
  }
  return entry;
}

IpNetwork translated(const IpNetwork& v4) {
  ENSURE(v4.family == AddressFamily::v4);
  IpNetwork out = known("64:ff9b::");
  std::memcpy(out.bytes.data() + kTranslationBits / 8, v4.bytes.data(), 4);
  out.prefix = static_cast<std::uint8_t>(kTranslationBits + v4.prefix);
  return out;
}

std::span<const IpNetwork> forbidden_networks() {
  static const std::vector<IpNetwork> kAll = [] {
    // Besides whole ranges: the metadata services of Alibaba, Azure and Oracle, Amazon and Google.
    std::vector<IpNetwork> all;
    for (const std::string_view v4 : {"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3",
                                      "100.100.100.200", "168.63.129.16", "192.0.0.192"}) {
      all.push_back(known(v4));
      all.push_back(translated(all.back()));
    }
    // Compatible, mapped and translated addresses of version 4; local translation, 6to4.
    for (const std::string_view v6 :
         {"::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b:1::/48", "2002::/16", "fe80::/10",
          "fec0::/10", "ff00::/8", "fd00:ec2::254", "fd20:ce::254"})
      all.push_back(known(v6));
    return all;
  }();
  return kAll;
}

bool is_forbidden(const IpNetwork& network) {
  return std::ranges::any_of(forbidden_networks(),
                             [&](const IpNetwork& one) { return one.holds(network); });
}

}  // namespace reeve
