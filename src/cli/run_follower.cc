#include "cli/run_follower.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "core/launch.h"

namespace reeve::cli {
namespace {

using core::TaskState;

bool is_unsuccessful(TaskState state) {
  return state == TaskState::failed || state == TaskState::timed_out || state == TaskState::aborted;
}

bool is_large(const core::Run& run, std::uint32_t index) {
  return run.groups[run.tasks[index].group.value].count > kTasksWithLinesMax;
}

std::uint32_t attempts_max(const core::Run& run, GroupIndex group) {
  const std::int32_t retries = run.workflow().policy_of(run.group_spec(group)).retry.max;
  return static_cast<std::uint32_t>(std::max(retries, 0)) + 1;
}

std::string message_of(const core::Run& run, std::uint32_t index) {
  const core::TaskExtra* extra = run.extra(index);
  return extra == nullptr ? "" : sanitize_for_terminal(extra->message);
}

/// The changes of one run: usually all of them.
std::span<const core::TaskChange> changes_of(RunId run, std::span<const core::TaskChange> all,
                                             std::vector<core::TaskChange>& storage) {
  const auto is_of_run = [run](const core::TaskChange& change) { return change.task.run == run; };
  if (std::ranges::all_of(all, is_of_run)) return all;
  storage.clear();
  std::ranges::copy_if(all, std::back_inserter(storage), is_of_run);
  return storage;
}

}  // namespace

Result<std::unique_ptr<RunFollower>> RunFollower::make() {
  Fd event(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!event) return fail_errno(errno, "cannot make an event descriptor");
  return std::unique_ptr<RunFollower>(new RunFollower(std::move(event)));
}

void RunFollower::follow(const Uuid& uuid) {
  const std::lock_guard lock(mutex_);
  slots_.push_back({uuid, nullptr});
}

bool RunFollower::has_lines(const core::Run& run, std::uint32_t index) const {
  return notes_every_task_ || !is_large(run, index);
}

FollowedRun* RunFollower::find(RunId id) {
  for (const Slot& slot : slots_) {
    if (slot.run && slot.run->tracker.model().id == id) return slot.run.get();
  }
  return nullptr;
}

/// Runs that were waited for and are there now.
void RunFollower::adopt(const core::State& state) {
  const bool all_seen =
      std::ranges::all_of(slots_, [](const Slot& slot) { return slot.run != nullptr; });
  if (all_seen) return;
  state.each_run([&](const core::Run& run) {
    for (Slot& slot : slots_) {
      if (slot.run || slot.uuid != run.record.uuid) continue;
      slot.run = std::make_unique<FollowedRun>();
      slot.run->tracker.reset(run);
      for (std::uint32_t i = 0; i < run.tasks.size(); ++i) note_failure(run, *slot.run, i);
    }
  });
}

void RunFollower::note_failure(const core::Run& run, FollowedRun& followed, std::uint32_t index) {
  const core::Task& task = run.tasks[index];
  if (!is_unsuccessful(task.state) || (task.flags & core::kTaskForgiven) != 0) return;
  ++followed.failed_count;
  if (task.state == TaskState::timed_out) ++followed.timed_out_count;
  // Those that were aborted because another failed are counted; the other is shown.
  if (task.state == TaskState::aborted || followed.failed.size() >= kFailedTasksKept) return;
  followed.failed.push_back({{run.record.id, index},
                             sanitize_for_terminal(core::task_label(run, index)),
                             task.state,
                             task.attempt,
                             task.outcome,
                             task.code,
                             task.reason,
                             message_of(run, index)});
}

void RunFollower::note_change(const engine::Committed& committed, const core::Run& run,
                              FollowedRun& followed, const core::TaskChange& change) {
  const std::uint32_t index = change.task.index;
  const core::Task& task = run.tasks[index];
  for (std::uint32_t i = index; core::is_final(change.to) && i < index + change.count; ++i)
    note_failure(run, followed, i);
  // Ends of attempts have more to say and come by themselves.
  const bool starts = change.to == TaskState::running;
  const bool ends_alone = core::is_final(change.to) && !core::is_live(change.from);
  const bool ran = change.from == TaskState::validating;
  if ((!starts && !ends_alone) || !has_lines(run, index)) return;
  for (std::uint32_t i = index; i < index + change.count; ++i) {
    happenings_.push_back(
        {.kind = starts ? Happening::Kind::started : Happening::Kind::ended,
         .at = committed.now,
         .task = {change.task.run, i},
         .label = sanitize_for_terminal(core::task_label(run, i)),
         .state = change.to,
         .attempt = change.attempt,
         .attempts_max = attempts_max(run, task.group),
         .outcome = ran ? Outcome{task.outcome, task.code, task.reason} : Outcome{},
         .duration = ran ? task.since - task.started_at : Duration{0},
         .reason = change.reason,
         .message = message_of(run, i)});
  }
}

void RunFollower::note_task_changes(const engine::Committed& committed, const core::Run& run,
                                    FollowedRun& followed,
                                    std::span<const core::TaskChange> changes) {
  if (run.record.round != followed.tracker.model().round) {
    followed.failed.clear();
    followed.failed_count = followed.timed_out_count = 0;
    followed.tenths.clear();
  }
  followed.tracker.apply(run, changes);
  std::uint32_t large_group = UINT32_MAX;
  for (const core::TaskChange& change : changes) {
    if (change.task.index >= run.tasks.size()) continue;
    note_change(committed, run, followed, change);
    const GroupIndex group = run.tasks[change.task.index].group;
    if (group.value == large_group || !is_large(run, change.task.index)) continue;
    large_group = group.value;
    note_progress(committed, followed, group);
  }
}

void RunFollower::note_attempts(const engine::Committed& committed) {
  for (const core::AttemptRecord& attempt : committed.attempts) {
    FollowedRun* const followed = find(attempt.task.run);
    const core::Run* const run = committed.state.find_run(attempt.task.run);
    if (followed == nullptr || run == nullptr || attempt.task.index >= run->tasks.size()) continue;
    const core::Task& task = run->tasks[attempt.task.index];
    // Of two attempts at once the last end is that of the task, which ends as the winner did.
    const bool is_first_of_two = task.state == TaskState::running && attempt.outcome.is_success();
    if (is_first_of_two || attempt.next.code == ReasonCode::hedge_other) continue;
    const bool lost = attempt.outcome.reason.code == ReasonCode::hedge_lost;
    const Outcome outcome = lost ? Outcome{task.outcome, task.code, task.reason} : attempt.outcome;
    followed->last_outcome = outcome;
    // Its files are being collected: the end of that is the end.
    if (attempt.next.code == ReasonCode::checking || task.state == TaskState::validating) continue;
    const bool is_bad = is_unsuccessful(task.state) || task.state == TaskState::retry_wait;
    if (!has_lines(*run, attempt.task.index) && !is_bad) continue;
    const Time started_at = lost ? task.started_at : attempt.started_at;
    const bool ran = started_at != kUnset && attempt.ended_at != kUnset;
    happenings_.push_back(
        {.kind = Happening::Kind::ended,
         .at = committed.now,
         .task = attempt.task,
         .label = sanitize_for_terminal(core::task_label(*run, attempt.task.index)),
         .state = task.state,
         .attempt = lost ? std::uint32_t{task.attempt} : attempt.number,
         .attempts_max = attempts_max(*run, task.group),
         .outcome = outcome,
         .duration = ran ? attempt.ended_at - started_at : Duration{0},
         .retry_after = task.state == TaskState::retry_wait && task.wake_at != kNever
                            ? std::max(task.wake_at - committed.now, Duration{0})
                            : Duration{0},
         .reason = task.reason,
         .message = sanitize_for_terminal(attempt.message)});
  }
}

void RunFollower::note_hold(const engine::Committed& committed, const core::Run& run,
                            FollowedRun& followed, std::uint32_t index) {
  const core::Task& task = run.tasks[index];
  if (task.state != TaskState::running || task.reason.code != ReasonCode::held_open) return;
  if (std::exchange(followed.held[index], task.attempt) == task.attempt) return;
  happenings_.push_back({.kind = Happening::Kind::held,
                         .at = committed.now,
                         .task = {run.record.id, index},
                         .label = sanitize_for_terminal(core::task_label(run, index)),
                         .state = task.state,
                         .attempt = task.attempt,
                         .reason = task.reason});
}

void RunFollower::note_progress(const engine::Committed& committed, FollowedRun& followed,
                                GroupIndex index) {
  const GroupModel& group = followed.tracker.model().groups[index.value];
  if (group.total == 0) return;
  const std::uint32_t finished = group.finished();
  const auto tenth = static_cast<std::uint32_t>(std::uint64_t{finished} * 10 / group.total);
  std::uint32_t& told = followed.tenths[index.value];
  if (tenth == told) return;
  told = tenth;
  happenings_.push_back({.kind = Happening::Kind::progress,
                         .at = committed.now,
                         .task = {followed.tracker.model().id, 0},
                         .label = group.name,
                         .finished = finished,
                         .total = group.total});
}

void RunFollower::look_at_others(const core::State& state) {
  others_.interrupted.clear();
  others_.active = 0;
  state.each_run([&](const core::Run& run) {
    if (core::is_final(run.record.state) || find(run.record.id) != nullptr) return;
    if (run.record.interrupted) {
      others_.interrupted.push_back(run.record.id);
    } else {
      ++others_.active;
    }
  });
}

void RunFollower::on_committed(const engine::Committed& committed) {
  const std::lock_guard lock(mutex_);
  std::vector<core::TaskChange> storage;
  for (const Slot& slot : slots_) {
    if (!slot.run) continue;
    const RunId id = slot.run->tracker.model().id;
    const core::Run* const run = committed.state.find_run(id);
    if (run == nullptr) continue;
    note_task_changes(committed, *run, *slot.run, changes_of(id, committed.tasks, storage));
    if (run->record.texts) slot.run->outputs = run->record.texts->outputs;
  }
  adopt(committed.state);
  note_attempts(committed);
  for (const TaskId task : committed.progressed) {
    FollowedRun* const followed = find(task.run);
    const core::Run* const run = committed.state.find_run(task.run);
    if (followed == nullptr || run == nullptr) continue;
    followed->tracker.update_progress(*run, task.index);
    note_hold(committed, *run, *followed, task.index);
  }
  look_at_others(committed.state);
  wake();
}

void RunFollower::wake() {
  if (woken_) return;
  woken_ = true;
  const std::uint64_t one = 1;
  // Full means that it is readable already.
  static_cast<void>(::write(event_.get(), &one, sizeof one) == sizeof one);
}

std::vector<Happening> RunFollower::take_happenings() {
  const std::lock_guard lock(mutex_);
  std::uint64_t count = 0;
  // Nothing to read is nothing new.
  if (::read(event_.get(), &count, sizeof count) < 0) count = 0;
  woken_ = false;
  return std::exchange(happenings_, {});
}

std::vector<Picture> RunFollower::take_pictures(int rows) {
  const std::lock_guard lock(mutex_);
  std::vector<Picture> pictures;
  const int share = std::max(rows / static_cast<int>(std::max<std::size_t>(slots_.size(), 1)), 4);
  for (const Slot& slot : slots_) {
    if (slot.run) pictures.push_back(take_picture(slot.run->tracker.model(), share));
  }
  return pictures;
}

std::map<RunId, Uuid> RunFollower::numbers() const {
  const std::lock_guard lock(mutex_);
  std::map<RunId, Uuid> out;
  for (const Slot& slot : slots_) {
    if (slot.run) out.emplace(slot.run->tracker.model().id, slot.uuid);
  }
  return out;
}

bool RunFollower::all_over() const {
  const std::lock_guard lock(mutex_);
  return std::ranges::all_of(slots_, [](const Slot& slot) {
    return slot.run && core::is_final(slot.run->tracker.model().state);
  });
}

std::vector<const FollowedRun*> RunFollower::runs() const {
  const std::lock_guard lock(mutex_);
  std::vector<const FollowedRun*> all;
  for (const Slot& slot : slots_) {
    if (slot.run) all.push_back(slot.run.get());
  }
  return all;
}

RunFollower::Others RunFollower::others() const {
  const std::lock_guard lock(mutex_);
  return others_;
}

}  // namespace reeve::cli
