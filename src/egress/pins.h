// What one attempt may reach, settled once: the entries of its list with the addresses that their
// names have now, less those that no sandbox may reach; and the texts that follow from it. Texts
// are made of addresses and numbers, and of names that parse_egress() accepted. Pure values; no
// thread rule.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/egress.h"
#include "base/result.h"

namespace reeve::egress {

/// The addresses of one name that are pinned: the first ones that the resolver gives.
inline constexpr std::size_t kAddressesPerNameMax = 16;

/// The network of a sandbox, with slirp4netns as its gateway. Of version 4 it is one that is
/// forbidden as a goal, so that it hides nothing; of version 6 it is what slirp4netns has.
inline constexpr std::string_view kSandboxNetworkV4 = "240.0.2.0/24";
inline constexpr std::string_view kSandboxAddressV4 = "240.0.2.100";
inline constexpr std::string_view kGatewayV4 = "240.0.2.2";
inline constexpr std::string_view kSandboxNetworkV6 = "fd00::/64";
inline constexpr std::string_view kSandboxAddressV6 = "fd00::100";
inline constexpr std::string_view kGatewayV6 = "fd00::2";
inline constexpr const char* kTapName = "tap0";
inline constexpr std::uint32_t kTapMtu = 65520;  ///< as podman has it: fewer, larger packets

/// What the machine adds to what is written.
struct Surroundings {
  std::vector<IpNetwork> own;  ///< every address of the machine
  bool has_v6 = true;
  std::map<std::string, std::vector<IpNetwork>, std::less<>> resolved;  ///< by name
};

struct Allowance {
  std::vector<IpNetwork> networks;  ///< sorted, each once
  std::uint16_t port_first = 0;
  std::uint16_t port_last = 0;
  EgressProtocol protocol = EgressProtocol::tcp;
  friend bool operator==(const Allowance&, const Allowance&) = default;
};

struct PinnedName {
  std::string name;
  std::vector<IpNetwork> addresses;  ///< as the resolver ordered them
  friend bool operator==(const PinnedName&, const PinnedName&) = default;
};

struct Pins {
  std::vector<Allowance> allowances;
  std::vector<PinnedName> names;  ///< each once, in the order of the list
  friend bool operator==(const Pins&, const Pins&) = default;
};

/// permission_denied: an entry stands only for what no sandbox may reach; unsupported: only for
/// addresses that this sandbox's network cannot reach; not_found: for none.
Result<Pins> pin(std::span<const EgressEntry> entries, const Surroundings& surroundings);

/// For `nft -f -`, in the sandbox's network namespace: what may go out, and come back.
std::string guard_text(const Pins& pins, std::span<const IpNetwork> own);
/// For /etc/hosts.
std::string hosts_text(const Pins& pins);

}  // namespace reeve::egress
