// One simulated world: a seed gives its shape, its workflows, its people, its faults; running it
// takes it from the first submission through all its faults to rest, with every checker looking on.
// Owns everything in it. The same seed and flaws give the same history, to the last bit. One
// thread.
#pragma once

#include <cstdint>
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
};

struct WorldOptions {
  std::uint64_t seed = 1;
  Flaws flaws;
  bool replay = true;  ///< replay the journal at the end
  std::function<void(const Trace::Record&)> listener;
};

struct Report {
  std::uint64_t seed = 0;
  std::uint64_t digest = 0;  ///< of the whole history
  std::optional<Violation> violation;
  std::string tail;  ///< last lines of the trace, if there is a violation
  FaultCounts faults;
  std::uint64_t engine_lives = 0;
  std::uint64_t commits = 0;
  std::uint64_t attempts = 0;
  std::uint64_t runs = 0;
  Duration time{0};  ///< that passed in the world
};

class World final : public CommitWatcher {
 public:
  explicit World(WorldOptions options);
  ~World() override;
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  Report run();
  /// The world that runs in this thread now, or null: for a report from a signal handler.
  static const World* current();
  std::uint64_t seed() const { return basics_.seed; }
  const Trace& trace() const { return basics_.trace; }

  void on_durable(const engine::Commit& commit) override;
  void on_engine_died() override;

 private:
  void open_engine();
  SimEngine* engine();
  void compare_recovered(const SimEngine& after);
  /// Does what is on the agenda until nothing is.
  void drain();
  void end_faults();
  void rest();
  void check_end();
  void check_replay();

  // faults.cc
  void schedule_fault();
  void break_something();
  void crash_executor();
  void cut_link();
  void jump_clock(Fault fault);
  void change_capacity();

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
  Resources capacity_;
  bool faults_are_over_ = false;
};

}  // namespace reeve::sim
