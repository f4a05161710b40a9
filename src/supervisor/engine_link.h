// The supervisor's side of its socket: those who connect, and the one of them that is the engine.
// The first to say a valid hello is the engine until it goes; others are refused. Collects what is
// to be told and sends it in batches: at once while something else might come of it, a little later
// while launches wait anyway. Single-threaded; never blocks.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "supervisor/clock.h"
#include "supervisor/socket.h"

namespace reeve::supervisor {

using PeerId = std::uint64_t;

/// Told within the calls of EngineLink.
class EngineEvents {
 public:
  virtual ~EngineEvents() = default;
  /// A new engine: from now on what is told goes to it.
  virtual void on_hello(Hello hello) = 0;
  /// Any message but Hello.
  virtual void on_message(FromEngine message) = 0;
  /// The engine has gone; it said so with Detach, or not.
  virtual void on_engine_gone(bool was_clean) = 0;
};

class EngineLink {
 public:
  struct Settings {
    std::string state_directory;
    int epoll = -1;
    std::uint64_t listener_tag = 0;
    std::function<std::uint64_t(PeerId)> tag;  ///< the epoll data of a peer's events
  };
  EngineLink(Settings settings, EngineEvents& events)
      : settings_(std::move(settings)),
        events_(events) {}

  Status listen();
  /// Who is in the queue or comes later finds nobody, as with a supervisor that has ended.
  void stop_listening() { listener_.reset(); }
  /// A connection that exists already.
  Status adopt(Fd socket);
  void on_listener();
  void on_peer(PeerId peer, bool is_readable, bool is_writable);

  bool has_engine() const { return engine_ != 0; }
  /// An engine, or somebody who may say that it is one.
  bool has_peers() const { return !peers_.empty(); }
  /// Queues a message for the engine; dropped when there is none.
  template <class Message>
  void tell(const Message& message, Instant now) {
    if (!has_engine()) return;
    if (out_.pending() == 0) oldest_ = now;
    append_message(out_.bytes(), message);
  }
  /// Whether more than a fair amount waits to be sent: what may be left out should be.
  bool is_congested() const { return out_.pending() > kCongestedBytes; }
  /// Whose end it is; nothing: no engine is there.
  std::optional<pid_t> engine_process() const;
  /// Sends what is queued, if it is time.
  void flush(bool may_wait, Instant now);
  /// When flush() has to be asked again.
  Instant next_deadline() const;

 private:
  static constexpr std::size_t kCongestedBytes = 256U << 10;
  struct Peer {
    Fd socket;
    MessageBuffer messages;
  };
  Status watch(PeerId peer, bool for_writing, int operation);
  bool handle(PeerId peer, FromEngine message);
  bool greet(PeerId peer, Hello hello);
  void refuse(PeerId peer, std::string why);
  void drop(PeerId peer);
  void send_now();

  Settings settings_;
  EngineEvents& events_;
  Fd listener_;
  std::unordered_map<PeerId, Peer> peers_;
  PeerId last_peer_ = 0;
  PeerId engine_ = 0;
  bool said_detach_ = false;
  SendBuffer out_;           // to the engine
  bool is_blocked_ = false;  // and epoll tells when it is not
  Instant oldest_{};
  Instant flush_at_ = kNoDeadline;
  std::vector<char> scratch_;
};

}  // namespace reeve::supervisor
