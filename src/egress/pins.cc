#include "egress/pins.h"

#include <algorithm>

#include <fmt/format.h>

namespace reeve::egress {
namespace {

IpNetwork sandbox_v6() { return parse_ip_network(kSandboxNetworkV6).value_or(IpNetwork{}); }

bool holds_any(std::span<const IpNetwork> networks, const IpNetwork& one) {
  return std::ranges::any_of(networks, [&](const IpNetwork& each) { return each.holds(one); });
}

std::string list(std::span<const IpNetwork> networks) {
  std::string text;
  for (const IpNetwork& network : networks) {
    if (!text.empty()) text += ", ";
    text += network.text();
  }
  return text;
}

class Pinning {
 public:
  explicit Pinning(const Surroundings& surroundings) : surroundings_(surroundings) {}

  Status add(const EgressEntry& entry) {
    Allowance allowance{
        .port_first = entry.port_first, .port_last = entry.port_last, .protocol = entry.protocol};
    if (entry.name.empty()) {
      TRY(check(entry.network.text(), {&entry.network, 1}));
      allowance.networks.push_back(entry.network);
    } else {
      TRY_ASSIGN(allowance.networks, addresses_of(entry.name));
    }
    std::ranges::sort(allowance.networks);
    pins_.allowances.push_back(std::move(allowance));
    return {};
  }
  Pins take() { return std::move(pins_); }

 private:
  bool is_refused(const IpNetwork& network) const {
    return is_forbidden(network) || holds_any(surroundings_.own, network);
  }
  bool is_out_of_reach(const IpNetwork& network) const {
    return network.family == AddressFamily::v6 &&
           (!surroundings_.has_v6 || sandbox_v6().holds(network));
  }

  /// Whether at least one of them can be reached.
  Status check(const std::string& what, std::span<const IpNetwork> networks) const {
    const auto refused = [&](const IpNetwork& one) { return is_refused(one); };
    if (std::ranges::all_of(networks, refused)) {
      const bool is_said = networks.size() == 1 && networks.front().text() == what;
      return fail(ErrorCode::permission_denied,
                  fmt::format("egress: {} is {}, which no sandbox may reach, whatever the task "
                              "lists: the machine itself, its link, or a metadata service",
                              what, is_said ? "an address" : list(networks)));
    }
    const auto lost = [&](const IpNetwork& one) { return is_refused(one) || is_out_of_reach(one); };
    if (std::ranges::all_of(networks, lost))
      return fail(ErrorCode::unsupported,
                  fmt::format("egress: {} is out of reach: {}", what,
                              surroundings_.has_v6 ? fmt::format("{} is the sandbox's own network",
                                                                 kSandboxNetworkV6)
                                                   : "this machine has no network of version 6"));
    return {};
  }

  Result<std::vector<IpNetwork>> addresses_of(const std::string& name) {
    const auto pinned = std::ranges::find(pins_.names, name, &PinnedName::name);
    if (pinned != pins_.names.end()) return pinned->addresses;
    const auto found = surroundings_.resolved.find(name);
    if (found == surroundings_.resolved.end() || found->second.empty())
      return fail(ErrorCode::not_found, "egress: " + name + " has no address");
    TRY(check(name, found->second));
    std::vector<IpNetwork> kept;
    for (const IpNetwork& address : found->second) {
      if (is_refused(address) || is_out_of_reach(address)) continue;
      if (std::ranges::find(kept, address) == kept.end() && kept.size() < kAddressesPerNameMax)
        kept.push_back(address);
    }
    pins_.names.push_back({name, kept});
    return kept;
  }

  const Surroundings& surroundings_;
  Pins pins_;
};

void add_set(std::string& text, AddressFamily family, std::span<const IpNetwork> own) {
  std::vector<IpNetwork> networks;
  const auto add = [&](const IpNetwork& network) {
    if (network.family == family) networks.push_back(network);
    if (network.family == AddressFamily::v4 && family == AddressFamily::v6)
      networks.push_back(translated(network));
  };
  for (const IpNetwork& network : forbidden_networks())
    if (network.family == family) networks.push_back(network);
  for (const IpNetwork& network : own) add(network);
  // What slirp4netns itself answers there. That of version 4 is among the forbidden.
  if (family == AddressFamily::v6) networks.push_back(sandbox_v6());
  std::ranges::sort(networks);
  const auto same = std::ranges::unique(networks);
  networks.erase(same.begin(), same.end());
  const bool is_v4 = family == AddressFamily::v4;
  text += fmt::format("  set {} {{\n    type {}; flags interval; auto-merge; elements = {{",
                      is_v4 ? "forbidden4" : "forbidden6", is_v4 ? "ipv4_addr" : "ipv6_addr");
  for (const IpNetwork& network : networks)
    text += (&network == networks.data() ? "\n      " : ",\n      ") + network.text();
  text += " }\n  }\n";
}

void add_rules(std::string& text, const Allowance& allowance) {
  for (const AddressFamily family : {AddressFamily::v4, AddressFamily::v6}) {
    std::vector<IpNetwork> networks;
    std::ranges::copy_if(allowance.networks, std::back_inserter(networks),
                         [&](const IpNetwork& one) { return one.family == family; });
    if (networks.empty()) continue;
    text += fmt::format("    {} daddr {{ {} }} {} dport {}-{} accept\n",
                        family == AddressFamily::v4 ? "ip" : "ip6", list(networks),
                        allowance.protocol == EgressProtocol::tcp ? "tcp" : "udp",
                        allowance.port_first, allowance.port_last);
  }
}

}  // namespace

Result<Pins> pin(std::span<const EgressEntry> entries, const Surroundings& surroundings) {
  Pinning pinning(surroundings);
  for (const EgressEntry& entry : entries) TRY(pinning.add(entry));
  return pinning.take();
}

std::string guard_text(const Pins& pins, std::span<const IpNetwork> own) {
  // Whoever is refused is told so, instead of waiting; neighbours are found by the kernel alone.
  constexpr std::string_view kNeighbours =
      "    ip6 hoplimit 255 icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept\n";
  constexpr std::string_view kAnswers =
      "    ct state established accept\n"
      "    ct state related meta l4proto { icmp, ipv6-icmp } accept\n";
  std::string text = "table inet reeve {\n";
  add_set(text, AddressFamily::v4, own);
  add_set(text, AddressFamily::v6, own);
  text += "  chain output {\n    type filter hook output priority 0; policy drop;\n";
  text += "    oifname \"lo\" accept\n";
  text += kNeighbours;
  text += "    ip daddr @forbidden4 reject with icmpx admin-prohibited\n";
  text += "    ip6 daddr @forbidden6 reject with icmpx admin-prohibited\n";
  text += kAnswers;
  for (const Allowance& allowance : pins.allowances) add_rules(text, allowance);
  text += "    reject with icmpx admin-prohibited\n  }\n";
  text += "  chain input {\n    type filter hook input priority 0; policy drop;\n";
  text += "    iifname \"lo\" accept\n";
  text += kNeighbours;
  text += kAnswers;
  text += "  }\n  chain forward { type filter hook forward priority 0; policy drop; }\n}\n";
  return text;
}

std::string hosts_text(const Pins& pins) {
  std::string text = "127.0.0.1 localhost\n::1 localhost\n";
  for (const PinnedName& pinned : pins.names)
    for (const IpNetwork& address : pinned.addresses)
      text += fmt::format("{} {}\n", address.text(), pinned.name);
  return text;
}

}  // namespace reeve::egress
