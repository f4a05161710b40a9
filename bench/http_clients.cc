#include "bench/http_clients.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <ctime>
#include <map>

#include <fmt/format.h>

#include "base/ensure.h"

namespace reeve::bench {
namespace {

constexpr std::string_view kLength = "\r\nContent-Length: ";

template <class Number>
Number number_in(std::string_view text) {
  Number value{};
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// Seconds since 1970 of "2026-11-28T08:00:00.123456Z".
double seconds_of(std::string_view text) {
  std::tm parts{};
  parts.tm_year = number_in<int>(text.substr(0, 4)) - 1900;
  parts.tm_mon = number_in<int>(text.substr(5, 2)) - 1;
  parts.tm_mday = number_in<int>(text.substr(8, 2));
  parts.tm_hour = number_in<int>(text.substr(11, 2));
  parts.tm_min = number_in<int>(text.substr(14, 2));
  parts.tm_sec = number_in<int>(text.substr(17, 2));
  const double fraction = text.size() > 20 ? number_in<double>(text.substr(19)) : 0;
  return static_cast<double>(::timegm(&parts)) + fraction;
}

}  // namespace

LoadOptions::LoadOptions(int argc, char** argv) {
  std::map<std::string, std::string> values;
  if (argc > 1) command = argv[1];
  for (int i = 2; i + 1 < argc; i += 2) values[std::string(argv[i]).substr(2)] = argv[i + 1];
  for (const auto& [name, value] : values) {
    if (name == "port") port = number_in<std::uint16_t>(value);
    if (name == "token") token = value;
    if (name == "server") server = value;
    if (name == "path") path = value;
    if (name == "body") body = value;
    if (name == "connections") connections = number_in<std::size_t>(value);
    if (name == "seconds") seconds = number_in<double>(value);
    if (name == "tasks") tasks = number_in<std::uint64_t>(value);
  }
}

std::string LoadOptions::get(const std::string& target) const {
  return fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\r\n",
                     target, token);
}

std::string LoadOptions::post(const std::string& target, const std::string& content,
                              const std::string& key, const std::string& type) const {
  return fmt::format(
      "POST {} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nIdempotency-Key: "
      "{}-{}\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n{}",
      target, token, ::getpid(), key, type, content.size(), content);
}

Status HttpClients::connect(std::size_t count) {
  epoll_ = Fd(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_) return fail_errno(errno, "epoll_create1");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  clients_.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    Client& client = clients_[i];
    client.socket = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!client.socket) return fail_errno(errno, "socket");
    if (::connect(client.socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      return fail_errno(errno, "connect");
    const int yes = 1;
    ::setsockopt(client.socket.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    epoll_event event{.events = EPOLLIN, .data = {.u64 = i}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, client.socket.get(), &event) != 0)
      return fail_errno(errno, "epoll_ctl");
  }
  return {};
}

void HttpClients::watch(std::size_t number, bool for_room) {
  Client& client = clients_[number];
  if (client.waits_for_room == for_room) return;
  client.waits_for_room = for_room;
  epoll_event event{.events = EPOLLIN | (for_room ? EPOLLOUT : 0U), .data = {.u64 = number}};
  ENSURE(::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, client.socket.get(), &event) == 0);
}

void HttpClients::send(std::size_t client, std::string request) {
  Client& to = clients_[client];
  if (to.out.empty())
    to.out = std::move(request);
  else
    to.out += request;
  write(client);
}

void HttpClients::follow(std::size_t client, std::string request) {
  clients_[client].is_stream = true;
  send(client, std::move(request));
}

void HttpClients::write(std::size_t number) {
  Client& client = clients_[number];
  while (client.sent < client.out.size()) {
    const ssize_t done = ::send(client.socket.get(), client.out.data() + client.sent,
                                client.out.size() - client.sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (done < 0) return watch(number, errno == EAGAIN);  // else reading finds out why
    client.sent += static_cast<std::size_t>(done);
  }
  client.out.clear();
  client.sent = 0;
  watch(number, false);
}

Status HttpClients::read(std::size_t number) {
  static std::array<char, 262'144> chunk;
  Client& client = clients_[number];
  const ssize_t got = ::recv(client.socket.get(), chunk.data(), chunk.size(), MSG_DONTWAIT);
  if (got < 0 && errno == EAGAIN) return {};
  if (got <= 0) return fail(ErrorCode::unavailable, "the service has ended a connection");
  const std::string_view bytes(chunk.data(), static_cast<std::size_t>(got));
  if (client.is_stream) {
    on_bytes(number, bytes);
    return {};
  }
  client.in.append(bytes);
  take(number);
  return {};
}

void HttpClients::take(std::size_t number) {
  while (true) {
    const std::string_view in = clients_[number].in;
    const std::size_t head_end = in.find("\r\n\r\n");
    if (head_end == std::string_view::npos) return;
    const std::size_t length_at = in.find(kLength);
    const std::size_t length =
        length_at < head_end ? number_in<std::size_t>(in.substr(length_at + kLength.size())) : 0;
    if (in.size() < head_end + 4 + length) return;
    // Whoever is told may send, but not read.
    if (on_reply)
      on_reply(number, {number_in<int>(in.substr(9, 3)), in.substr(head_end + 4, length)});
    clients_[number].in.erase(0, head_end + 4 + length);
  }
}

Status HttpClients::wait(int milliseconds) {
  std::array<epoll_event, 256> events{};
  const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), milliseconds);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if ((event.events & EPOLLOUT) != 0) write(event.data.u64);
    if ((event.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) TRY(read(event.data.u64));
  }
  return {};
}

std::uint64_t count_of(std::string_view text, std::string_view part) {
  std::uint64_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1))
    ++count;
  return count;
}

void add_delays(std::string_view bytes, std::vector<double>& delays) {
  constexpr std::string_view kTime = "\"time\":\"";
  const double now =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  for (std::size_t at = bytes.find(kTime); at != std::string_view::npos;
       at = bytes.find(kTime, at + 1)) {
    const std::string_view text = bytes.substr(at + kTime.size(), 27);
    const std::size_t end = text.find('Z');
    if (end != std::string_view::npos) delays.push_back(now - seconds_of(text.substr(0, end)));
  }
}

}  // namespace reeve::bench
