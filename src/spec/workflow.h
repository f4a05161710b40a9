// A workflow as the core runs it: what the parser makes of a YAML file. Immutable once built, held
// by shared_ptr<const Workflow> because runs, the engine and a reader may outlive each other.
// Invariants: groups of one phase are in file order; `needs` point to groups of the same or an
// earlier phase, without cycles; `dependents` is the inverse of `needs`; every index is in range.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/digest.h"
#include "base/ids.h"
#include "spec/expression.h"
#include "spec/policy.h"

namespace reeve::spec {

inline constexpr std::uint32_t kTasksPerRunMax = 10'000'000;
inline constexpr std::uint32_t kGroupsPerWorkflowMax = 2'000'000;

enum class NeedCondition : std::uint8_t { success, failure, always };
struct Need {
  GroupIndex group;
  NeedCondition condition = NeedCondition::success;
  friend bool operator==(const Need&, const Need&) = default;
};

/// `run:` shell text, or `command:` an argument vector (or one expression that gives an array).
struct Script {
  Template text;
  std::string shell = "sh";  ///< sh | bash | python3 | any program: run as `SHELL -e FILE`-like
};
struct Command {
  std::vector<Template> arguments;
};
/// No process: waits for `reeve approve`.
struct Approval {
  std::vector<std::string> by;
  Duration timeout{0};  ///< zero: for ever
};

/// How one group becomes many tasks. monostate: one task.
struct Matrix {
  std::vector<Json> legs;  ///< static legs, expanded with include and exclude
};
struct DynamicMatrix {
  Template value;  ///< gives {axis: [..], include: [..], exclude: [..]} when the needs are done
};
struct ForEach {
  Template items;  ///< gives an array, or an integer n for 0..n-1
};
struct Array {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  std::uint32_t step = 1;
};
using FanOut = std::variant<std::monostate, Matrix, DynamicMatrix, ForEach, Array>;

struct Concurrency {
  Template group;
  std::int32_t limit = 1;
  /// What becomes of older work of the group that is not over when newer work comes.
  enum class WhenBusy : std::uint8_t {
    queue,               ///< the newer waits for it
    cancel_in_progress,  ///< it makes way, also where it runs
    keep_latest,         ///< what runs goes on; what waits makes way
  };
  WhenBusy when_busy = WhenBusy::queue;
};

struct Artifact {
  std::string name;
  Template path;  ///< relative to the work directory; may hold * and ? in its last component
  enum class When : std::uint8_t { success, failure, always };
  When when = When::success;
};

struct SandboxPaths {
  std::vector<Template> readable;
  std::vector<Template> writable;
};

enum class Phase : std::uint8_t { main, on_failure, finally };

using EnvEntry = std::pair<std::string, Template>;

/// The parts of a group that most groups lack; null in TaskGroup when all are empty.
struct GroupDetail {
  std::string display_name;
  std::string description;
  std::vector<EnvEntry> env;
  std::vector<std::string> secrets;
  std::vector<Artifact> artifacts;
  std::map<std::string, std::string> labels;
  std::optional<Template> work_directory;
  /// When one of them holds an expression: instead of those of the policy.
  std::optional<SandboxPaths> sandbox_paths;
  std::optional<Concurrency> concurrency;
  std::optional<Duration> deadline;           ///< after the run's submission
  std::optional<Template> continue_on_error;  ///< single expression or "true"
  Duration delay{0};                          ///< from its needs being done to being queued
  std::uint32_t max_parallel = 0;             ///< 0: no limit
  bool fail_fast = true;                      ///< of a matrix, for_each or array
};

struct TaskGroup {
  std::string id;
  std::vector<Need> needs;
  std::vector<GroupIndex> dependents;
  std::optional<Expression> condition;  ///< `if`
  std::variant<Script, Command, Approval> action;
  FanOut fan_out;
  Phase phase = Phase::main;
  std::uint32_t policy = 0;  ///< index into Workflow::policies
  /// Of what makes its tasks the same as others: the workflow's name, the id and the shape of what
  /// is run (numbers in it apart). Set by finish().
  std::uint64_t likeness = 0;
  std::shared_ptr<const GroupDetail> detail;  // shared: equal details are built once

  /// Whether the first of its tasks that fails ends the others: as said, else only in a matrix.
  bool fails_fast() const;
  /// Tasks that it expands to when that is known before it runs.
  std::optional<std::uint32_t> static_count() const;
};

enum class InputType : std::uint8_t { string, number, boolean, choice, object };
struct Input {
  std::string name;
  InputType type = InputType::string;
  std::string description;
  bool required = false;
  std::optional<Json> fallback;  ///< `default`
  std::vector<std::string> options;
};

struct Workflow {
  std::string name;
  std::string description;
  std::map<std::string, std::string> labels;
  std::vector<Input> inputs;
  std::vector<std::pair<std::string, Template>> outputs;  ///< over needs.<any task>
  std::vector<EnvEntry> env;
  std::vector<std::string> secrets;
  std::vector<TaskGroup> groups;
  std::vector<Policy> policies;
  std::map<std::string, std::int32_t> lock_limits;  ///< locks with more than one unit
  std::optional<Concurrency> concurrency;
  std::optional<Duration> deadline;  ///< after submission; later tasks are timed_out
  std::optional<Time> not_before;    ///< nothing of a run starts earlier
  std::int32_t priority = 0;
  std::uint32_t main_count =
      0;  ///< groups of Phase::main; they come first, then on_failure, finally
  std::uint32_t on_failure_count = 0;

  Digest digest;       ///< of `source`
  std::string source;  ///< YAML text, exactly as given
  std::string origin;  ///< file name for messages; not part of the digest

  const Policy& policy_of(const TaskGroup& group) const { return policies[group.policy]; }
  std::optional<GroupIndex> find(std::string_view id) const;  ///< linear; not for hot paths
};

/// Fills main_count, dependents, likeness and digest, and checks the invariants above. Programs
/// that build a workflow without YAML (benchmarks, simulation) end with this.
Result<std::shared_ptr<const Workflow>> finish(Workflow workflow);

/// Checks `given` against the declared inputs, fills defaults; errors name the input.
Result<Json> resolve_inputs(const Workflow& workflow, const Json& given);

/// Expands `value` ({axis: [..], include, exclude}) into legs as GitHub does.
Result<std::vector<Json>> expand_matrix(const Json& value);

}  // namespace reeve::spec
