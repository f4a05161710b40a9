#include "core/follow.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "base/ensure.h"
#include "core/explain.h"

namespace reeve::core {
namespace {

bool is_unmet(const RunAfter& after) {
  return is_final(after.ended) && !holds(after.condition, after.ended);
}

Reason unmet_reason(const RunAfter& after) {
  return {ReasonCode::after_unmet, static_cast<std::int32_t>(after.condition), after.run.value};
}

/// It can never be admitted: as the engine ends what a newer run replaces.
void abort_follower(Step& step, Run& run, const RunAfter& why) {
  run.record.reason = unmet_reason(why);
  mark(step, run);
  end_tasks(step, run, TaskState::aborted, {.reason = run.record.reason});
}

/// All that it waited for has ended as it was to: now it joins its concurrency group.
void join_group(Step& step, Run& run) {
  replace_older_runs(step, run);
  ask_admission(step, run);
}

void join_followers(State& state, const Run& run) {
  for (const RunAfter& after : *run.record.after) {
    if (after.is_open) state.followers.emplace(after.run, run.record.id);
  }
}

const Run* find_open(const State& state, RunId id) {
  const Run* const run = state.find_run(id);
  return run == nullptr || is_final(run->record.state) ? nullptr : run;
}

}  // namespace

bool waits_for_runs(const Run& run) {
  return run.record.after != nullptr &&
         std::ranges::any_of(*run.record.after, [](const RunAfter& each) { return each.is_open; });
}

Status know_predecessors(const State& state, Run& run, const std::vector<RunAfter>& after) {
  if (after.empty()) return {};
  if (after.size() > kRunAfterMax)
    return fail(ErrorCode::invalid_argument,
                "a run follows " + std::to_string(kRunAfterMax) + " others at most");
  run.record.after = std::make_unique<std::vector<RunAfter>>(after);
  for (RunAfter& each : *run.record.after) {
    if (static_cast<std::size_t>(each.condition) >= kAfterConditionCount)
      return fail(ErrorCode::invalid_argument, "a run follows others on success, failure or end");
    const Run* const other = state.find_run(each.run);
    if (other != nullptr) {
      each.uuid = other->record.uuid;
      each.ended = other->record.state;
    }
    // One that is not in memory has ended: how comes with the event.
    if (other == nullptr && (each.run >= run.record.id || !is_final(each.ended)))
      return fail(ErrorCode::not_found,
                  "there is no run " + std::to_string(each.run.value) + " to follow");
    each.is_open = !is_final(each.ended);
    if (each.is_open) each.ended = RunState::queued;
  }
  return {};
}

void begin_following(Step& step, Run& run) {
  if (run.record.after == nullptr) return join_group(step, run);
  const auto unmet = std::ranges::find_if(*run.record.after, is_unmet);
  if (unmet != run.record.after->end()) {
    const RunAfter why = *unmet;
    stop_following(step.state, run);
    return abort_follower(step, run, why);
  }
  join_followers(step.state, run);
  run.record.reason = following_reason(run);
  if (!waits_for_runs(run)) join_group(step, run);
}

void tell_followers(Step& step, RunId ended) {
  // A copy: telling them changes the set.
  std::vector<RunId> told;
  for (auto at = step.state.followers.lower_bound({ended, RunId{}});
       at != step.state.followers.end() && at->first == ended; ++at)
    told.push_back(at->second);
  if (told.empty()) return;
  const Run* const predecessor = step.state.find_run(ended);
  ENSURE(predecessor != nullptr && is_final(predecessor->record.state));
  const RunState state = predecessor->record.state;
  for (const RunId id : told) {
    step.state.followers.erase({ended, id});
    Run* const run = step.state.find_run(id);
    ENSURE(run != nullptr);
    std::optional<RunAfter> unmet;
    for (RunAfter& each : *run->record.after) {
      if (each.run != ended || !each.is_open) continue;
      each.is_open = false;
      each.ended = state;
      if (is_unmet(each)) unmet = each;
    }
    mark(step, *run);
    if (unmet) {
      stop_following(step.state, *run);
      abort_follower(step, *run, *unmet);
      continue;
    }
    run->record.reason = following_reason(*run);
    if (!waits_for_runs(*run)) join_group(step, *run);
  }
}

void stop_following(State& state, Run& run) {
  if (run.record.after == nullptr) return;
  for (RunAfter& each : *run.record.after) {
    if (each.is_open) state.followers.erase({each.run, run.record.id});
    each.is_open = false;
  }
}

void follow_again(State& state, Run& run) {
  if (run.record.after == nullptr) return;
  for (RunAfter& each : *run.record.after) {
    each.is_open = find_open(state, each.run) != nullptr;
    if (each.is_open) each.ended = RunState::queued;
  }
  join_followers(state, run);
  if (waits_for_runs(run)) run.record.reason = following_reason(run);
}

Status check_followers(const State& state) {
  Status found;
  state.each_run([&](const Run& run) {
    for (std::size_t i = 0; run.record.after != nullptr && i < run.record.after->size(); ++i) {
      const RunAfter& each = (*run.record.after)[i];
      if (!each.is_open || find_open(state, each.run) != nullptr) continue;
      found = fail(ErrorCode::corrupt,
                   "run " + std::to_string(run.record.id.value) + " is stored to wait for run " +
                       std::to_string(each.run.value) + ", which is not there or has ended");
    }
  });
  return found;
}

void restore_followers(State& state, const Run& run) {
  if (run.record.after != nullptr) join_followers(state, run);
}

void ask_admission(Step& step, Run& run) {
  if (waits_for_runs(run)) return;
  if (!try_admit(step, run)) step.state.waiting_admission.insert(run.record.id);
}

void replace_older_runs(Step& step, const Run& newer) {
  using WhenBusy = spec::Concurrency::WhenBusy;
  if (!newer.workflow().concurrency) return;
  const WhenBusy when_busy = newer.workflow().concurrency->when_busy;
  if (when_busy == WhenBusy::queue) return;
  const Reason reason{ReasonCode::replaced_by_newer, 0, newer.record.id.value};
  for (auto& other : step.state.runs) {
    if (!other || other.get() == &newer || is_final(other->record.state)) continue;
    if (other->admission_locks != newer.admission_locks) continue;
    if (when_busy == WhenBusy::keep_latest && other->admitted) continue;
    // What waits for other runs has not come yet, whatever its number.
    if (waits_for_runs(*other)) continue;
    other->record.reason = reason;
    mark(step, *other);
    end_tasks(step, *other, TaskState::aborted, {.reason = reason});
  }
}

Reason following_reason(const Run& run) {
  if (!waits_for_runs(run)) return {};
  const auto is_open = [](const RunAfter& each) { return each.is_open; };
  const auto first = std::ranges::find_if(*run.record.after, is_open);
  return {ReasonCode::after_run,
          static_cast<std::int32_t>(std::ranges::count_if(*run.record.after, is_open)),
          first->run.value};
}

std::vector<std::string> following_facts(const RunRecord& run, const State* state) {
  static constexpr std::array<std::string_view, kAfterConditionCount> kIsTo{
      "is to succeed", "is to end otherwise than well", "is to end"};
  constexpr std::size_t kFollowingFactsMax = 20;
  std::vector<std::string> facts;
  if (run.after == nullptr) return facts;
  for (const RunAfter& each : *run.after) {
    if (!each.is_open && !is_unmet(each)) continue;
    if (facts.size() == kFollowingFactsMax) break;
    std::string fact = "run " + std::to_string(each.run.value) + " " +
                       std::string(kIsTo[static_cast<std::size_t>(each.condition)]);
    const Run* const other = state == nullptr ? nullptr : state->find_run(each.run);
    if (!each.is_open)
      fact += ", and " + std::string(name(each.ended));
    else if (other != nullptr)
      fact += "; it is " + std::string(other->record.interrupted ? "interrupted"
                                       : other->record.paused    ? "paused"
                                                                 : name(other->record.state));
    else
      fact += "; it has not ended";
    facts.push_back(std::move(fact));
  }
  return facts;
}

}  // namespace reeve::core
