// What this machine has for egress: its own addresses, and the programs and the device that carry
// packets. Looks and changes nothing. Thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/egress.h"
#include "base/result.h"

struct sockaddr;

namespace reeve::egress {

inline constexpr const char* kTunDevice = "/dev/net/tun";

/// Of an internet address; nothing for others.
std::optional<IpNetwork> address_of(const sockaddr* address);
/// Of every interface, of both versions, and whatever else the kernel delivers to this machine or
/// to all on a link.
Result<std::vector<IpNetwork>> own_addresses();
bool has_v6();

struct Programs {
  std::string nft;
  std::string slirp;
};
/// Where they are: in PATH, or where an ordinary user's PATH does not look. unsupported: what is
/// missing, and how to get it; also when the device cannot be opened.
Result<Programs> find_programs();

}  // namespace reeve::egress
