// Probes that try to reach somebody over a socket.
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

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

constexpr Probe kProbes[] = {
    {"abstract_stream", abstract_stream},           {"abstract_datagram", abstract_datagram},
    {"abstract_packets", abstract_packets},         {"socket_of_engine", socket_of_engine},
    {"socket_of_supervisor", socket_of_supervisor}, {"socket_of_visitors", socket_of_visitors},
    {"loopback_of_host", loopback_of_host},         {"address_of_host", address_of_host},
    {"metadata_address", metadata_address},         {"datagram_out", datagram_out},
};

}  // namespace

std::span<const Probe> socket_probes() { return kProbes; }

}  // namespace reeve::escape
