// The real core in virtual time: every task goes well and takes as long as it is told to. For plans
// and forecasts. Nothing is run, stored or asked. One thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/resources.h"
#include "base/result.h"
#include "core/core.h"

namespace reeve::cli {

/// The workflow without what depends on results or on time: conditions hold, limits on time are
/// none, and a fan-out that is known only at run time is one task. Groups in `expanded` keep
/// theirs.
Result<std::shared_ptr<const spec::Workflow>> skeleton_of(
    const spec::Workflow& workflow, const std::vector<GroupIndex>& expanded = {});

class VirtualEngine {
 public:
  /// Begins at `now`.
  VirtualEngine(const Resources& capacity, Time now);

  Status submit(std::shared_ptr<const spec::Workflow> workflow, const std::string& inputs);
  /// What it goes by, as an engine does; before submit() or load(). Of what hangs on the clock
  /// (windows, rates, processor time of a day) it knows nothing: virtual time is stretched.
  void set_policy(core::PolicySet policy);
  /// What an engine would go on with; workflows as skeleton_of() gives them. Instead of submit().
  Status load(core::Snapshot snapshot);

  const core::State& state() const { return core_.state(); }
  Time now() const { return now_; }

  /// A task that starts, or that was at work when all was loaded.
  struct Begun {
    TaskId task;
    GroupIndex group;
    bool was_running = false;
  };
  /// Until nothing more starts. `length_of` says how long from now on it is at work; `on_task` is
  /// told of it: what begins, now, and its end.
  template <class LengthOf, class OnTask>
  Status play(const LengthOf& length_of, const OnTask& on_task) {
    for (Begun& begun : find_running()) watch(begun, length_of(begun), on_task);
    while (true) {
      for (Begun& begun : start_all()) watch(begun, length_of(begun), on_task);
      if (approve_all()) continue;
      if (ends_.empty()) return {};
      TRY(end_next());
    }
  }

 private:
  template <class OnTask>
  void watch(const Begun& begun, Duration length, const OnTask& on_task) {
    on_task(begun, now_, now_ + length);
    ends_.emplace(now_ + length, AtWork{begun.task, now_});
  }
  std::vector<Begun> find_running() const;
  std::vector<Begun> start_all();
  /// Whether anything was.
  bool approve_all();
  /// All that end at the next moment.
  Status end_next();

  core::Core core_;
  std::optional<core::PolicySet> policy_;
  Time now_;
  bool has_approvals_ = false;
  struct AtWork {
    TaskId task;
    Time since;
  };
  std::multimap<Time, AtWork> ends_;
};

}  // namespace reeve::cli
