#include "supervisor/engine_link.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>

#include "base/ensure.h"

namespace reeve::supervisor {
namespace {

constexpr std::size_t kPeersMax = 8;
constexpr int kDatagramsPerRound = 16;
constexpr Duration kBatchFor = std::chrono::milliseconds(3);
constexpr std::size_t kBatchBytes = 32U << 10;

void say_welcome(std::string& out, bool accepted, std::string why_not) {
  Welcome welcome;
  welcome.accepted = accepted;
  welcome.why_not = std::move(why_not);
  welcome.pid = ::getpid();
  append_message(out, welcome);
}

}  // namespace

Status EngineLink::listen() {
  TRY_ASSIGN(listener_, listen_in(settings_.state_directory));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = settings_.listener_tag;
  if (::epoll_ctl(settings_.epoll, EPOLL_CTL_ADD, listener_.get(), &event) != 0)
    return fail_errno(errno, "cannot watch the supervisor's socket");
  return {};
}

std::optional<pid_t> EngineLink::engine_process() const {
  const auto engine = peers_.find(engine_);
  if (engine == peers_.end()) return std::nullopt;
  const std::int64_t pid = pid_of_peer(engine->second.socket.get());
  return pid > 0 ? std::optional(static_cast<pid_t>(pid)) : std::nullopt;
}

Status EngineLink::watch(PeerId peer, bool for_writing, int operation) {
  epoll_event event{};
  event.events = EPOLLIN | (for_writing ? std::uint32_t{EPOLLOUT} : 0U);
  event.data.u64 = settings_.tag(peer);
  if (::epoll_ctl(settings_.epoll, operation, peers_.at(peer).socket.get(), &event) != 0)
    return fail_errno(errno, "cannot watch a connection");
  return {};
}

Status EngineLink::adopt(Fd socket) {
  const PeerId peer = ++last_peer_;
  peers_[peer].socket = std::move(socket);
  Status watched = watch(peer, false, EPOLL_CTL_ADD);
  if (!watched) peers_.erase(peer);
  return watched;
}

void EngineLink::on_listener() {
  auto socket = accept_from(listener_.get());
  // Closing refuses: whoever is there now is served first.
  if (!socket || peers_.size() >= kPeersMax || !is_trusted_peer(socket->get())) return;
  static_cast<void>(adopt(std::move(*socket)));
}

void EngineLink::on_peer(PeerId peer, bool is_readable, bool is_writable) {
  if (is_writable && peer == engine_) send_now();
  if (!is_readable) return;
  for (int datagrams = 0; datagrams < kDatagramsPerRound; ++datagrams) {
    const auto at = peers_.find(peer);
    if (at == peers_.end()) return;
    const IoState state = receive(at->second.socket.get(), scratch_, at->second.messages);
    if (state == IoState::blocked) return;
    if (state == IoState::broken) return drop(peer);
    std::string_view payload;
    MessageBuffer::Next next{};
    while ((next = at->second.messages.next(payload)) == MessageBuffer::Next::message) {
      auto message = decode_from_engine(payload);
      if (!message || !handle(peer, std::move(*message))) return drop(peer);
    }
    if (next == MessageBuffer::Next::corrupt) return drop(peer);
  }
}

/// False: the peer has to go.
bool EngineLink::handle(PeerId peer, FromEngine message) {
  if (auto* hello = std::get_if<Hello>(&message)) return greet(peer, std::move(*hello));
  if (peer != engine_) return false;
  if (std::holds_alternative<Detach>(message)) said_detach_ = true;
  events_.on_message(std::move(message));
  return true;
}

void EngineLink::refuse(PeerId peer, std::string why) {
  SendBuffer answer;
  say_welcome(answer.bytes(), false, std::move(why));
  static_cast<void>(answer.send(peers_.at(peer).socket.get()));
}

bool EngineLink::greet(PeerId peer, Hello hello) {
  if (hello.version != kProtocolVersion) {
    refuse(peer, "the supervisor that runs speaks version " + std::to_string(kProtocolVersion) +
                     ", this engine " + std::to_string(hello.version) +
                     "; it ends when its attempts have");
    return false;
  }
  if (peer == engine_) return false;
  if (has_engine()) {
    refuse(peer, "another engine is connected to the supervisor: process " +
                     std::to_string(pid_of_peer(peers_.at(engine_).socket.get())));
    return false;
  }
  engine_ = peer;
  said_detach_ = false;
  is_blocked_ = false;
  out_.clear();
  say_welcome(out_.bytes(), true, "");
  oldest_ = Instant{};
  events_.on_hello(std::move(hello));
  return true;
}

void EngineLink::drop(PeerId peer) {
  peers_.erase(peer);
  if (peer != engine_) return;
  engine_ = 0;
  out_.clear();
  flush_at_ = kNoDeadline;
  events_.on_engine_gone(said_detach_);
}

void EngineLink::flush(bool may_wait, Instant now) {
  flush_at_ = kNoDeadline;
  if (!has_engine() || out_.pending() == 0 || is_blocked_) return;
  if (may_wait && out_.pending() < kBatchBytes && now < oldest_ + kBatchFor) {
    flush_at_ = oldest_ + kBatchFor;
    return;
  }
  send_now();
}

void EngineLink::send_now() {
  const IoState state = out_.send(peers_.at(engine_).socket.get());
  // A broken connection shows itself when it is read; what it still holds is read first.
  if (state == IoState::broken) out_.clear();
  const bool is_blocked = state == IoState::blocked;
  if (is_blocked != is_blocked_) static_cast<void>(watch(engine_, is_blocked, EPOLL_CTL_MOD));
  is_blocked_ = is_blocked;
}

Instant EngineLink::next_deadline() const { return flush_at_; }

}  // namespace reeve::supervisor
