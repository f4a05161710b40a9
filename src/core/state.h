// All that the core knows: runs with their groups and tasks, pools, locks, the ready queue, timers.
// Tables by id; entities refer to each other by id only.
//
// Invariants (check_invariants() proves them, simulation calls it after every step):
//  - a live task has a token, tokens are unique, live holds exactly those of the live and
//    validating tasks, and of their companions;
//  - used capacity is the sum over live, not staged tasks and never exceeds the pool's capacity
//    unless the capacity was lowered meanwhile;
//  - a task has two live attempts only while it runs, and at most one beside its own; its own and a
//    companion that has won are never both live;
//  - those of a batch have one place together, which is theirs until the last has ended;
//  - lock units in use are the sum over holders and never exceed the limit;
//  - a group's counters match its tasks; no task of a released group is blocked;
//  - a run is final exactly when all its groups are done;
//  - followers holds exactly what open runs wait for, which is open too; none of them is admitted.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <boost/container/small_vector.hpp>

#include "base/machine_load.h"
#include "base/sandbox_rules.h"
#include "core/estimates.h"
#include "core/records.h"
#include "core/timers.h"
#include "schedule/planner.h"

namespace reeve::core {

/// What a pool is created with.
struct PoolSetup {
  std::string name = "local";
  Resources capacity;
};

/// Run-time side of one task group.
struct Group {
  std::uint32_t first = 0;   ///< index of its first task in the run
  std::uint32_t count = 0;   ///< tasks; known once expanded
  std::uint32_t unmet = 0;   ///< needs that are not done
  std::uint32_t open = 0;    ///< tasks that are not final
  std::uint32_t failed = 0;  ///< failed, timed out or aborted, and not forgiven
  std::uint32_t cancelled = 0;
  std::uint32_t skipped = 0;
  schedule::ClassId ready_class;  ///< once released; 0: skipped
  bool expanded = false;
  bool released = false;  ///< its needs were met (or it was skipped)
  bool done = false;
  Time released_at = kUnset;
};

/// What few runs have.
struct RunExtra {
  std::map<std::uint32_t, TaskExtra> tasks;        ///< by task index
  std::map<std::uint32_t, spec::Json> expansions;  ///< by group: legs or items
};

/// A run in memory. A million of them may wait: each word counts.
struct Run {
  RunRecord record;
  boost::container::small_vector<Group, 1> groups;
  boost::container::small_vector<Task, 1> tasks;
  std::unique_ptr<RunExtra> extras;          ///< null: nothing special
  std::uint32_t open_groups[3] = {0, 0, 0};  ///< by spec::Phase
  schedule::LockSetId admission_locks;       ///< the run's own concurrency group; 0: none
  spec::Phase phase = spec::Phase::main;
  bool admitted = false;  ///< holds its concurrency group; its tasks may be queued
  bool dirty = false;

  const spec::Workflow& workflow() const { return *record.workflow; }
  const spec::TaskGroup& group_spec(GroupIndex group) const {
    return record.workflow->groups[group.value];
  }
  const TaskExtra* extra(std::uint32_t index) const;
  TaskExtra& make_extra(std::uint32_t index);
  /// Legs or items of a group that was expanded while the run went on; null: of any other.
  const spec::Json* expansion(GroupIndex group) const;
  void set_expansion(GroupIndex group, spec::Json items);
};

/// What the core remembers of an attempt that an executor may still report on.
struct LiveAttempt {
  TaskId task;
  PoolId pool;
  Time heard_at = kUnset;  ///< when the executor last said something of it
  /// What it has, or its batch; none while it is validated.
  schedule::HolderId holder = schedule::kNoHolder;
  Token batch;  ///< its batch in State::batches; {}: it is alone
  Reason placed;
  schedule::PlacementScore score;  ///< nothing in it: another engine placed it
};

/// A task that executes for others that would do the same (core/flight.h).
struct Flight {
  TaskId leader;
  std::vector<TaskId> followers;  ///< in the order in which they came
};

/// Attempts that were handed over together and run one after the other.
struct Batch {
  schedule::HolderId holder = schedule::kNoHolder;
  std::vector<Token> open;  ///< those that have not ended, in order
};

/// Has one node, of its name, in the planner.
struct Pool {
  std::string name;
  schedule::NodeId node;
  bool up = false;        ///< its executor is there
  bool cordoned = false;  ///< the policy says that it takes nothing new
  bool is_open() const { return up && !cordoned && !drain.drained; }
  MachineLoad machine;  ///< as its executor saw it last
  DrainRecord drain;
  Duration start_time{0};  ///< from placing to running: mean of the last few
};

class State {
 public:
  explicit State(const std::vector<PoolSetup>& pools);

