#include "egress/tap.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

#include <net/if.h>

#include "base/fd.h"
#include "egress/machine.h"
#include "egress/pins.h"

namespace reeve::egress {
namespace {

/// One message to the kernel, with room for two addresses and a number.
class Request {
 public:
  Request(std::uint16_t type, std::uint16_t flags) {
    header().nlmsg_type = type;
    header().nlmsg_flags = static_cast<std::uint16_t>(flags | NLM_F_REQUEST | NLM_F_ACK);
    header().nlmsg_len = NLMSG_LENGTH(0);
  }
  template <class Body>
  void body(const Body& value) {
    std::memcpy(bytes_ + NLMSG_HDRLEN, &value, sizeof value);
    header().nlmsg_len = NLMSG_LENGTH(sizeof value);
  }
  void attribute(std::uint16_t type, const void* data, std::uint16_t size) {
    char* const at = bytes_ + NLMSG_ALIGN(header().nlmsg_len);
    const rtattr start{.rta_len = static_cast<std::uint16_t>(RTA_LENGTH(size)), .rta_type = type};
    std::memcpy(at, &start, sizeof start);
    std::memcpy(at + RTA_LENGTH(0), data, size);
    header().nlmsg_len = static_cast<std::uint32_t>(at - bytes_) + RTA_ALIGN(start.rta_len);
  }
  /// 0, or errno.
  int send(int socket) {
    if (::send(socket, bytes_, header().nlmsg_len, 0) < 0) return errno;
    alignas(nlmsghdr) char answer[1024];
    const ssize_t got = ::recv(socket, answer, sizeof answer, 0);
    if (got < static_cast<ssize_t>(NLMSG_LENGTH(sizeof(nlmsgerr)))) return EPROTO;
    nlmsghdr told;
    nlmsgerr result;
    std::memcpy(&told, answer, sizeof told);
    std::memcpy(&result, answer + NLMSG_HDRLEN, sizeof result);
    return told.nlmsg_type == NLMSG_ERROR ? -result.error : EPROTO;
  }

 private:
  nlmsghdr& header() { return *reinterpret_cast<nlmsghdr*>(bytes_); }
  alignas(nlmsghdr) char bytes_[256] = {};
};

struct Side {
  std::string_view address;
  std::string_view network;
  std::string_view gateway;
};

int add_address(int socket, int interface, const Side& side) {
  const auto address = parse_ip_network(side.address);
  const auto network = parse_ip_network(side.network);
  if (!address || !network) return EINVAL;
  const bool is_v4 = address->family == AddressFamily::v4;
  Request request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
  ifaddrmsg body{};
  body.ifa_family = is_v4 ? AF_INET : AF_INET6;
  body.ifa_prefixlen = network->prefix;
  body.ifa_flags = is_v4 ? 0 : IFA_F_NODAD;
  body.ifa_index = static_cast<std::uint32_t>(interface);
  request.body(body);
  const auto size = static_cast<std::uint16_t>(address->bits() / 8);
  request.attribute(IFA_LOCAL, address->bytes.data(), size);
  request.attribute(IFA_ADDRESS, address->bytes.data(), size);
  return request.send(socket);
}

int add_route(int socket, int interface, const Side& side) {
  const auto gateway = parse_ip_network(side.gateway);
  if (!gateway) return EINVAL;
  Request request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
  rtmsg body{};
  body.rtm_family = gateway->family == AddressFamily::v4 ? AF_INET : AF_INET6;
  body.rtm_table = RT_TABLE_MAIN;
  body.rtm_protocol = RTPROT_STATIC;
  body.rtm_scope = RT_SCOPE_UNIVERSE;
  body.rtm_type = RTN_UNICAST;
  request.body(body);
  request.attribute(RTA_GATEWAY, gateway->bytes.data(),
                    static_cast<std::uint16_t>(gateway->bits() / 8));
  const auto index = static_cast<std::uint32_t>(interface);
  request.attribute(RTA_OIF, &index, sizeof index);
  return request.send(socket);
}

int bring_up(int socket, int interface) {
  Request request(RTM_NEWLINK, 0);
  ifinfomsg body{};
  body.ifi_family = AF_UNSPEC;
  body.ifi_index = interface;
  body.ifi_flags = IFF_UP;
  body.ifi_change = IFF_UP;
  request.body(body);
  request.attribute(IFLA_MTU, &kTapMtu, sizeof kTapMtu);
  return request.send(socket);
}

int create() {
  const Fd tun(::open(kTunDevice, O_RDWR | O_CLOEXEC));
  if (!tun) return errno;
  ifreq request{};
  std::strncpy(request.ifr_name, kTapName, IFNAMSIZ - 1);
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  if (::ioctl(tun.get(), TUNSETIFF, &request) != 0) return errno;
  return ::ioctl(tun.get(), TUNSETPERSIST, 1) != 0 ? errno : 0;
}

}  // namespace

Status make_tap(bool with_v6) {
  if (const int error = create(); error != 0)
    return fail_errno(error, "egress: cannot make an interface in the sandbox");
  const Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!socket) return fail_errno(errno, "egress: cannot talk to the kernel's network");
  const int interface = static_cast<int>(::if_nametoindex(kTapName));
  int error = interface == 0 ? errno : bring_up(socket.get(), interface);
  const auto set_up = [&](const Side& side) {
    if (error == 0) error = add_address(socket.get(), interface, side);
    if (error == 0) error = add_route(socket.get(), interface, side);
  };
  set_up({kSandboxAddressV4, kSandboxNetworkV4, kGatewayV4});
  if (with_v6) set_up({kSandboxAddressV6, kSandboxNetworkV6, kGatewayV6});
  if (error != 0) return fail_errno(error, "egress: cannot set up the sandbox's interface");
  return {};
}

}  // namespace reeve::egress
