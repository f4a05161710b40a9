#include "cli/take_over.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <span>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "api/unix_socket.h"

namespace reeve::cli {
namespace {

constexpr std::string_view kWish = "reeve take-over 1\n";
constexpr std::string_view kGo = "go\n";
constexpr std::size_t kSocketsMax = 64;
constexpr std::size_t kLineMax = 16'384;
constexpr timeval kPatience{2, 0};

Status limit_waiting(const Fd& socket) {
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience) == 0 &&
      ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience) == 0)
    return {};
  return fail_errno(errno, "cannot limit a socket");
}

tl::unexpected<Error> went_away() {
  return fail(ErrorCode::unavailable, "the other process went away, or did not answer in time");
}

/// Up to the end of a line; what stands behind it would be a fault.
Result<std::string> read_line(const Fd& socket) {
  std::string line;
  std::array<char, 256> chunk{};
  while (!line.ends_with('\n')) {
    const ssize_t got = ::recv(socket.get(), chunk.data(), chunk.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0 || line.size() > kLineMax) return went_away();
    line.append(chunk.data(), static_cast<std::size_t>(got));
  }
  return line;
}

Status send_line(const Fd& socket, std::string_view line) {
  const ssize_t sent = ::send(socket.get(), line.data(), line.size(), MSG_NOSIGNAL);
  if (sent == static_cast<ssize_t>(line.size())) return {};
  return went_away();
}

using Descriptors = std::array<char, CMSG_SPACE(sizeof(int) * kSocketsMax)>;

Status send_sockets(const Fd& to, const std::vector<http::PassedSocket>& sockets) {
  boost::json::array list;
  std::vector<int> numbers;
  for (const http::PassedSocket& each : sockets) {
    TRY_ASSIGN(const std::string address, http::listening_address(each.socket.get()));
    list.push_back(boost::json::object{{"address", address}, {"path", each.removes_path}});
    numbers.push_back(each.socket.get());
  }
  std::string line =
      boost::json::serialize(boost::json::object{{"version", 1}, {"sockets", std::move(list)}}) +
      "\n";
  if (numbers.empty() || numbers.size() > kSocketsMax || line.size() > kLineMax)
    return fail(ErrorCode::unsupported, "so many sockets cannot be handed over");
  alignas(cmsghdr) Descriptors control{};
  iovec bytes{line.data(), line.size()};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = CMSG_SPACE(sizeof(int) * numbers.size());
  cmsghdr* const head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(sizeof(int) * numbers.size());
  std::memcpy(CMSG_DATA(head), numbers.data(), sizeof(int) * numbers.size());
  if (::sendmsg(to.get(), &message, MSG_NOSIGNAL) == static_cast<ssize_t>(line.size())) return {};
  return went_away();
}

void take_descriptors(msghdr& message, std::vector<Fd>& sockets) {
  for (cmsghdr* head = CMSG_FIRSTHDR(&message); head != nullptr;
       head = CMSG_NXTHDR(&message, head)) {
    if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    std::vector<int> numbers(count);
    std::memcpy(numbers.data(), CMSG_DATA(head), count * sizeof(int));
    for (const int number : numbers) sockets.emplace_back(number);
  }
}

Result<std::string> receive_sockets(const Fd& from, std::vector<Fd>& sockets) {
  std::string line;
  std::array<char, 4096> chunk{};
  while (!line.ends_with('\n')) {
    alignas(cmsghdr) Descriptors control{};
    iovec bytes{chunk.data(), chunk.size()};
    msghdr message{};
    message.msg_iov = &bytes;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t got = ::recvmsg(from.get(), &message, MSG_CMSG_CLOEXEC);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0 || line.size() > kLineMax) return went_away();
    take_descriptors(message, sockets);
    line.append(chunk.data(), static_cast<std::size_t>(got));
  }
  return line;
}

