#include "egress/machine.h"

#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

#include <ifaddrs.h>
#include <net/if.h>

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

/// Reads one route; adds where it leads to if that is this machine, or all on a link.
void add_route(const char* at, std::size_t size, std::vector<IpNetwork>& found) {
  rtmsg route{};
  if (size < sizeof route) return;
  std::memcpy(&route, at, sizeof route);
  if (route.rtm_type != RTN_LOCAL && route.rtm_type != RTN_BROADCAST &&
      route.rtm_type != RTN_ANYCAST)
    return;
  IpNetwork network;
  if (route.rtm_family == AF_INET6) network.family = AddressFamily::v6;
  if (route.rtm_dst_len > network.bits()) return;
  network.prefix = route.rtm_dst_len;
  for (std::size_t offset = NLMSG_ALIGN(sizeof route); offset + sizeof(rtattr) <= size;) {
    rtattr about{};
    std::memcpy(&about, at + offset, sizeof about);
    if (about.rta_len < sizeof about || about.rta_len > size - offset) return;
    if (about.rta_type == RTA_DST && about.rta_len == RTA_LENGTH(network.bits() / 8)) {
      std::memcpy(network.bytes.data(), at + offset + sizeof about, network.bits() / 8);
      found.push_back(network);
    }
    offset += RTA_ALIGN(about.rta_len);
  }
}

/// What the kernel takes for itself, beside the addresses of interfaces: whole networks at times.
Status add_local_routes(std::vector<IpNetwork>& found) {
  const Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  struct {
    nlmsghdr header;
    rtmsg route;
  } request{};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = RTM_GETROUTE;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  if (!socket || ::send(socket.get(), &request, sizeof request, 0) < 0)
    return fail_errno(errno, "egress: cannot ask for the routes of this machine");
  std::vector<char> buffer(64U << 10);
  for (;;) {
    const ssize_t got = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return fail_errno(errno, "egress: cannot read the routes of this machine");
    for (std::size_t offset = 0; offset + NLMSG_HDRLEN <= static_cast<std::size_t>(got);) {
      nlmsghdr header{};
      std::memcpy(&header, buffer.data() + offset, sizeof header);
      if (header.nlmsg_type == NLMSG_DONE) return {};
      if (header.nlmsg_type == NLMSG_ERROR || header.nlmsg_len < NLMSG_HDRLEN ||
          header.nlmsg_len > static_cast<std::size_t>(got) - offset)
        return fail(ErrorCode::io_failed, "egress: the kernel does not tell this machine's routes");
      add_route(buffer.data() + offset + NLMSG_HDRLEN, header.nlmsg_len - NLMSG_HDRLEN, found);
      offset += NLMSG_ALIGN(header.nlmsg_len);
    }
  }
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
  TRY(add_local_routes(found));
  std::ranges::sort(found);
  const auto same = std::ranges::unique(found);
  found.erase(same.begin(), same.end());
  return found;
}

bool has_v6() { return ::access("/proc/net/if_inet6", F_OK) == 0; }

Result<Programs> find_programs() {
  const Programs found{find_program("nft"), find_program("slirp4netns")};
  std::string missing;
  if (found.nft.empty()) missing = "nft (apt install nftables)";
  if (found.slirp.empty())
    missing +=
        std::string(missing.empty() ? "" : " and ") + "slirp4netns (apt install slirp4netns)";
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
