// Those who enter attempts: the tickets that the engine ordered, the connections at the second
// socket that show them, and what becomes of each. A ticket is good once. Decides nothing about who
// may: whoever has a ticket was let in, and recorded, by the engine. Single-threaded; never blocks.
//
//   knocking ──Knock──► waiting for its ticket ──► inside ──► gone
//                                                  inside ──hung up──► leaving ──► gone
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "base/result.h"
#include "supervisor/attempts.h"
#include "supervisor/clock.h"
#include "supervisor/visit_protocol.h"

namespace reeve::supervisor {

class Visits {
 public:
  struct Settings {
    std::string state_directory;
    int epoll = -1;
    std::uint64_t listener_tag = 0;
    std::function<std::uint64_t(std::uint32_t)> tag;  ///< the epoll data of a connection's events
  };
  Visits(Settings settings, Attempts& attempts)
      : settings_(std::move(settings)),
        attempts_(attempts) {}

  Status listen();
  void stop_listening() { listener_.reset(); }
  void on_listener(Instant now);
  void on_peer(std::uint32_t number, Instant now);
  /// From the engine.
  void expect(EnterOrder order, Instant now);
  /// From a sandbox; `why`: what failed, for people.
  void on_reply(const sandbox::Reply& reply, const std::string& why);
  void on_attempt_ended(Token token);
  void on_time(Instant now);
  Instant next_deadline() const;

 private:
  enum class Phase : std::uint8_t { knocking, waiting, inside, leaving };
  struct Visit {
    Phase phase = Phase::knocking;
    Fd socket;
    ReceivedKnock knock;
    Token token;
    std::string program;
    Instant deadline = kNoDeadline;
  };
  struct Ticket {
    EnterOrder order;
    Instant until{};
  };
  void take_knock(std::uint32_t number, Instant now);
  void begin(std::uint32_t number, const EnterOrder& order);
  void finish(std::uint32_t number, const VisitNews& news);
  void hang_up(std::uint32_t number, Instant now);
  void on_due(std::uint32_t number);
  std::size_t inside(Token token) const;

  Settings settings_;
  Attempts& attempts_;
  Fd listener_;
  std::map<std::uint32_t, Visit> visits_;
  std::map<Uuid, Ticket> tickets_;
  std::uint32_t last_number_ = 0;
};

}  // namespace reeve::supervisor
