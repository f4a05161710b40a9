// What each commit says, against the image of all commits before it.
#include <algorithm>
#include <cmath>
#include <variant>

#include <fmt/format.h>

#include "engine/replay.h"
#include "sim/checker.h"

namespace reeve::sim {

using core::TaskState;

namespace {

bool is_free(OutcomeClass outcome) {
  return outcome == OutcomeClass::lost || outcome == OutcomeClass::start_failed;
}

bool has_own_say(const spec::TaskGroup& group) {
  return group.condition && group.condition->uses_status_function();
}

/// What the policy promises at least, without jitter.
Duration promised_wait(const spec::Backoff& backoff, std::uint32_t n) {
  const double grown =
      static_cast<double>(backoff.initial.count()) * std::pow(backoff.factor, n - 1);
  return Duration{
      static_cast<std::int64_t>(std::min(grown, static_cast<double>(backoff.max.count())))};
}

/// How often people asked, in this commit, that the run be tried again.
std::uint32_t retries_asked(const engine::Commit& commit, RunId run) {
  const auto events = engine::decode_events(commit.journal->events);
  if (!events) return 0;
  return static_cast<std::uint32_t>(std::ranges::count_if(*events, [run](const auto& event) {
    const auto* retry = std::get_if<core::Retry>(&event);
    return retry != nullptr && retry->run == run;
  }));
}

}  // namespace

void Checker::complain(std::string_view checker, TaskId task, const std::string& text) {
  if (!basics_.verdict.is_clean()) return;
  const RunImage* run = model_.find(task.run);
  basics_.verdict.fail(checker, fmt::format("task {}.{}: {}\n{}", task.run.value, task.index, text,
                                            run != nullptr ? Model::describe(*run) : ""));
}

void Checker::on_durable(const engine::Commit& commit, const core::State& state) {
  if (commit.journal->now < model_.last_now())
    basics_.verdict.fail("time", "the journal's time runs backwards");
  model_.begin_commit(commit.journal->now);
  if (commit.journal->step != model_.commits())
    basics_.verdict.fail("journal", fmt::format("step {} is the {}. commit", commit.journal->step,
                                                model_.commits()));
  issued_.clear();
  hedges_.clear();
  reopened_.clear();
  following_.before_rows(commit, model_);
  for (const core::RunRecord* row : commit.runs) check_run_row(*row, commit);
  if (const std::string wrong = following_.after_rows(commit, model_); !wrong.empty())
    basics_.verdict.fail("follows", wrong);
  for (const core::Expansion& row : commit.expansions) model_.put_expansion(row);
  for (const core::AttemptRecord& end : commit.attempts) check_end(end);
  for (const RunId run : reopened_) begin_round(run);
  for (const engine::TaskRow& row : commit.tasks) check_task_row(row);
  std::vector<TaskId> side_by_side;
  if (!issued_.empty()) {
    for (const auto& [token, task] : model_.live()) side_by_side.push_back(task);
    check_shares("locks", side_by_side);
  }
  for (const Token token : issued_) {
    check_issued(token);
    highest_token_ = std::max(highest_token_, token);
  }
  if (commit.last_token < highest_token_)
    basics_.verdict.fail("tokens", "last_token is behind a token that was given out");
  check_finished_runs(commit);
  check_ledger(state);
  // A second attempt passes nobody over: it is not started where somebody waits for its place.
  std::vector<Token> firsts = issued_;
  std::erase_if(firsts,
                [&](Token token) { return std::ranges::find(hedges_, token) != hedges_.end(); });
  if (const std::string unfair = fairness_.on_commit(state, model_, firsts); !unfair.empty())
    basics_.verdict.fail("starvation", unfair);
}

namespace {

Resources larger_of(const Resources& a, const Resources& b) {
  Resources out = a;
  out.cpu_millicores = std::max(a.cpu_millicores, b.cpu_millicores);
  out.memory_bytes = std::max(a.memory_bytes, b.memory_bytes);
  out.disk_bytes = std::max(a.disk_bytes, b.disk_bytes);
  out.gpu_milli = std::max(a.gpu_milli, b.gpu_milli);
  for (const Countable& other : b.countables) {
    const auto own = std::ranges::find(out.countables, other.name, &Countable::name);
    if (own == out.countables.end())
      out.countables.push_back(other);
    else
      own->amount = std::max(own->amount, other.amount);
  }
  std::ranges::sort(out.countables);
  return out;
}

}  // namespace

void Checker::check_ledger(const core::State& state) {
  const schedule::Planner& planner = state.planner;
  const Resources& capacity = state.capacity_of(PoolId{});
  const Resources used = planner.nodes.used(state.pools.front().node);
  const std::size_t staged = planner.staged(state.pools.front().node);
  // More may be in use than there is, since the capacity can be lowered; but then it only shrinks,
  // dimension by dimension.
  if (!is_recovering_ && !larger_of(capacity, used_before_).covers(used))
    basics_.verdict.fail("capacity",
                         fmt::format("the core hands out {} of {}", format_resources(used),
                                     format_resources(capacity)));
  // A restart with less capacity stages what had its place before.
  if (staged > schedule::kStagedMax && staged > staged_before_ && !is_recovering_)
    basics_.verdict.fail("capacity", fmt::format("{} attempts are staged", staged));
  used_before_ = used;
  staged_before_ = staged;
  is_recovering_ = false;
}

void Checker::check_run_row(const core::RunRecord& row, const engine::Commit& commit) {
  basics_.note(Note::run_row, row.id.value, static_cast<std::uint64_t>(row.state), row.round);
  const RunImage* old = model_.find(row.id);
  if (old == nullptr) {
    if (!uuids_.insert(row.uuid).second)
      basics_.verdict.fail("lost_work", fmt::format("run {} repeats a uuid", row.id.value));
    if (row.texts && !row.texts->idempotency_key.empty() &&
        !submitted_keys_.insert(row.texts->idempotency_key).second)
      basics_.verdict.fail("idempotency",
                           fmt::format("run {} repeats an idempotency key", row.id.value));
    model_.put_run(row);
    return;
  }
  const bool reopened = core::is_final(old->state) && !core::is_final(row.state);
  const std::uint32_t rounds = row.round - old->round;
  // It may end and be retried within one commit, even more than once if all of it is skipped.
  const bool went_back = row.round < old->round;
  if (went_back || (reopened && rounds == 0) ||
      (rounds > 0 && rounds > retries_asked(commit, row.id)))
    basics_.verdict.fail(
        "rounds", fmt::format("run {} goes from {} in round {} to {} in round {}", row.id.value,
                              name(old->state), old->round, name(row.state), row.round));
  model_.put_run(row);
  if (rounds > 0) reopened_.push_back(row.id);
}

void Checker::begin_round(RunId run) {
  for (TaskImage& task : model_.run(run).tasks) {
    task.first_attempt = std::max(task.row.attempt, task.hedging.attempts);
    task.ends = {};
    task.charged = 0;
  }
}

void Checker::check_end(const core::AttemptRecord& end) {
  AttemptImage* attempt = model_.find_attempt(end.token);
  if (attempt == nullptr) {
    complain("ends", end.task,
             fmt::format("token {} ended, but was never given out", end.token.value));
    return;
  }
  if (attempt->task != end.task || attempt->number != end.number)
    complain("ends", end.task, fmt::format("token {} belongs to another attempt", end.token.value));
  if (attempt->recorded_in != kNoCommit) {
    complain("one_result", end.task,
             fmt::format("attempt {} has a second accepted result", end.number));
    return;
  }
  check_end_is_true(end, world_[end.token]);
  attempt->outcome = end.outcome;
  model_.record_end(end.token);
  TaskImage& task = model_.task(end.task);
  // Of two attempts at once, one that fails or loses decides nothing.
  const bool decides =
      end.next.code != ReasonCode::hedge_other && end.outcome.reason.code != ReasonCode::hedge_lost;
  if (!decides) check_undecided(end, task);
  if (decides) task.decided_by = end.token;
  const bool counts = decides && end.next.code != ReasonCode::batch_undone;
  if (counts && !end.outcome.is_success()) ++task.ends[static_cast<std::size_t>(end.outcome.kind)];
  task.last_end = model_.last_now();
  task.was_paused = false;
}

void Checker::check_end_is_true(const core::AttemptRecord& end, const WorldToken& world) {
  const auto text = [&](std::string_view what) {
    return fmt::format("attempt {} is recorded as {} {}: {}", end.number, name(end.outcome.kind),
                       end.outcome.code, what);
  };
  if (world.is_alive) complain("ends", end.task, text("its process still runs"));
  if (world.end && world.end->outcome.kind == end.outcome.kind &&
      world.end->outcome.code == end.outcome.code)
    return;
  if (end.outcome.kind == OutcomeClass::lost && world.is_unknown) return;
  if (end.outcome.kind == OutcomeClass::rejected && world.starts == 0 && !world.end) return;
  complain("ends", end.task,
           text(world.end ? fmt::format("in the world it was {} {}", name(world.end->outcome.kind),
                                        world.end->outcome.code)
                          : "the world knows of no such end"));
}

void Checker::check_task_row(const engine::TaskRow& row) {
  basics_.note(Note::task_row, row.id.packed(), static_cast<std::uint64_t>(row.task->state),
               static_cast<std::uint64_t>(row.task->reason.code));
  const RunImage* run = model_.find(row.id.run);
  if (run == nullptr || row.id.index >= run->tasks.size()) {
    complain("rows", row.id, "has a row, but there is no such task");
    return;
  }
  TaskImage& image = model_.task(row.id);
  const core::Task& task = *row.task;
  if (task.group != image.row.group) complain("rows", row.id, "changed its group");
  if (core::is_final(image.row.state) && image.final_round >= run->round &&
      (task.state != image.row.state || task.token != image.row.token))
    complain("final_is_final", row.id,
             fmt::format("goes from {} to {}", name(image.row.state), name(task.state)));
  if (task.token != image.row.token) {
    if (task.token != image.hedging.companion.token) check_new_attempt(row, *run, image);
  }
  check_hedging(row, *run, image);
  if (core::is_live(task.state)) {
    const AttemptImage* attempt = model_.find_attempt(task.token);
    if (attempt == nullptr || attempt->recorded_in != kNoCommit)
      complain("ends", row.id, fmt::format("is {} without a live attempt", name(task.state)));
  }
  if (core::is_final(task.state)) {
    check_final(row, *run, image);
    image.final_round = run->round;
  }
  image.was_paused = image.was_paused || task.state == TaskState::paused;
  image.row = task;
  image.stored = true;
}

bool Checker::has_live(TaskId task) const {
  return std::ranges::any_of(model_.live(),
                             [task](const auto& each) { return each.second == task; });
}

void Checker::check_undecided(const core::AttemptRecord& end, const TaskImage& task) {
  const core::Companion& companion = task.hedging.companion;
  const bool two = companion.token != Token{};
  if (!two || (end.token != companion.token && end.token != task.row.token))
    complain("hedges", end.task, fmt::format("attempt {} is said to be one of two", end.number));
}

void Checker::check_hedging(const engine::TaskRow& row, const RunImage& run, TaskImage& image) {
  const core::Hedging hedging = row.extra != nullptr ? row.extra->hedging : core::Hedging{};
  const core::Companion& companion = hedging.companion;
  const bool is_new = companion.token != Token{} && model_.find_attempt(companion.token) == nullptr;
  const std::uint16_t latest = std::max(row.task->attempt, image.hedging.attempts);
  if (companion.token != Token{} && row.task->state != TaskState::running)
    complain("hedges", row.id, "has a second attempt, but does not run");
  if (is_new) {
    const spec::Policy& policy = run.policy_of(row.task->group);
    if (!policy.idempotent || hedging.hedges > policy.hedge.max)
      complain("hedges", row.id, fmt::format("is given second attempt {}", hedging.hedges));
    if (companion.attempt != latest + 1 || companion.token <= highest_token_)
      complain("tokens", row.id, "its second attempt has the number or token of another");
    model_.put_attempt(companion.token, {.task = row.id,
                                         .number = companion.attempt,
                                         .issued_in = model_.commits(),
                                         .recorded_in = kNoCommit,
                                         .outcome = {}});
    issued_.push_back(companion.token);
    hedges_.push_back(companion.token);
    ++hedges_made_;
  }
  image.hedging = hedging;
  image.hedging.attempts = std::max(latest, hedging.attempts);
}

void Checker::check_new_attempt(const engine::TaskRow& row, const RunImage& run, TaskImage& image) {
  const core::Task& task = *row.task;
  const std::uint32_t latest = std::max(image.row.attempt, image.hedging.attempts);
  if (task.attempt != latest + 1)
    complain("tokens", row.id, fmt::format("goes from attempt {} to {}", latest, task.attempt));
  if (task.token <= highest_token_ || model_.find_attempt(task.token) != nullptr)
    complain("tokens", row.id, fmt::format("token {} is not new", task.token.value));
  if (has_live(row.id))
    complain("runs_twice", row.id, "is tried again, though an attempt of it has not ended");
  if (image.row.attempt > image.first_attempt) check_retry(row, run, image);
  model_.put_attempt(task.token, {.task = row.id,
                                  .number = task.attempt,
                                  .issued_in = model_.commits(),
                                  .recorded_in = kNoCommit,
                                  .outcome = {}});
  issued_.push_back(task.token);
}

void Checker::check_retry(const engine::TaskRow& row, const RunImage& run, TaskImage& image) {
  const AttemptImage* previous = model_.find_attempt(image.decided_by);
  if (previous == nullptr || previous->recorded_in == kNoCommit) {
    complain("runs_twice", row.id, "is tried again, though its attempt has not ended");
    return;
  }
  // A process that ended well is tried again only if what it produced was not accepted.
  const OutcomeClass how =
      previous->outcome.is_success() ? OutcomeClass::rejected : previous->outcome.kind;
  if (previous->outcome.is_success()) ++image.ends[static_cast<std::size_t>(how)];
  const spec::RetryPolicy& policy = run.policy_of(image.row.group).retry;
  const auto& rule = policy.rule(how);
  if (!rule.retried)
    complain("retries", row.id,
             fmt::format("is tried again after {}, which is not listed", name(how)));
  const std::uint32_t ends = image.ends[static_cast<std::size_t>(how)];
  if (rule.limit != spec::kNoLimit && ends > static_cast<std::uint32_t>(rule.limit))
    complain("retries", row.id, fmt::format("is tried again after the {}. {}", ends, name(how)));
  if (!is_free(how) && ++image.charged > static_cast<std::uint32_t>(std::max(policy.max, 0)))
    complain("retries", row.id, fmt::format("its retry {} is beyond its limit", image.charged));
  check_back_off(row, run, image);
}

void Checker::check_back_off(const engine::TaskRow& row, const RunImage& run,
                             const TaskImage& image) {
  const AttemptImage* previous = model_.find_attempt(image.decided_by);
  const spec::Backoff& backoff = run.policy_of(image.row.group).retry.backoff;
  if (backoff.jitter || image.was_paused || previous->outcome.kind == OutcomeClass::lost) return;
  const std::uint32_t n = previous->outcome.kind == OutcomeClass::start_failed
                              ? image.ends[static_cast<std::size_t>(OutcomeClass::start_failed)]
                              : image.charged;
  const Duration waited = model_.last_now() - image.last_end;
  if (waited < promised_wait(backoff, n))
    complain("retries", row.id,
             fmt::format("waited {} before retry {}", format_duration(waited), n));
}

void Checker::check_final(const engine::TaskRow& row, const RunImage& run, const TaskImage& image) {
  const core::Task& task = *row.task;
  if (core::is_final(image.row.state) && image.final_round >= run.round) return;
  const AttemptImage* latest = model_.find_attempt(task.token);
  // A run may end and begin another round within one commit; and the second of two attempts that
  // won was recorded before the other had gone.
  const bool ran_until_now = latest != nullptr && (latest->recorded_in == model_.commits() ||
                                                   image.row.state == core::TaskState::running);
  const bool tried = task.attempt > image.first_attempt || ran_until_now;
  const bool approval = std::holds_alternative<spec::Approval>(run.spec_of(task.group).action);
  const AttemptImage* attempt = tried ? latest : nullptr;
  if (tried && (attempt == nullptr || attempt->recorded_in == kNoCommit || has_live(row.id))) {
    complain("ends", row.id,
             fmt::format("is {}, though its attempt has not ended", name(task.state)));
    return;
  }
  switch (task.state) {
    case TaskState::succeeded:
      if (task.reason.code == ReasonCode::shared_result)
        check_shared(row, run);
      else if (!approval && (!tried || !attempt->outcome.is_success()))
        complain("results", row.id, "succeeded without a successful attempt");
      break;
    case TaskState::skipped:
      if (tried) complain("results", row.id, "is skipped, though it was tried");
      break;
    case TaskState::failed:
      if (tried && attempt->outcome.is_success() &&
          (!run.spec_of(task.group).detail || run.spec_of(task.group).detail->artifacts.empty()))
        complain("results", row.id, "failed after a successful attempt");
      break;
    case TaskState::cancelled:
      if (!cancel_sent_.contains(row.id.run))
        complain("results", row.id, "is cancelled, though nobody asked for it");
      break;
    default: break;
  }
}

void Checker::check_issued(Token token) {
  const AttemptImage& attempt = *model_.find_attempt(token);
  const RunImage& run = *model_.find(attempt.task.run);
  const GroupIndex group = run.tasks[attempt.task.index].row.group;
  if (const std::string why = Model::unmet_need(run, group); !why.empty())
    complain("needs", attempt.task, "is started, though " + why);
  if (const std::string why = following_.obstacle(run.id); !why.empty())
    complain("follows", attempt.task, "is started, though " + why);
  const spec::TaskGroup& spec = run.spec_of(group);
  if (run.cancel_requested && spec.phase != spec::Phase::finally && !has_own_say(spec))
    complain("cancel", attempt.task, "is started after its run was cancelled");
  check_fail_fast(attempt, run, group);
  if (run.paused || run.interrupted)
    complain("pause", attempt.task, "is started while its run is held");
}

void Checker::check_fail_fast(const AttemptImage& attempt, const RunImage& run, GroupIndex index) {
  if (!run.spec_of(index).fails_fast()) return;
  const GroupImage& group = run.groups[index.value];
  for (std::uint32_t i = group.first; i < group.first + group.count; ++i) {
    const TaskImage& sibling = run.tasks[i];
    const bool failed = sibling.row.state == TaskState::failed &&
                        sibling.row.outcome != OutcomeClass::none &&
                        (sibling.row.flags & core::kTaskForgiven) == 0;
    if (failed && sibling.final_round == run.round)
      complain("fail_fast", attempt.task, fmt::format("is started after task {} failed", i));
  }
}

void Checker::check_finished_runs(const engine::Commit& commit) {
  for (const core::RunRecord* row : commit.runs) {
    if (!core::is_final(row->state)) continue;
    const RunImage& run = *model_.find(row->id);
    bool failed = false;
    for (std::uint32_t g = 0; g < run.groups.size(); ++g) {
      const GroupOutcome outcome = Model::outcome_of(run, {g});
      if (outcome == GroupOutcome::open)
        basics_.verdict.fail("results", fmt::format("run {} is {}, but its group {} is open",
                                                    row->id.value, name(row->state), g));
      failed = failed || outcome == GroupOutcome::failure || outcome == GroupOutcome::cancelled;
    }
    if (row->state == core::RunState::succeeded && failed)
      basics_.verdict.fail("results",
                           fmt::format("run {} succeeded, but not all of it", row->id.value));
    if (row->state == core::RunState::failed && !failed && run.workflow->outputs.empty())
      basics_.verdict.fail("results",
                           fmt::format("run {} failed, but nothing in it did", row->id.value));
  }
}

}  // namespace reeve::sim
