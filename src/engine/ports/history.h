// Port: reading what is stored, for people and programs, apart from the engine: by another
// connection or another process while an engine works. Consistent within one call, never blocks the
// engine. One object per thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/records.h"

namespace reeve::engine {

/// Tasks of a run by state; tasks without a row are in the state the workflow gives them.
struct TaskCounts {
  std::array<std::uint64_t, core::kTaskStateCount> stored{};  ///< rows by state
};

struct RunView {
  core::RunRecord record;  ///< workflow and origin filled
  TaskCounts counts;
};

/// The namespace of runs without that label.
inline constexpr std::string_view kUnlabelledNamespace = "default";

struct RunFilter {
  std::vector<core::RunState> states;  ///< empty: all
  std::string name;                    ///< of the workflow or the run; "": all
  std::string label_key;               ///< "": all
  std::string label_value;
  std::vector<std::string> name_spaces;  ///< values of the label `namespace`; empty: all
  Time submitted_after = kUnset;
  RunId before;  ///< cursor: only runs with a smaller id; 0: from the newest
  RunId oldest;  ///< only runs from this id on, so that looking for what is rare ends; 0: all
  std::uint32_t limit = 50;
};

struct TaskFilter {
  std::vector<core::TaskState> states;  ///< empty: all
  std::optional<GroupIndex> group;
  std::uint32_t from = 0;  ///< cursor: smallest index
  std::uint32_t limit = 1000;
};

/// What a stretch of runs has of one workflow in one namespace.
struct WorkflowUse {
  std::string name_space;
  std::string name;  ///< of the workflow
  Digest digest;
  RunId first_run;
  RunId last_run;
  std::uint64_t runs = 0;
  Time first_seen = kUnset;
  Time last_seen = kUnset;
  friend bool operator==(const WorkflowUse&, const WorkflowUse&) = default;
};
struct WorkflowUses {
  std::vector<WorkflowUse> uses;  ///< by first run
  RunId up_to;                    ///< all runs up to this one have been looked at
  bool is_all = true;             ///< there are none behind it
};

/// A workflow as it was submitted.
struct WorkflowText {
  std::string name;
  std::string origin;  ///< what its file was called
  std::string source;
};

class History {
 public:
  virtual ~History() = default;
  /// Newest first.
  virtual Result<std::vector<RunView>> list_runs(const RunFilter& filter) = 0;
  virtual Result<RunView> get_run(RunId run) = 0;
  /// "run_…" whole, a unique ending of at least 4 characters, "12" (the number) or "last".
  /// not_found, or conflict when several match (the message lists them).
  virtual Result<RunId> find_run(std::string_view reference) = 0;
  /// Stored rows only, by index.
  virtual Result<std::vector<core::StoredTask>> list_tasks(RunId run, const TaskFilter& filter) = 0;
  virtual Result<std::vector<core::Expansion>> list_expansions(RunId run) = 0;
  /// Ended attempts of one task, by number.
  virtual Result<std::vector<core::AttemptRecord>> list_attempts(TaskId task) = 0;
  /// Ended attempts of a whole run, in order of their end, at most `limit` from the `offset`-th.
  virtual Result<std::vector<core::AttemptRecord>> list_run_attempts(RunId run,
                                                                     std::uint64_t offset,
                                                                     std::uint32_t limit) = 0;
  /// Of the runs behind `after`, at most so many of them.
  virtual Result<WorkflowUses> list_workflow_uses(RunId after, std::uint32_t runs_max) = 0;
  virtual Result<WorkflowText> get_workflow(const Digest& digest) = 0;
  /// Changes whenever another connection has committed.
  virtual Result<std::uint64_t> version() = 0;
};

}  // namespace reeve::engine
