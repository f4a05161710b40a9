#include "supervisor/socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace reeve::supervisor {
namespace {

constexpr int kBacklog = 16;
constexpr int kBufferBytes = 1 << 20;  // the kernel may give less

struct Address {
  Fd directory;  ///< open while the address is used
  sockaddr_un name{};
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&name); }
};

/// Names the socket through an open directory, because sun_path holds 108 bytes only.
Result<Address> address_in(const std::string& state, std::string_view name) {
  Address address;
  address.directory.reset(::open(state.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!address.directory) return fail_errno(errno, "cannot open the state directory " + state);
  std::string path = "/proc/self/fd/" + std::to_string(address.directory.get()) + "/";
  path.append(name);
  address.name.sun_family = AF_UNIX;
  std::memcpy(address.name.sun_path, path.c_str(), path.size() + 1);
  return address;
}

Result<Fd> make_socket() {
  Fd made(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!made) return fail_errno(errno, "cannot make a socket");
  ::setsockopt(made.get(), SOL_SOCKET, SO_SNDBUF, &kBufferBytes, sizeof(kBufferBytes));
  return made;
}

bool credentials_of(int socket, ucred& peer) {
  socklen_t size = sizeof(peer);
  return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
}

}  // namespace

Result<Fd> listen_in(const std::string& state, std::string_view name) {
  TRY_ASSIGN(Fd listener, make_socket());
  TRY_ASSIGN(const Address address, address_in(state, name));
  ::unlink(address.name.sun_path);
  const mode_t mask = ::umask(0177);
  const int bound = ::bind(listener.get(), address.get(), sizeof(address.name));
  const int error = errno;
  ::umask(mask);
  if (bound != 0) return fail_errno(error, "cannot make the supervisor's socket in " + state);
  if (::listen(listener.get(), kBacklog) != 0)
    return fail_errno(errno, "cannot listen at the supervisor's socket in " + state);
  return listener;
}

Result<Fd> connect_in(const std::string& state, std::string_view name) {
  TRY_ASSIGN(Fd socket, make_socket());
  TRY_ASSIGN(const Address address, address_in(state, name));
  if (::connect(socket.get(), address.get(), sizeof(address.name)) == 0) return socket;
  if (errno == ENOENT) return fail(ErrorCode::not_found, "no supervisor's socket in " + state);
  if (errno == ECONNREFUSED || errno == EAGAIN)
    return fail(ErrorCode::unavailable, "no supervisor listens in " + state);
  return fail_errno(errno, "cannot connect to the supervisor in " + state);
}

Result<Fd> accept_from(int listener) {
  Fd peer(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!peer) return fail_errno(errno, "cannot accept a connection");
  ::setsockopt(peer.get(), SOL_SOCKET, SO_SNDBUF, &kBufferBytes, sizeof(kBufferBytes));
  return peer;
}

bool is_trusted_peer(int socket) {
  ucred peer{};
  return credentials_of(socket, peer) && (peer.uid == ::geteuid() || peer.uid == 0);
}

std::int64_t pid_of_peer(int socket) {
  ucred peer{};
  return credentials_of(socket, peer) ? peer.pid : 0;
}

Result<std::pair<Fd, Fd>> make_pair_of_sockets() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
    return fail_errno(errno, "cannot make a pair of sockets");
  for (const int end : ends)
    ::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &kBufferBytes, sizeof(kBufferBytes));
  return std::pair(Fd(ends[0]), Fd(ends[1]));
}

IoState SendBuffer::send(int socket) {
  while (pending() > 0) {
    const std::size_t count = std::min(pending(), kDatagramBytesMax);
    const ssize_t sent = ::send(socket, bytes_.data() + sent_, count, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM))
      return IoState::blocked;
    if (sent < 0) return IoState::broken;
    sent_ += static_cast<std::size_t>(sent);
    if (sent_ > (1U << 20)) {
      bytes_.erase(0, sent_);
      sent_ = 0;
    }
  }
  clear();
  return IoState::done;
}

void SendBuffer::clear() {
  bytes_.clear();
  sent_ = 0;
}

IoState receive(int socket, std::vector<char>& scratch, MessageBuffer& messages) {
  // One byte more than is allowed shows a datagram that is too large.
  if (scratch.size() < kDatagramBytesMax + 1) scratch.resize(kDatagramBytesMax + 1);
  while (true) {
    const ssize_t got = ::recv(socket, scratch.data(), scratch.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return IoState::blocked;
    if (got <= 0 || static_cast<std::size_t>(got) > kDatagramBytesMax) return IoState::broken;
    messages.append({scratch.data(), static_cast<std::size_t>(got)});
    return IoState::done;
  }
}

}  // namespace reeve::supervisor
