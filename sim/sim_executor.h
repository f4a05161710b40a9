// The simulated executor: the Executor port with virtual processes on an agenda instead of real
// ones. Owns its processes and what it remembers of attempts; keeps the port's contract (one
// process per token, order and capacity of admission, ends kept until they are forgotten) as a real
// one has to, and can break the way a machine breaks: crash, freeze, lose processes. On demand it
// is flawed, to prove that the checkers see it. Never touches a real process. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>

#include "engine/ports/executor.h"
#include "sim/agenda.h"
#include "sim/behaviour.h"
#include "sim/clock.h"
#include "sim/random.h"

namespace reeve::sim {

/// Hears of virtual processes the moment they begin and end, whatever messages say later.
class ProcessWatcher {
 public:
  virtual ~ProcessWatcher() = default;
  virtual void on_process_started(PoolId pool, const Launch& launch) = 0;
  /// `how` is what the machine knows; kind `lost` when the machine crashed.
  virtual void on_process_ended(PoolId pool, const Launch& launch, const Outcome& how) = 0;
  /// The machine kept this end for the engine, of a process or of an attempt that never ran.
  virtual void on_end_kept(PoolId pool, const AttemptEnd& end) = 0;
  /// It will never know more of this token, and has said or will say so.
  virtual void on_token_unknown(PoolId pool, Token token) = 0;
  /// What the machine was told that it has.
  virtual void on_capacity(PoolId pool, const Resources& capacity) = 0;
};

/// A deliberate breach of the contract.
enum class ExecutorFlaw : std::uint8_t {
  none,
  starts_twice,  ///< a repeated start is a second process
  ignores_capacity,
  starts_forgotten,  ///< a repeated start of a forgotten token runs again
  two_ends,          ///< tells another end the second time
  drops_ends,        ///< never keeps ends: a lost message is gone for good
};

class SimExecutor final : public engine::Executor {
 public:
  struct Surroundings {
    PoolId pool;
    Agenda& agenda;
    const WallClock& wall;
    BehaviourOf behaviour;
    ProcessWatcher* watcher = nullptr;  ///< may be null
  };
  explicit SimExecutor(Surroundings surroundings, ExecutorFlaw flaw = ExecutorFlaw::none);

  Status attach(engine::ExecutorSink& sink) override;
  void set_capacity(const Resources& capacity) override;
  void start(Launch launch) override;
  void stop(Token token, engine::StopMode mode, Duration grace) override;
  void probe(Token token) override;
  void forget(Token token) override;
  void enter(const EnterOrder& /*order*/) override {}  // nobody is there to come in
  void flush() override {}
  void detach() override { sink_ = nullptr; }

  /// All attempts die and everything is forgotten. It is gone until restart().
  void crash();
  void restart() { up_ = true; }
  bool is_up() const { return up_; }
  /// Grows with every crash: what was said to an earlier life does not reach this one.
  std::uint64_t life() const { return life_; }
  /// Each process is lost with this chance; the executor lives and says so.
  void lose_processes(Generator& random, std::uint32_t per_mille);

  const Resources& capacity() const { return capacity_; }
  const Resources& used() const { return used_; }
  std::size_t kept_ends() const;
  std::size_t unfinished() const { return attempts_.size() - kept_ends(); }

 private:
  enum class Phase : std::uint8_t { waiting, launching, running, ended };
  struct Attempt {
    Launch launch;
    Behaviour behaviour;
    Phase phase = Phase::waiting;
    std::uint64_t plan = 0;  ///< actions of an older plan for it are void
    Time started_at = kUnset;
    Time dies_at = kNever;  ///< of a signal that it was sent; by the world's clock
    AttemptEnd end;
  };
  /// Does `action` with the attempt unless it has changed its plan by then.
  void plan(Attempt& attempt, Duration delay, std::function<void(Attempt&)> action);
  void admit();
  void launch(Attempt& attempt);
  void join_queue(const Attempt& attempt);
  void leave_queue(const Attempt& attempt);
  void begin(Attempt& attempt);
  void plan_limits(Attempt& attempt);
  void plan_progress(Attempt& attempt);
  void die_within(Attempt& attempt, Duration grace, const Outcome& outcome);
  void finish(Attempt& attempt, const Outcome& outcome, std::string message = "");
  void tell_end(const Attempt& attempt);

  Surroundings around_;
  const ExecutorFlaw flaw_;
  engine::ExecutorSink* sink_ = nullptr;
  bool up_ = true;
  std::uint64_t life_ = 1;
  std::uint64_t next_plan_ = 1;
  Resources capacity_;
  Resources used_;
  std::map<Token, Attempt> attempts_;
  std::deque<Token> queue_;
  /// Those of a batch that wait behind the first of it, which is in queue_ or has been admitted.
  std::map<Token, std::set<Token>> lines_;
  std::set<Token> spent_;  ///< forgotten, or answered as unknown: these never start
};

}  // namespace reeve::sim
