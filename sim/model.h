// The durable truth as an outsider sees it: an image of runs, tasks and attempts, built from what
// each commit carries and from nothing else. The checkers compare the engine and the world with it.
// It knows the rules of results and needs by itself, apart from core/. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/records.h"
#include "engine/ports/store.h"

namespace reeve::sim {

/// The number of a commit, from 1.
using CommitNumber = std::uint64_t;
inline constexpr CommitNumber kNoCommit = 0;

struct TaskImage {
  core::Task row;
  bool stored = false;
  std::uint16_t first_attempt = 0;  ///< attempts up to this one belong to an earlier round
  /// Ends of this round by class, and how many were followed by another try.
  std::array<std::uint32_t, kOutcomeClassCount> ends{};
  std::uint32_t charged = 0;
  Time last_end = kUnset;         ///< engine time of the commit that recorded the latest end
  std::uint32_t final_round = 0;  ///< the round in which it ended
  core::Hedging hedging;          ///< as stored with it; its `attempts` never falls
  Token decided_by;               ///< the latest attempt whose end decided what came of the task
  bool was_paused = false;        ///< since its latest end: a person may have cut its wait short
};

struct GroupImage {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  bool known = false;  ///< its tasks are
};

struct RunImage {
  RunId id;
  core::RunState state = core::RunState::queued;
  bool paused = false;
  bool cancel_requested = false;
  bool interrupted = false;
  std::uint32_t round = 1;
  std::int32_t priority = 0;
  Time submitted_at = kUnset;
  Uuid uuid;
  std::string idempotency_key;
  std::vector<core::RunAfter> after;               ///< as its row has it
  std::string concurrency_group;                   ///< rendered; "": none
  std::shared_ptr<const spec::Workflow> workflow;  // shared: as in RunRecord
  std::vector<GroupImage> groups;
  std::vector<TaskImage> tasks;
  CommitNumber cancelled_in = kNoCommit;  ///< when cancel_requested became true
  CommitNumber paused_in = kNoCommit;     ///< when paused or interrupted became true

  const spec::TaskGroup& spec_of(GroupIndex group) const { return workflow->groups[group.value]; }
  const spec::Policy& policy_of(GroupIndex group) const {
    return workflow->policy_of(spec_of(group));
  }
};

/// One token that the engine gave out.
struct AttemptImage {
  TaskId task;
  std::uint32_t number = 0;
  CommitNumber issued_in = kNoCommit;
  CommitNumber recorded_in = kNoCommit;  ///< its end; kNoCommit: not yet
  Outcome outcome;                       ///< as recorded
};

enum class GroupOutcome : std::uint8_t { open, success, failure, cancelled, skipped };

class Model {
 public:
  CommitNumber commits() const { return commits_; }
  Time last_now() const { return last_now_; }
  const RunImage* find(RunId run) const;
  const TaskImage* find(TaskId task) const;
  const std::map<RunId, RunImage>& runs() const { return runs_; }
  const std::map<Token, AttemptImage>& attempts() const { return attempts_; }
  /// The tokens whose end is not recorded.
  const std::map<Token, TaskId>& live() const { return live_; }

  static GroupOutcome outcome_of(const RunImage& run, GroupIndex group);
  /// The first need of the group that forbids it to run, in words; "" if none does.
  static std::string unmet_need(const RunImage& run, GroupIndex group);

  /// Groups and tasks of a run, a line for each, for people.
  static std::string describe(const RunImage& run);

  // Building it. The checker takes a commit apart in this order.
  void begin_commit(Time now);
  RunImage& put_run(const core::RunRecord& row);
  void put_expansion(const core::Expansion& row);
  TaskImage& task(TaskId id);
  RunImage& run(RunId id);
  void put_attempt(Token token, const AttemptImage& attempt);
  AttemptImage* find_attempt(Token token);
  void record_end(Token token);

 private:
  CommitNumber commits_ = 0;
  Time last_now_ = kUnset;
  std::map<RunId, RunImage> runs_;
  std::map<Token, AttemptImage> attempts_;
  std::map<Token, TaskId> live_;
};

}  // namespace reeve::sim
