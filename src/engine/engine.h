// The shell around the core: one thread owns the state. It drains the bounded inbox, applies every
// event, plans once, commits once, then answers clients and dispatches effects (DESIGN §2). step()
// does one round and may be driven by hand (simulation, tests) or by run() on a thread of its own.
//
// Thread rule: post(), look(), submit() and samples() from any thread; everything else from the
// engine's thread only.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/sandbox_rules.h"
#include "core/core.h"
#include "engine/inbox.h"
#include "engine/ports/artifact_store.h"
#include "engine/ports/clock.h"
#include "engine/ports/executor.h"
#include "engine/ports/secrets.h"
#include "engine/ports/store.h"

namespace reeve::engine {

/// What became durable in one round. Called on the engine thread after the commit; must not block.
struct Committed {
  Time now;
  const core::State& state;
  std::span<const core::RunChange> runs;
  std::span<const core::TaskChange> tasks;
  std::span<const core::AttemptRecord> attempts;  ///< that ended
  std::span<const TaskId> progressed;             ///< new percentage or message
  std::uint64_t step = 0;                         ///< of the journal
  std::span<const RunId> run_rows;                ///< runs whose row was written, each once
  std::span<const TaskId> task_rows;              ///< tasks of which one was
};
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void on_committed(const Committed& committed) = 0;
};

struct Ports {
  Clock& clock;
  Random& random;
  Store& store;
  std::vector<Executor*> executors;    ///< by PoolId
  ArtifactStore* artifacts = nullptr;  ///< null: workflows with artifacts are refused at launch
  Secrets* secrets = nullptr;          ///< null: so are workflows with secrets
};

struct Options {
  std::size_t inbox_events_max = 65'536;
  std::uint32_t events_per_round_max = 8'192;
  std::vector<core::PoolSetup> pools;  ///< name and capacity, by PoolId
  bool resume_all = true;              ///< false: only `resume`; others are held as interrupted
  std::vector<RunId> resume;
  SandboxRules sandbox;                   ///< what needs permission, and has it
  std::optional<core::PolicySet> policy;  ///< for the planner, from the first step on
  std::string engine_name;                ///< for the journal: version, host, process id
};

class Engine {
 public:
  /// Loads the store, posts EngineStarted, attaches the executors. Fails if the store cannot be
  /// read.
  static Result<std::unique_ptr<Engine>> open(Ports ports, Options options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Hands over an event. `done` (may be null) is called on the engine thread after the commit, or
  /// with an error if the event was refused or the engine stopped. False: the inbox is full.
  bool post(core::Event event, Completion done = nullptr);
  /// As above, and the event is refused with what `check` says if that is a failure. It is called
  /// on the engine thread, just before; what it sees may not be durable yet, but will be when
  /// `done` is called.
  bool post(core::Event event, Check check, Completion done);
  /// Calls `look` on the engine thread, where state() may be read, after the round; nothing is
  /// written for it. It gets an error if the engine stopped. False: the inbox is full.
  bool look(Completion look);
  /// As post(), but waits for room. Not from the engine thread.
  void submit(core::Event event, Completion done = nullptr);

  /// One round: drain, apply, plan, commit, answer, dispatch. An error is final: the store failed.
  Status step();
  /// Whether a step would do something now.
  bool has_work() const;
  std::optional<Time> next_wake() const;

  /// Rounds until stop() or a store failure; waits between rounds. Afterwards nothing is taken in
  /// any more and nobody waits for room; what came too late is answered when the engine goes.
  Status run();
  /// From any thread, but not from a signal handler: run() returns after its present round.
  void stop();

  void add_observer(Observer& observer);
  const core::State& state() const;

  /// What attempts that run used when the executors last looked. Any thread; neither durable nor
  /// known to the core.
  std::vector<AttemptSample> samples() const;

  struct Counters {
    std::uint64_t rounds = 0;
    std::uint64_t events = 0;
    std::uint64_t stale_reports = 0;
    std::uint64_t refused = 0;
  };
  const Counters& counters() const;

  struct Parts;  ///< internal to engine/

 private:
  explicit Engine(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace reeve::engine
