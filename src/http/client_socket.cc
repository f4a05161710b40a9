#include "http/client_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include <fmt/format.h>
#include <netdb.h>

namespace reeve::http {
namespace {

constexpr std::size_t kReadBytes = 65'536;

class PlainSocket final : public ClientSocket {
 public:
  PlainSocket(Fd socket, const ServerAddress& address, const Waiting& waiting)
      : ClientSocket(waiting),
        socket_(std::move(socket)),
        address_(address) {}

  Status write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t done =
          ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (done >= 0) {
        bytes.remove_prefix(static_cast<std::size_t>(done));
      } else if (errno == EAGAIN) {
        TRY(wait_for(socket_.get(), POLLOUT, waiting(), address_));
      } else if (errno != EINTR) {
        return fail(ErrorCode::unavailable,
                    fmt::format("{} has closed the connection", address_.text));
      }
    }
    return {};
  }
  Result<bool> read(std::string& into) override {
    while (true) {
      const std::size_t before = into.size();
      into.resize(before + kReadBytes);
      const ssize_t got = ::recv(socket_.get(), into.data() + before, kReadBytes, MSG_DONTWAIT);
      into.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
      if (got >= 0) return got > 0;
      if (errno == ECONNRESET) return false;
      if (errno != EAGAIN && errno != EINTR)
        return fail_errno(errno, "cannot read from " + address_.text);
      TRY(wait_for(socket_.get(), POLLIN, waiting(), address_));
    }
  }

 private:
  const Fd socket_;
  const ServerAddress& address_;
};

Status refused(const ServerAddress& address, const Waiting& waiting, int number) {
  const bool is_nobody = waiting.is_for_reeve && (number == ECONNREFUSED || number == ENOENT);
  return fail(ErrorCode::unavailable,
              fmt::format("no service answers at {} ({}){}", address.text, std::strerror(number),
                          is_nobody ? "; `reeve serve` starts one" : ""));
}

/// Waits for a connection that has been begun.
Status finish_connect(int descriptor, const ServerAddress& address, const Waiting& waiting) {
  TRY(wait_for(descriptor, POLLOUT, waiting, address));
  int number = 0;
  socklen_t size = sizeof number;
  if (::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &number, &size) != 0) number = errno;
  return number == 0 ? Status() : refused(address, waiting, number);
}

Result<Fd> connect_unix(const ServerAddress& address, const Waiting& waiting) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (address.unix_path.size() >= sizeof name.sun_path)
    return fail(ErrorCode::invalid_argument,
                fmt::format("the path of a socket may have {} bytes: {}", sizeof name.sun_path - 1,
                            address.unix_path));
  std::memcpy(name.sun_path, address.unix_path.data(), address.unix_path.size());
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return fail_errno(errno, "socket");
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) {
    Status why = refused(address, waiting, errno);
    return tl::unexpected(std::move(why).error());
  }
  return socket;
}

/// The addresses of the name, in turn.
Result<Fd> connect_tcp(const ServerAddress& address, const Waiting& waiting) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int problem =
      ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (problem != 0)
    return fail(ErrorCode::unavailable,
                fmt::format("cannot find {}: {}", address.host, ::gai_strerror(problem)));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> all(found, &::freeaddrinfo);
  Status why = fail(ErrorCode::unavailable, address.host + " has no address");
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    Fd socket(::socket(each->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) continue;
    const int yes = 1;
    ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (::connect(socket.get(), each->ai_addr, each->ai_addrlen) == 0) return socket;
    why = errno == EINPROGRESS ? finish_connect(socket.get(), address, waiting)
                               : refused(address, waiting, errno);
    if (why) return socket;
  }
  return tl::unexpected(std::move(why).error());
}

}  // namespace

Waiting Waiting::from(const ClientOptions& options) {
  Waiting waiting{.each = options.timeout, .is_for_reeve = options.is_for_reeve};
  if (options.exchange_time > std::chrono::milliseconds{0})
    waiting.end = std::chrono::steady_clock::now() + options.exchange_time;
  return waiting;
}

int Waiting::next() const {
  if (end == std::chrono::steady_clock::time_point::max()) return static_cast<int>(each.count());
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp(left, std::chrono::milliseconds{0}, each).count());
}

Status wait_for(int descriptor, short events, const Waiting& waiting,
                const ServerAddress& address) {
  pollfd wait{descriptor, events, 0};
  while (true) {
    const int most = waiting.next();
    const int ready = most == 0 ? 0 : ::poll(&wait, 1, most);
    if (ready > 0) return {};
    if (ready == 0)
      return fail(ErrorCode::unavailable, fmt::format("{} does not answer in time", address.text));
    if (errno != EINTR) return fail_errno(errno, "poll");
  }
}

Result<std::unique_ptr<ClientSocket>> ClientSocket::connect(const ServerAddress& address,
                                                            const ClientOptions& options,
                                                            const Waiting& waiting) {
  Result<Fd> socket =
      address.unix_path.empty() ? connect_tcp(address, waiting) : connect_unix(address, waiting);
  if (!socket) return tl::unexpected(std::move(socket).error());
  if (address.is_encrypted) return encrypted_socket(*std::move(socket), address, options, waiting);
  return std::make_unique<PlainSocket>(*std::move(socket), address, waiting);
}

}  // namespace reeve::http
