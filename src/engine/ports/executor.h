// Port: an executor starts attempts in one pool. Calls come from the engine thread and return at
// once; what happens is told to the ExecutorSink, from any thread. Contract (proven by one
// conformance suite for every executor, tests/conformance/executor_suite.h):
//  - start: at most one process tree per token, ever; repeating a start is harmless;
//  - attempts are started in the order given, each when its resources fit into the capacity that
//    set_capacity stated, so handing over more than fits is allowed ("staged");
//  - every started token gets exactly one distinct end; it is reported again after attach() and
//    after probe() until forget();
//  - stop of a token that waits ends it without running: outcome signalled, started_at unset;
//  - attempts outlive the engine: after attach() of a new engine the executor answers for them.
#pragma once

#include <memory>
#include <vector>

#include "base/launch.h"
#include "base/machine_load.h"
#include "base/result.h"

namespace reeve::engine {

/// Where an executor reports. Thread-safe; may block the caller while the inbox is full.
class ExecutorSink {
 public:
  virtual ~ExecutorSink() = default;
  virtual void on_started(Token token, Time at) = 0;
  virtual void on_progress(Progress progress) = 0;
  virtual void on_ended(AttemptEnd end) = 0;
  /// What all attempts that run use now; replaces what this executor said before.
  virtual void on_samples(std::vector<AttemptSample> /*samples*/) {}
  /// How saturated its machine is; with the samples.
  virtual void on_load(const MachineLoad& /*load*/) {}
  virtual void on_held(const AttemptHold& hold) = 0;
  /// Answer to probe(): Liveness::ended is never sent here, on_ended is.
  virtual void on_liveness(Token token, Liveness liveness) = 0;
  /// The executor is gone (reason for people); it will say on_up when it is back.
  virtual void on_down(std::string why) = 0;
  virtual void on_up() = 0;
};

enum class StopMode : std::uint8_t {
  terminate,  ///< SIGTERM to the group, SIGKILL to all that is left after the grace
  kill,       ///< SIGKILL at once
};

class Executor {
 public:
  virtual ~Executor() = default;
  /// Connects `sink`; from now on reports arrive. Once per executor object. It counts as down until
  /// it says on_up, which it does as soon as it can take work.
  virtual Status attach(ExecutorSink& sink) = 0;
  virtual void set_capacity(const Resources& capacity) = 0;
  virtual void start(Launch launch) = 0;
  virtual void stop(Token token, StopMode mode, Duration grace) = 0;
  /// Asks what became of the token; answered through on_ended or on_liveness.
  virtual void probe(Token token) = 0;
  /// The end of this token is durable: the executor may drop what it keeps of it.
  virtual void forget(Token token) = 0;
  /// Somebody comes with this ticket to enter the attempt. What cannot be done is told to them.
  virtual void enter(const EnterOrder& order) = 0;
  /// End of one engine round: what was buffered since the last flush goes out now.
  virtual void flush() = 0;
  /// Clean end: nothing more will be asked. Attempts that run go on.
  virtual void detach() = 0;
};

}  // namespace reeve::engine
