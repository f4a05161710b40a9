// The way between one engine process and one executor: a Link is the Executor that the engine sees
// and the ExecutorSink that the executor sees, and everything said passes through the agenda, where
// it may be lost, doubled, late or overtaken. Owns no state of attempts. What is on its way to an
// executor outlives the engine process that said it; what is on its way to an engine process does
// not. Outlived by nothing: the world keeps every Link to its end. One thread.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "engine/ports/executor.h"
#include "sim/basics.h"
#include "sim/message.h"
#include "sim/sim_executor.h"

namespace reeve::sim {

/// What a port needs to know of the engine process that it belongs to.
class EngineProcess {
 public:
  virtual ~EngineProcess() = default;
  /// Before anything outward. False: the process has died and does nothing any more.
  virtual bool act() = 0;
  virtual bool is_alive() const = 0;
  /// Whether the inbox takes one more report now, without making the reporter wait.
  virtual bool has_room() const = 0;
  /// A report was handed over.
  virtual void on_posted() = 0;
};

/// A deliberate bug on the way, to prove that the checkers see it.
enum class LinkFlaw : std::uint8_t {
  none,
  drops_ends,      ///< an end of every third token never gets in
  repeats_starts,  ///< each start is handed over again, under a token of its own
};

class Link final : public engine::Executor, public engine::ExecutorSink {
 public:
  /// The far end.
  struct Far {
    PoolId pool;
    SimExecutor& executor;
    LinkFlaw flaw = LinkFlaw::none;
  };
  Link(Basics& basics, const Far& far, EngineProcess& process);
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // The engine's side.
  Status attach(engine::ExecutorSink& sink) override;
  void set_capacity(const Resources& capacity) override;
  void start(Launch launch) override;
  void stop(Token token, engine::StopMode mode, Duration grace) override;
  void probe(Token token) override;
  void forget(Token token) override;
  void enter(const EnterOrder& order) override { far_.executor.enter(order); }
  void flush() override;
  void detach() override {}

  // The executor's side.
  void on_started(Token token, Time at) override;
  void on_progress(Progress progress) override;
  void on_ended(AttemptEnd end) override;
  void on_held(const AttemptHold& hold) override { sink_->on_held(hold); }
  void on_liveness(Token token, Liveness liveness) override;
  void on_down(std::string why) override;
  void on_up() override;

  /// Nothing passes until mend(). `noticed`: the engine is told, and the connection is made anew.
  void cut(bool noticed);
  /// Not while the executor is away.
  void mend();
  bool is_cut() const { return cut_; }
  /// The executor does nothing for a while: what is said to it waits.
  void freeze(Time until);

 private:
  using Delivery = std::function<void()>;
  struct Outgoing {
    Message message;
    Token token;
    Delivery delivery;
  };
  void to_executor(Message message, Token token, Delivery delivery);
  void to_engine(Message message, Token token, Delivery delivery);
  void send_out(const Outgoing& outgoing);
  void arrive_at_executor(std::uint64_t life, const Outgoing& outgoing);
  void arrive_at_engine(const Outgoing& incoming);
  /// Hands over what has arrived, as far as the inbox has room.
  void enter();
  bool is_frozen() const { return frozen_until_ > basics_.agenda.now(); }
  void thaw();
  /// When a message sent now arrives; nothing if it is lost. Draws its fate.
  std::vector<Time> arrivals(Message message, Token token, Time& last);
  void note(Note note, Message message, Token token);

  Basics& basics_;
  const Far far_;
  EngineProcess& process_;
  engine::ExecutorSink* sink_ = nullptr;
  std::vector<Outgoing> unsent_;  ///< until flush()
  std::deque<Outgoing> at_door_;  ///< arrived in front of a full inbox, in order
  Resources capacity_;
  Time last_out_ = kUnset;
  Time last_in_ = kUnset;
  Time frozen_until_ = kUnset;
  std::deque<Delivery> frozen_;  ///< what arrives meanwhile, in order
  bool cut_ = false;
  bool noticed_ = false;
};

}  // namespace reeve::sim