  const Run* find_run(RunId id) const;
  Run* find_run(RunId id);
  const Task* find_task(TaskId id) const;
  Task* find_task(TaskId id);
  /// Position of a task in its group.
  static std::uint32_t element_of(const Run& run, std::uint32_t index);
  /// Shared form of an origin.
  std::shared_ptr<const RunOrigin> intern_origin(std::string directory, std::string submitter);
  /// Runs in memory, by id.
  template <class Visit>
  void each_run(Visit visit) const {
    for (const auto& run : runs) {
      if (run) visit(*run);
    }
  }
  std::size_t run_count() const { return run_count_in_memory; }
  Run& add_run(std::unique_ptr<Run> run);
  void drop_run(RunId id);

  const Resources& capacity_of(PoolId pool) const;
  PoolId pool_on(schedule::NodeId node) const;
  /// Whether the attempt has its place: not while it is staged, nor while it is validated.
  bool holds_capacity(const LiveAttempt& attempt) const;

  /// Aborts with a message when an invariant does not hold. O(everything).
  void check_invariants() const;

  // Tables. Written by the core's handlers only.
  std::vector<std::unique_ptr<Run>> runs;  ///< at [id - first_run]; null: not in memory
  std::uint32_t first_run = 1;
  std::uint32_t next_run = 1;
  std::size_t run_count_in_memory = 0;
  std::size_t leading_empty = 0;  ///< so many at the front of `runs` are null
  std::uint64_t next_token = 1;
  std::vector<Pool> pools;
  std::map<Token, LiveAttempt> live;
  std::map<Token, Batch> batches;  ///< by the token of the first attempt
  schedule::Planner planner;
  Timers timers;
  std::set<RunId> waiting_admission;            ///< runs that wait for their concurrency group
  std::set<std::pair<RunId, RunId>> followers;  ///< a run, and one that waits for its end
  std::map<Digest, std::weak_ptr<const spec::Workflow>> workflows;
  std::map<RunOrigin, std::weak_ptr<const RunOrigin>> origins;
  EstimateTable estimates;
  /// Running tasks that may be given a second attempt, of each group by when they started.
  std::map<std::pair<RunId, GroupIndex>, std::set<std::pair<Time, std::uint32_t>>> hedgeable;
  std::uint32_t hedges = 0;  ///< tasks that have two live attempts
  Time next_hedge = kNever;  ///< when the next of `hedgeable` is due
  Time next_probe = kNever;
  std::map<Digest, Flight> flights;  ///< by what is executed
  std::map<TaskId, Digest> flying;   ///< their leaders
  Time next_batch = kNever;          ///< when the next batch has waited long enough to be filled
  /// Numbers of the groups whose tasks may share a batch (schedule::ClassKey::batch), from 1.
  std::map<std::pair<Digest, GroupIndex>, std::uint32_t> batch_kinds;
  std::uint32_t next_batch_kind = 1;
  std::size_t names_max = 64;  ///< so many names and origins, and the unused are forgotten
  /// The class that was found last, and for what: most runs are like the one before.
  struct LastClass {
    std::weak_ptr<const spec::Workflow> workflow;  // weak: only to be compared
    std::weak_ptr<const RunOrigin> origin;         // weak: as above
    std::uint32_t group = 0;
    std::int32_t priority = 0;
    Duration length{-1};
    schedule::ClassId found;
  } last_class;
  SandboxRules sandbox_rules;  ///< of the engine that is at work; gone with it
};

}  // namespace reeve::core
