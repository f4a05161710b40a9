// The checkers: an independent model of what Reeve promises, fed from outside (what became durable,
// which virtual processes live, what clients were told) and quick to object. One file per side:
//   check_commits.cc    rows, attempts, retries, cancellation, pauses
//   check_processes.cc  one process per task, capacity, locks, needs, in the world itself
//   check_answers.cc    what a client was told is durable
//   check_rest.cc       recovery, the end of the world, the journal
// Decides nothing and changes nothing in the world. One thread.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/state.h"
#include "engine/engine.h"
#include "sim/basics.h"
#include "sim/fairness.h"
#include "sim/following.h"
#include "sim/model.h"
#include "sim/sim_engine.h"
#include "sim/sim_executor.h"

namespace reeve::sim {

/// What the world knows of one token, whatever the engine thinks.
struct WorldToken {
  std::uint32_t starts = 0;
  bool is_alive = false;
  bool is_unknown = false;  ///< the machine said, or will say, that it knows nothing of it
  std::optional<AttemptEnd> end;
};

class Checker final : public ProcessWatcher {
 public:
  explicit Checker(Basics& basics) : basics_(basics) {}

  const Model& model() const { return model_; }
  const Following& following() const { return following_; }
  // check_commits.cc
  void on_durable(const engine::Commit& commit, const core::State& state);

  // check_processes.cc
  void on_process_started(PoolId pool, const Launch& launch) override;
  void on_process_ended(PoolId pool, const Launch& launch, const Outcome& how) override;
  void on_end_kept(PoolId pool, const AttemptEnd& end) override;
  void on_token_unknown(PoolId pool, Token token) override;
  /// Lowering it excuses what runs already.
  void on_capacity(PoolId pool, const Resources& capacity) override;
  std::uint64_t hedges_made() const { return hedges_made_; }
  std::size_t alive() const { return alive_.size(); }

  // check_answers.cc
  void on_request_sent(const core::Event& request);
  void on_submit_answered(const core::SubmitRun& request, const engine::Receipt& receipt,
                          const std::vector<core::RunAfter>& after = {});
  void on_request_answered(const core::Event& request);
  const std::map<RunId, Uuid>& acknowledged() const { return acknowledged_; }

  // check_rest.cc
  /// `before`: the state of the engine that died, or null if it held more than was durable.
  void on_recovered(const core::State& after, const core::State* before);
  /// The world has come to rest: nothing that was acknowledged may be left over.
  /// `may_wait` names what a run waits for with good reason, or "".
  void on_rest(const std::function<std::string(const RunImage&)>& may_wait);
  /// Every task that waits can say why.
  void check_explanations(const core::State& state, Time now);
  /// The store against the image: every run, every row.
  void check_store(engine::Store& store);

 private:
  void check_run_row(const core::RunRecord& row, const engine::Commit& commit);
  void begin_round(RunId run);
  void check_task_row(const engine::TaskRow& row);
  void check_new_attempt(const engine::TaskRow& row, const RunImage& run, TaskImage& image);
  /// A second attempt beside the task's own: declared, counted, and only where it may be.
  void check_hedging(const engine::TaskRow& row, const RunImage& run, TaskImage& image);
  bool has_live(TaskId task) const;
  void check_retry(const engine::TaskRow& row, const RunImage& run, TaskImage& image);
  void check_back_off(const engine::TaskRow& row, const RunImage& run, const TaskImage& image);
  void check_final(const engine::TaskRow& row, const RunImage& run, const TaskImage& image);
  void check_shared(const engine::TaskRow& row, const RunImage& run);
  void check_end(const core::AttemptRecord& end);
  void check_undecided(const core::AttemptRecord& end, const TaskImage& task);
  void check_end_is_true(const core::AttemptRecord& end, const WorldToken& world);
  void check_issued(Token token);
  void check_fail_fast(const AttemptImage& attempt, const RunImage& run, GroupIndex group);
  /// Locks, concurrency groups and max-parallel of tasks that run side by side.
  void check_shares(std::string_view checker, const std::vector<TaskId>& tasks);
  void check_finished_runs(const engine::Commit& commit);
  /// The core's own account of the pool.
  void check_ledger(const core::State& state);
  void check_first_start(const Launch& launch, const WorldToken& world);
  void check_alone(const Launch& launch);
  void check_room(PoolId pool, const Launch& launch);
  void compare_run(const core::Run& run, const RunImage& image);
  void compare_states(const core::State& after, const core::State& before);
  void complain(std::string_view checker, TaskId task, const std::string& text);

  struct Alive {
    PoolId pool;
    TaskId task;
    Resources resources;
  };
  struct Machine {
    Resources capacity;
    CommitNumber shrunk_after = kNoCommit;  ///< what was issued until then was let in before
  };

  Basics& basics_;
  Model model_;
  Fairness fairness_;
  Following following_;
  std::map<PoolId, Machine> machines_;
  std::map<Token, WorldToken> world_;
  std::map<Token, Alive> alive_;
  std::map<RunId, Uuid> acknowledged_;
  std::map<std::string, RunId> keys_;  ///< idempotency keys that clients were told of
  std::set<Uuid> uuids_;
  std::set<std::string> submitted_keys_;  ///< of all durable runs
  std::set<RunId> cancel_sent_;           ///< somebody asked for it, whatever came of it
  Resources used_before_;                 ///< by the core's account, after the commit before
  std::size_t staged_before_ = 0;
  bool is_recovering_ = true;  ///< the next commit is the first of a life
  std::vector<Token> issued_;  ///< in the present commit
  std::vector<Token> hedges_;  ///< those of them that are second attempts
  std::uint64_t hedges_made_ = 0;
  std::vector<RunId> reopened_;  ///< in the present commit: they begin another round
  Token highest_token_;          ///< of earlier commits
};

}  // namespace reeve::sim
