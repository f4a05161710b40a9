// A world written by hand, for tests: one workflow as YAML, processes that do as they are told, and
// the steps of a story one after the other; every checker looks on. Nothing is random in it but the
// latencies. One thread.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "sim/world.h"

namespace reeve::sim {

class Script {
 public:
  /// ENSUREs that the YAML is valid.
  explicit Script(std::string_view yaml);

  /// How the next processes of a group's tasks end; others succeed after 10 ms.
  void set_exit(std::string_view group, std::int32_t status) {
    exits_[std::string(group)] = status;
  }
  void set_run_time(Duration run_time) { run_time_ = run_time; }

  /// `after`: what it follows.
  RunId submit(std::vector<core::RunAfter> after = {});
  /// Posts it and waits for the answer. False: it was refused.
  bool request(const core::Event& event);
  bool cancel(RunId run, std::uint32_t task = core::kWholeRun);
  bool pause(RunId run, std::uint32_t task = core::kWholeRun);
  bool resume(RunId run, std::uint32_t task = core::kWholeRun);
  bool approve(TaskId task, bool approved = true);
  bool retry_failed(RunId run);

  /// Time goes by.
  void pass(Duration time) { world_.agenda().run_until(world_.agenda().now() + time); }
  /// The engine dies, and another is there a moment later.
  void restart_engine();
  World& world() { return world_; }
  core::TaskState task(TaskId id) const { return world_.model().find(id)->row.state; }
  core::RunState run(RunId id) const { return world_.model().find(id)->state; }

  /// "": all checkers agree, to the end of the world; else what one found.
  std::string finish();

 private:
  Behaviour behave(const Launch& launch) const;
  static WorldOptions options_of(Script& script, std::string_view yaml);

  std::map<std::string, std::int32_t> exits_;
  Duration run_time_{std::chrono::milliseconds{10}};
  WorkflowPointer workflow_;  // shared: as in RunRecord
  World world_;
  std::uint64_t submissions_ = 0;
};

}  // namespace reeve::sim