Result<std::vector<NamedSocket>> read_offer(const std::string& line, std::vector<Fd> sockets) {
  const auto malformed = [] {
    return fail(ErrorCode::unsupported,
                "the process that serves speaks of a hand-over in a way "
                "that this version of reeve does not know: stop it first");
  };
  boost::system::error_code error;
  const boost::json::value offer = boost::json::parse(line, error);
  const auto* const object = error ? nullptr : offer.if_object();
  const auto* const version = object == nullptr ? nullptr : object->if_contains("version");
  const auto* const list = object == nullptr ? nullptr : object->if_contains("sockets");
  if (version == nullptr || *version != 1 || list == nullptr || !list->is_array() ||
      list->get_array().size() != sockets.size())
    return malformed();
  std::vector<NamedSocket> all;
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    const auto* const item = list->get_array()[i].if_object();
    const auto* const path = item == nullptr ? nullptr : item->if_contains("path");
    if (path == nullptr || !path->is_bool()) return malformed();
    NamedSocket each;
    TRY_ASSIGN(each.address, http::listening_address(sockets[i].get()));
    each.passed = {.socket = std::move(sockets[i]), .removes_path = path->get_bool()};
    all.push_back(std::move(each));
  }
  return all;
}

}  // namespace

Result<TakeOverDoor> TakeOverDoor::open(std::string path) {
  TRY_ASSIGN(Fd listener, api::listen_at(path));
  return TakeOverDoor(std::move(path), std::move(listener));
}

TakeOverDoor::~TakeOverDoor() {
  if (listener_) ::unlink(path_.c_str());
}

Result<Fd> TakeOverDoor::hand_over(const std::vector<http::PassedSocket>& sockets) const {
  Fd peer(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!peer || !api::is_same_user(peer.get())) return went_away();
  TRY(limit_waiting(peer));
  TRY_ASSIGN(const std::string wish, read_line(peer));
  if (wish != kWish) return went_away();
  TRY(send_sockets(peer, sockets));
  TRY_ASSIGN(const std::string answer, read_line(peer));
  if (answer != kGo) return went_away();
  return peer;
}

Result<std::optional<TakenOver>> take_over(const std::string& path) {
  auto connected = api::connect_to(path);
  if (!connected && connected.error().code == ErrorCode::unavailable)
    return std::optional<TakenOver>{};
  if (!connected) return tl::unexpected(std::move(connected).error());
  TakenOver taken{.sockets = {}, .before = *std::move(connected)};
  if (!api::is_same_user(taken.before.get()))
    return fail(ErrorCode::permission_denied, "another user's process listens at " + path);
  TRY(limit_waiting(taken.before));
  TRY(send_line(taken.before, kWish));
  std::vector<Fd> sockets;
  TRY_ASSIGN(const std::string offer, receive_sockets(taken.before, sockets));
  TRY_ASSIGN(taken.sockets, read_offer(offer, std::move(sockets)));
  TRY(send_line(taken.before, kGo));
  return std::optional<TakenOver>(std::move(taken));
}

bool is_connected(const Fd& connection) {
  char byte = 0;
  const ssize_t got = ::recv(connection.get(), &byte, 1, MSG_DONTWAIT | MSG_PEEK);
  return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

void wait_for_lock(const StateLayout& layout) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{5};
  while (EngineLock::holder(layout) && std::chrono::steady_clock::now() < until)
    static_cast<void>(::poll(nullptr, 0, 2));
}

Status wait_for_end_of(const TakenOver& taken, Duration patience, Signals& signals) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (is_connected(taken.before)) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    if (left.count() <= 0)
      return fail(ErrorCode::conflict,
                  "the process that served before does not end: it goes on when this one ends");
    std::array<pollfd, 2> waits{
        {{taken.before.get(), POLLIN, 0}, {signals.descriptor(), POLLIN, 0}}};
    if (::poll(waits.data(), waits.size(), static_cast<int>(left.count())) < 0) continue;
    const SignalsTaken came = signals.take();
    if (came.interrupts > 0 || came.terminations > 0)
      return fail(ErrorCode::conflict, "told to end before the other process had ended");
  }
  return {};
}

}  // namespace reeve::cli
