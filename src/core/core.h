// The decisions of Reeve, pure: apply() takes a fact, plan() starts what may start; both only
// change State and note what changed and what is to be done outside. No clock, file, thread, random
// source or unordered iteration; the same events at the same times give the same effects. One
// thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/changes.h"
#include "core/effect.h"
#include "core/event.h"
#include "core/state.h"

namespace reeve::core {

inline constexpr std::uint32_t kStartsPerPlanMax = 4096;

class Core {
 public:
  explicit Core(const std::vector<PoolSetup>& pools);

  /// Recovery, before the first event: the rows of the runs that are not final.
  Status load(Snapshot snapshot);
  /// A finished run comes back for `retry`; follow it with a RunReloaded event.
  Status reload(StoredRun run);
  /// Drops a finished run that came back in vain.
  void unload(RunId run) { state_.drop_run(run); }

  /// Takes one fact. An error answers a request that cannot be obeyed; nothing has changed then.
  Result<Applied> apply(const Event& event, Time now);
  /// Fires timers that are due and starts what fits. Once a round, after all events.
  void plan(Time now);
  /// Whether plan() stopped at kStartsPerPlanMax and would go on.
  bool plan_again() const { return plan_again_; }
  /// When plan() has something to do though no event arrives.
  std::optional<Time> next_wake() const;

  const State& state() const { return state_; }
  Changes& changes() { return changes_; }
  /// After the commit: forgets what changed and drops runs that are final from memory.
  void clear_changes();

 private:
  State state_;
  Changes changes_;
  bool plan_again_ = false;
};

}  // namespace reeve::core
