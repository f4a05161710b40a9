// One simulated world: a seed gives its shape, its workflows, its people, its faults; running it
// takes it from the first submission through all its faults to rest, with every checker looking on.
// Owns everything in it. The same seed and flaws give the same history, to the last bit. One
// thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sim/checker.h"
#include "sim/clients.h"
#include "sim/shape.h"
#include "sim/sim_engine.h"
#include "sim/sim_executor.h"
#include "store/memory/memory_disk.h"

namespace reeve::sim {

/// Deliberate bugs around the core, for tests of the checkers.
struct Flaws {
  ExecutorFlaw executor = ExecutorFlaw::none;
  EngineFlaw engine = EngineFlaw::none;
  LinkFlaw link = LinkFlaw::none;
};

struct WorldOptions {
  std::uint64_t seed = 1;
  Flaws flaws;
  bool replay = true;  ///< replay the journal at the end
  std::function<void(const Trace::Record&)> listener;

  // For worlds that are written by hand: what the seed would have decided.
  std::optional<Shape> shape;
  std::vector<WorkflowPointer> workflows;  // shared: as in RunRecord
  BehaviourOf behaviour;
};

/// How often tasks went from one state to another.
using Transitions =
    std::array<std::array<std::uint64_t, core::kTaskStateCount>, core::kTaskStateCount>;

struct Report {
  std::uint64_t seed = 0;
  std::uint64_t digest = 0;  ///< of the whole history
  std::optional<Violation> violation;
  std::string tail;  ///< last lines of the trace, if there is a violation
  FaultCounts faults;
  std::uint64_t engine_lives = 0;
  std::uint64_t commits = 0;
  std::uint64_t attempts = 0;
  std::uint64_t hedges = 0;  ///< of them: second attempts beside a first
  std::uint64_t runs = 0;
  Duration time{0};  ///< that passed in the world
  Transitions transitions{};
};

class World final : public CommitWatcher, private engine::Observer {
 public:
  explicit World(WorldOptions options);
  ~World() override;
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  /// All of it: people and faults as the seed has them, then rest.
  Report run();

  // The same in steps, for worlds that are written by hand.
  void start();
  /// The engine that lives now, or null.
  SimEngine* engine();
  SimExecutor& executor() { return executor_; }
  Agenda& agenda() { return basics_.agenda; }
  void set_clock(Duration by) { basics_.wall.jump(by); }
  const Model& model() const { return checker_.model(); }
  void note_request(const core::Event& event) { checker_.on_request_sent(event); }
  /// The end: whatever can end does, and all is checked.
  Report finish();

  /// The world that runs in this thread now, or null: for a report from a signal handler.
  static const World* current();
  std::uint64_t seed() const { return basics_.seed; }
  /// Grows with each action and each step replayed: a world that stands still hangs.
  std::uint64_t progress() const { return basics_.agenda.begun() + steps_replayed_; }
  const Trace& trace() const { return basics_.trace; }

  void on_durable(const engine::Commit& commit) override;
  void on_engine_died() override;

 private:
  void on_committed(const engine::Committed& committed) override;
  void open_engine();
  void compare_recovered(const SimEngine& after);
  /// Does what is on the agenda until nothing is.
  void drain();
  void end_faults();
  void rest();
  void check_end();
  Report report() const;
  void check_replay();

  // faults.cc
  void schedule_fault();
  void break_something();
  /// Somewhere within the next `reach` commits, or a few times as many acts.
  void arm_crash(SimEngine& present, std::uint32_t reach);
  void crash_executor();
  void cut_link();
  void jump_clock(Fault fault);
  void note_digest(std::uint64_t step, const core::State& state);
  void change_capacity();
  void saturate();

  WorldOptions options_;
  Basics basics_;
  const Shape shape_;
  Checker checker_;
  store::memory::MemoryDisk disk_;
  SimExecutor executor_;
  Generator engine_random_;
  Generator step_delays_;
  Generator faults_random_;
  Clients clients_;
  std::vector<std::unique_ptr<SimEngine>> engines_;  ///< all lives; the last is the present one
  Transitions transitions_{};
  std::map<std::uint64_t, std::uint64_t> state_digests_;  ///< by step, after its commit
  std::uint64_t next_digest_ = 0;                         ///< the next step to have one
  std::uint64_t steps_replayed_ = 0;
  std::vector<std::string> state_texts_;  ///< after each commit, if anybody listens
  Resources capacity_;
  bool faults_are_over_ = false;
};

}  // namespace reeve::sim
