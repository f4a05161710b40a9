#include "egress/machine.h"

#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/fd.h"

namespace reeve::egress {
namespace {

/// "": there is none. Relative parts of PATH are passed over: this runs with rights.
std::string find_program(std::string_view program) {
  const char* const path = ::getenv("PATH");
  std::string all(path == nullptr ? "" : path);
  all += ":/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin";
  for (std::string_view rest = all; !rest.empty();) {
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    const std::string file = std::string(rest.substr(0, colon)).append("/").append(program);
    if (file.starts_with('/') && colon > 0 && ::access(file.c_str(), X_OK) == 0) return file;
    rest.remove_prefix(std::min(colon + 1, rest.size()));
  }
  return {};
}

}  // namespace

std::optional<IpNetwork> address_of(const sockaddr* address) {
  IpNetwork found;
  if (address == nullptr) return std::nullopt;
  if (address->sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
    std::memcpy(found.bytes.data(), &v4->sin_addr, sizeof v4->sin_addr);
  } else if (address->sa_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
    found.family = AddressFamily::v6;
    std::memcpy(found.bytes.data(), &v6->sin6_addr, sizeof v6->sin6_addr);
  } else {
    return std::nullopt;
  }
  found.prefix = found.bits();
  return found;
}

Result<std::vector<IpNetwork>> own_addresses() {
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0)
    return fail_errno(errno, "egress: cannot list the addresses of this machine");
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owned(first, &::freeifaddrs);
  std::vector<IpNetwork> found;
  for (const ifaddrs* at = first; at != nullptr; at = at->ifa_next) {
    if (const auto address = address_of(at->ifa_addr)) found.push_back(*address);
    // The address of all neighbours on a link, this machine among them.
    if ((at->ifa_flags & IFF_BROADCAST) != 0)
      if (const auto address = address_of(at->ifa_broadaddr)) found.push_back(*address);
  }
  return found;
}

bool has_v6() { return ::access("/proc/net/if_inet6", F_OK) == 0; }

Result<Programs> find_programs() {
  const Programs found{find_program("nft"), find_program("slirp4netns")};
  std::string missing;
  if (found.nft.empty()) missing = "nft (apt install nftables)";
  if (found.slirp.empty())
    missing += std::string(missing.empty() ? "" : " and ") + "slirp4netns (apt install slirp4netns)";
  if (!missing.empty())
    return fail(ErrorCode::unsupported, "egress: this machine has no " + missing +
                                            "; until then, leave the list of `network` out");
  const Fd tun(::open(kTunDevice, O_RDWR | O_CLOEXEC));
  if (tun) return found;
  const int error = errno;
  return fail(ErrorCode::unsupported,
              std::string("egress: ") + kTunDevice + " cannot be opened (" + std::strerror(error) +
                  "): load the module tun, and let the user of this engine read and write it");
}

}  // namespace reeve::egress
