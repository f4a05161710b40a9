// Probes that try to reach somebody over a socket.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include <net/if.h>

#include "tests/escape/probe.h"

namespace reeve::escape {
namespace {

constexpr int kPatienceMs = 500;

Outcome reach_unix(int type, const std::string& name, bool is_abstract) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::size_t skipped = is_abstract ? 1 : 0;
  name.copy(address.sun_path + skipped, sizeof address.sun_path - skipped - 1);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + skipped + name.size());
  const int socket = ::socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
  return answer(::connect(socket, reinterpret_cast<const sockaddr*>(&address), size));
}
Outcome abstract_stream() {
  return reach_unix(SOCK_STREAM, setting("ESCAPE_MARKER", "") + "-stream", true);
}
Outcome abstract_datagram() {
  return reach_unix(SOCK_DGRAM, setting("ESCAPE_MARKER", "") + "-datagram", true);
}
Outcome abstract_packets() {
  return reach_unix(SOCK_SEQPACKET, setting("ESCAPE_MARKER", "") + "-packets", true);
}
Outcome socket_of_engine() { return reach_unix(SOCK_STREAM, ".reeve/engine.sock", false); }
Outcome socket_of_supervisor() { return reach_unix(SOCK_STREAM, ".reeve/supervisor.sock", false); }

Outcome socket_of_visitors() { return reach_unix(SOCK_STREAM, ".reeve/enter.sock", false); }

Outcome reach_inet(const std::string& host, int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  ::inet_pton(AF_INET, host.c_str(), &address.sin_addr);
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
    return escaped("connected");
  if (errno != EINPROGRESS) return prevented(error_name(errno));
  pollfd wait{socket, POLLOUT, 0};
  if (::poll(&wait, 1, kPatienceMs) != 1) return unclear("no answer");
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size);
  return error == 0 ? escaped("connected") : prevented(error_name(error));
}
int port() { return std::atoi(setting("ESCAPE_PORT", "1").c_str()); }
Outcome loopback_of_host() { return reach_inet("127.0.0.1", port()); }
Outcome address_of_host() { return reach_inet(setting("ESCAPE_ADDRESS", "127.0.0.2"), port()); }
Outcome metadata_address() { return reach_inet("169.254.169.254", port()); }
Outcome datagram_out() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(53);
  ::inet_pton(AF_INET, "192.0.2.1", &address.sin_addr);
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  return answer(::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address));
}

int interface_up(int socket, bool is_up) {
  ifreq request{};
  std::strcpy(request.ifr_name, setting("ESCAPE_INTERFACE", "lo").c_str());
  if (::ioctl(socket, SIOCGIFFLAGS, &request) != 0) return -1;
  const int changed = is_up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP;
  request.ifr_flags = static_cast<short>(changed);
  return ::ioctl(socket, SIOCSIFFLAGS, &request);
}
/// Whoever may do that may also take the guard away.
Outcome interface_changed() {
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const Outcome outcome = answer(interface_up(socket, false));
  if (outcome.result == Result::escaped) interface_up(socket, true);
  return outcome;
}

/// What the kernel says to a request: 0, or an error.
Outcome ask_kernel(int family, const void* request, std::size_t size) {
  const int socket = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, family);
  if (socket < 0 || ::send(socket, request, size, 0) < 0) return prevented(error_name(errno));
  alignas(nlmsghdr) char buffer[4096];
  const ssize_t got = ::recv(socket, buffer, sizeof buffer, 0);
  nlmsghdr told{};
  nlmsgerr result{};
  if (got < static_cast<ssize_t>(NLMSG_HDRLEN + sizeof result)) return unclear("no answer");
  std::memcpy(&told, buffer, sizeof told);
  std::memcpy(&result, buffer + NLMSG_HDRLEN, sizeof result);
  if (told.nlmsg_type != NLMSG_ERROR) return unclear("another answer");
  return result.error == 0 ? escaped("done") : prevented(error_name(-result.error));
}

Outcome route_changed() {
  // Packets to TEST-NET-2 are dropped: harmless.
  struct {
    nlmsghdr header;
    rtmsg route;
    rtattr start;
    in_addr to;
  } request{};
  request.header = {sizeof request, RTM_NEWROUTE,
                    NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, 1, 0};
  request.route.rtm_family = AF_INET;
  request.route.rtm_dst_len = 32;
  request.route.rtm_table = RT_TABLE_MAIN;
  request.route.rtm_protocol = RTPROT_STATIC;
  request.route.rtm_type = RTN_BLACKHOLE;
  request.start = {sizeof(rtattr) + sizeof(in_addr), RTA_DST};
  ::inet_pton(AF_INET, "198.51.100.253", &request.to);
  return ask_kernel(NETLINK_ROUTE, &request, sizeof request);
}

Outcome guard_changed() {
  struct Part {
    nlmsghdr header;
    nfgenmsg what;
  };
  struct {
    Part begin;
    Part table;
    nlattr start;
    char name[8];
    Part end;
  } request{};
  constexpr std::uint16_t kTable = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE;
  request.begin.header = {sizeof(Part), NFNL_MSG_BATCH_BEGIN, NLM_F_REQUEST, 1, 0};
  request.begin.what.res_id = htons(NFNL_SUBSYS_NFTABLES);
  request.table.header = {sizeof(Part) + sizeof(nlattr) + sizeof request.name, kTable,
                          NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE, 2, 0};
  request.table.what.nfgen_family = AF_INET;
  request.start = {sizeof(nlattr) + sizeof request.name, NFTA_TABLE_NAME};
  std::strcpy(request.name, "escapes");
  request.end.header = {sizeof(Part), NFNL_MSG_BATCH_END, NLM_F_REQUEST, 3, 0};
  request.end.what.res_id = htons(NFNL_SUBSYS_NFTABLES);
  return ask_kernel(NETLINK_NETFILTER, &request, sizeof request);
}

Outcome tap_made() { return try_open(setting("ESCAPE_TUN", "/dev/net/tun"), O_RDWR); }

constexpr Probe kProbes[] = {
    {"abstract_stream", abstract_stream},
    {"abstract_datagram", abstract_datagram},
    {"abstract_packets", abstract_packets},
    {"socket_of_engine", socket_of_engine},
    {"socket_of_supervisor", socket_of_supervisor},
    {"socket_of_visitors", socket_of_visitors},
    {"loopback_of_host", loopback_of_host},
    {"address_of_host", address_of_host},
    {"metadata_address", metadata_address},
    {"datagram_out", datagram_out},
    {"interface_changed", interface_changed},
    {"route_changed", route_changed},
    {"guard_changed", guard_changed},
    {"tap_made", tap_made},
};

}  // namespace

std::span<const Probe> socket_probes() { return kProbes; }

}  // namespace reeve::escape
