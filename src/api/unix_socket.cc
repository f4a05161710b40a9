#include "api/unix_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include <cstring>

#include <fmt/format.h>

namespace reeve::api {
namespace {

constexpr int kBacklog = 16;

/// An address for the path. One that is too long goes through a descriptor of its directory, which
/// must stay open while the address is used.
struct Address {
  sockaddr_un value{};
  Fd directory;
};

Result<Address> address_of(const std::string& path) {
  Address address;
  address.value.sun_family = AF_UNIX;
  std::string name = path;
  if (name.size() >= sizeof address.value.sun_path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos)
      return fail(ErrorCode::invalid_argument, "the name of the socket is too long: " + path);
    const std::string folder = path.substr(0, slash);
    address.directory = Fd(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!address.directory) return fail_errno(errno, "cannot open " + folder);
    name = fmt::format("/proc/self/fd/{}{}", address.directory.get(), path.substr(slash));
    if (name.size() >= sizeof address.value.sun_path)
      return fail(ErrorCode::invalid_argument, "the name of the socket is too long: " + path);
  }
  std::memcpy(address.value.sun_path, name.data(), name.size());
  return address;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

}  // namespace

Result<Fd> listen_at(const std::string& path) {
  TRY_ASSIGN(const Address address, address_of(path));
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return fail_errno(errno, "cannot make a socket");
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return fail_errno(errno, "cannot remove the old socket " + path);
  // On Linux connecting needs write permission on the socket: the mode is set before it listens.
  if (::bind(socket.get(), generic(address.value), sizeof address.value) != 0 ||
      ::chmod(path.c_str(), 0600) != 0 || ::listen(socket.get(), kBacklog) != 0)
    return fail_errno(errno, "cannot listen at " + path);
  return socket;
}

Result<Fd> connect_to(const std::string& path, Duration patience) {
  TRY_ASSIGN(const Address address, address_of(path));
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return fail_errno(errno, "cannot make a socket");
  // Linux waits this long for room in the queue of one who listens and does not accept.
  const auto whole = std::chrono::duration_cast<std::chrono::seconds>(patience);
  const timeval limit{whole.count(), (patience - whole) / std::chrono::microseconds(1)};
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0)
    return fail_errno(errno, "cannot limit a socket");
  if (::connect(socket.get(), generic(address.value), sizeof address.value) == 0) return socket;
  if (errno == ENOENT || errno == ECONNREFUSED)
    return fail(ErrorCode::unavailable, "no engine answers at " + path);
  if (errno == EAGAIN)
    return fail(ErrorCode::unavailable, "the engine does not answer; is its process stopped?");
  return fail_errno(errno, "cannot connect to " + path);
}

bool is_same_user(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
         peer.uid == ::geteuid();
}

}  // namespace reeve::api
