// One life of the engine process: the real Engine with ports that lead into the simulated world,
// and a moment at which it may die. Owns the Engine, its clock, its links; borrows the durable
// store. Dying means that nothing more gets out: not one answer, message or commit. A SimEngine
// that has died stays as a shell, since messages to it may still be under way. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "engine/engine.h"
#include "sim/basics.h"
#include "sim/link.h"
#include "sim/sim_artifacts.h"
#include "store/memory/memory_disk.h"

namespace reeve::sim {

/// Where a life of the engine ends.
struct CrashPlan {
  Fault point = Fault::crash_before_commit;  ///< a crash_… or commit_…
  std::uint32_t after = 0;                   ///< so many commits (or acts) before it
};

/// A deliberate bug around the engine, to prove that the checkers see it.
enum class EngineFlaw : std::uint8_t {
  none,
  loses_commit,     ///< a commit is acknowledged and not kept
  loses_task_rows,  ///< a commit is kept without one of its task rows
  answers_early,    ///< a submission is acknowledged before anything is durable
};

/// Hears of what became durable, while the Engine is inside its commit.
class CommitWatcher {
 public:
  virtual ~CommitWatcher() = default;
  virtual void on_durable(const engine::Commit& commit) = 0;
  /// The engine process died; its Engine is still there to be looked at.
  virtual void on_engine_died() = 0;
};

class SimEngine final : public EngineProcess {
 public:
  struct Setup {
    store::memory::MemoryDisk& disk;
    std::vector<SimExecutor*> executors;  ///< by PoolId
    CommitWatcher& watcher;
    Generator& random;       ///< Concern::engine
    Generator& step_delays;  ///< Concern::steps
    engine::Options options;
    ClockKeeping clock_keeping = ClockKeeping::steady;
    EngineFlaw flaw = EngineFlaw::none;
    LinkFlaw link_flaw = LinkFlaw::none;
  };
  SimEngine(Basics& basics, Setup setup);
  ~SimEngine() override;
  SimEngine(const SimEngine&) = delete;
  SimEngine& operator=(const SimEngine&) = delete;

  /// Loads the store and attaches. A failure is a finding.
  bool open(engine::Observer& observer);
  /// From a client. False: the inbox is full, or the process is dead.
  bool post(core::Event event, engine::Completion done);
  void arm(const CrashPlan& plan) { plan_ = plan; }
  void disarm() { plan_.reset(); }
  void die();
  /// Lets the Engine itself go; the shell stays.
  void bury() { engine_.reset(); }

  bool act() override;
  bool is_alive() const override { return alive_; }
  bool has_room() const override;
  void on_posted() override;

  /// REQUIRES that it was opened and not buried.
  const core::State& state() const { return engine_->state(); }
  bool has_engine() const { return engine_ != nullptr; }
  Link& link(PoolId pool) { return *links_[pool.value]; }
  std::uint64_t commits() const { return commits_; }
  /// Whether all that State holds is durable: it died after a commit, not before one.
  bool state_is_durable() const { return state_is_durable_; }
  void drop_artifact_answers() { artifacts_.drop_answers(); }

 private:
  class StorePort;
  Status commit(const engine::Commit& commit);
  engine::Commit damaged(const engine::Commit& commit) const;
  bool can_answer(const Result<engine::Receipt>& receipt);
  void schedule_step(Duration delay);
  void schedule_wake();
  void step();
  bool is_due(Fault point);

  Basics& basics_;
  Setup setup_;
  EngineClock clock_;
  SimRandom random_;
  std::unique_ptr<StorePort> store_;
  std::vector<std::unique_ptr<Link>> links_;
  SimArtifacts artifacts_;
  std::unique_ptr<engine::Engine> engine_;

  bool alive_ = true;
  bool in_step_ = false;
  bool committed_in_step_ = false;
  bool commit_failed_ = false;
  bool state_is_durable_ = true;
  bool step_pending_ = false;
  std::uint64_t commits_ = 0;
  std::uint64_t wake_number_ = 0;  ///< an older wake-up call is void
  std::uint64_t in_inbox_ = 0;     ///< at most so many events wait in the inbox
  Duration ahead_{0};              ///< of its clock: engine time is so much later
  std::optional<CrashPlan> plan_;
};

}  // namespace reeve::sim
