#include "base/reason.h"

#include <array>
#include <cstring>
#include <system_error>

#include <fmt/format.h>

#include "base/resources.h"
#include "base/time.h"

namespace reeve {
namespace {

// Written to follow the name of a task or run: "build waits for ...", "build was skipped: ...".
constexpr auto kTable = std::to_array<ReasonInfo>({
    {ReasonCode::none, "none", "no reason was recorded"},
    {ReasonCode::needs_pending, "needs_pending", "waits for {a} of the {b} tasks that it needs"},
    {ReasonCode::capacity, "capacity",
     "waits for {b:shortage}: it asks for {a:amount}, and less is free"},
    {ReasonCode::behind, "behind", "waits its turn: {a} tasks are in front of it"},
    {ReasonCode::lock_busy, "lock_busy",
     "waits for a lock: it asks for {a} units, and {b} are in use"},
    {ReasonCode::concurrency_busy, "concurrency_busy",
     "waits for its concurrency group, which allows {a} at a time"},
    {ReasonCode::max_parallel, "max_parallel",
     "waits: max_parallel allows {a} tasks of this group at a time"},
    {ReasonCode::run_paused, "run_paused", "waits: the run is paused; resume it to go on"},
    {ReasonCode::task_paused, "task_paused", "waits: the task is paused; resume it to go on"},
    {ReasonCode::interrupted, "interrupted",
     "was interrupted when its engine was stopped; `reeve resume` goes on"},
    {ReasonCode::approval_pending, "approval_pending", "waits for a person to approve it"},
    {ReasonCode::retry_backoff, "retry_backoff",
     "waits {a:duration} before it is tried again after attempt {b}"},
    {ReasonCode::executor_down, "executor_down", "waits: the executor of pool {a} does not answer"},
    {ReasonCode::unplaceable, "unplaceable", "asks for more than any pool could ever give"},
    {ReasonCode::held_for_large, "held_for_large",
     "waits: a larger, older task is let through first"},
    {ReasonCode::staged, "staged",
     "is handed to the executor and starts when a place is free; {a} tasks are in front of it"},
    {ReasonCode::launching, "launching", "is being started by the executor"},
    {ReasonCode::is_running, "is_running", "is running"},
    {ReasonCode::checking, "checking",
     "has ended; what it produced is being collected and checked"},
    {ReasonCode::placed, "placed", "was placed on pool {b} after a wait of {a:duration}"},
    {ReasonCode::completed, "completed", "completed"},
    {ReasonCode::exit_status, "exit_status", "ended with exit status {a}"},
    {ReasonCode::killed_by_signal, "killed_by_signal", "was killed by signal {a:signal}"},
    {ReasonCode::queue_timeout, "queue_timeout",
     "waited in the queue for longer than its limit of {a:duration}"},
    {ReasonCode::start_timeout, "start_timeout",
     "took longer to start than its limit of {a:duration}"},
    {ReasonCode::run_timeout, "run_timeout", "ran for longer than its limit of {a:duration}"},
    {ReasonCode::idle_timeout, "idle_timeout",
     "wrote no output for longer than its limit of {a:duration}"},
    {ReasonCode::deadline_passed, "deadline_passed", "did not end before its deadline"},
    {ReasonCode::memory_limit, "memory_limit", "went over its memory limit of {a:bytes}"},
    {ReasonCode::executor_lost, "executor_lost",
     "was lost: the executor knows nothing of this attempt"},
    {ReasonCode::output_over_limit, "output_over_limit",
     "wrote more output than its limit of {a:bytes}"},
    {ReasonCode::artifact_missing, "artifact_missing",
     "did not produce a file that it declares as an artifact"},
    {ReasonCode::output_invalid, "output_invalid",
     "wrote a REEVE_OUTPUT file that could not be read"},
    {ReasonCode::expression_failed, "expression_failed",
     "has an expression that could not be evaluated"},
    {ReasonCode::command_not_found, "command_not_found",
     "could not start: the command was not found ({a:errno})"},
    {ReasonCode::command_not_executable, "command_not_executable",
     "could not start: the command may not be executed ({a:errno})"},
    {ReasonCode::could_not_start, "could_not_start",
     "could not be started by this machine ({a:errno})"},
    {ReasonCode::approval_denied, "approval_denied",
     "was denied by the person asked to approve it"},
    {ReasonCode::need_not_successful, "need_not_successful",
     "was skipped: task group {a}, which it needs, did not succeed"},
    {ReasonCode::need_not_failed, "need_not_failed",
     "was skipped: it wants task group {a} to fail, and that did not happen"},
    {ReasonCode::condition_false, "condition_false", "was skipped: its `if` condition is false"},
    {ReasonCode::no_failure, "no_failure", "was skipped: it is for failures, and nothing failed"},
    {ReasonCode::cancelled_by_person, "cancelled_by_person", "was cancelled by a person"},
    {ReasonCode::fail_fast, "fail_fast",
     "was cancelled: task {a} of its group failed, and fail_fast is on"},
    {ReasonCode::replaced_by_newer, "replaced_by_newer",
     "was cancelled: run {a} of its concurrency group replaced it"},
    {ReasonCode::run_cancelled, "run_cancelled", "was cancelled with its run"},
    {ReasonCode::retry_charged, "retry_charged", "is tried again: retry {a} of {b}"},
    {ReasonCode::retry_free, "retry_free",
     "is tried again without counting it, because it was not the task's fault: {a} of {b}"},
    {ReasonCode::retry_not_listed, "retry_not_listed",
     "is not tried again: `retry.on` does not list this outcome"},
    {ReasonCode::retries_exhausted, "retries_exhausted",
     "is not tried again: {a} of {b} retries are used"},
    {ReasonCode::retried_by_person, "retried_by_person", "is tried again because a person asked"},
    {ReasonCode::continued_on_error, "continued_on_error",
     "failed, and counts as done because of continue-on-error"},
    {ReasonCode::task_failed, "task_failed", "a task failed: the first is of task group {a}"},
    {ReasonCode::not_permitted, "not_permitted",
     "was to be less enclosed than its engine permits, so it was not started"},
    {ReasonCode::held_open, "held_open",
     "failed with status {b} and is held until {a:time}: `reeve exec` enters its sandbox, `reeve "
     "resume` lets it go"},
    {ReasonCode::hold_released, "hold_released",
     "failed with status {b}; its sandbox was let go and is being taken down"},
    {ReasonCode::image_not_usable, "image_not_usable",
     "could not start: its image could not be fetched, or cannot be used"},
    {ReasonCode::egress_not_usable, "egress_not_usable",
     "could not start: what its `network` lists could not be made reachable"},
    {ReasonCode::path_not_usable, "path_not_usable",
     "could not start: its work directory, or a path that it is to be given, cannot be used"},
    {ReasonCode::retry_in_vain, "retry_in_vain",
     "is not tried again: what it names would be missing again"},
    {ReasonCode::hedged, "hedged",
     "was started as a second attempt beside one that had run for {a:duration}"},
    {ReasonCode::hedge_lost, "hedge_lost",
     "was stopped: the other attempt of the task had succeeded first"},
    {ReasonCode::hedge_other, "hedge_other",
     "is not tried again: the other attempt of the task goes on"},
    {ReasonCode::queue_limit, "queue_limit",
     "waits: its queue has as much at work as it may have at once"},
    {ReasonCode::rate_limited, "rate_limited", "waits until {a:time}: its rate limit is used up"},
    {ReasonCode::window_closed, "window_closed",
     "waits until {a:time}: its queue or pool is closed, or closes before it would end"},
    {ReasonCode::quota_reached, "quota_reached", "waits: its user has as much as the quota gives"},
    {ReasonCode::circuit_open, "circuit_open",
     "waits: what is like it failed too often of late, and is tried again one at a time"},
    {ReasonCode::promised, "promised", "waits for room, which is kept for it from {a:time} on"},
    {ReasonCode::others_turn, "others_turn",
     "waits: others have had less of late; {a} tasks of its own user and queue are in front of it"},
    {ReasonCode::preempted, "preempted",
     "was stopped to make room for more important work, and waits to start again"},
    {ReasonCode::not_before, "not_before", "waits until {a:time}, as the workflow says"},
    {ReasonCode::batch_filling, "batch_filling",
     "waits for its batch to fill, until {a:time} at the latest"},
    {ReasonCode::in_batch, "in_batch",
     "is handed to the executor in a batch, and starts when the {a} before it have ended"},
    {ReasonCode::batched, "batched",
     "was placed as number {b} of a batch, which runs one after the other in one sandbox (batch "
     "{a})"},
    {ReasonCode::batch_undone, "batch_undone",
     "is queued again without counting it: its batch was lost before it began"},
    {ReasonCode::retry_budget, "retry_budget",
     "waits until {a:time} to be tried again: too much of its queue fails at once"},
    {ReasonCode::shared_waits, "shared_waits",
     "waits for task {b} of run {a}, which executes the same, and takes over what that gives"},
    {ReasonCode::shared_result, "shared_result",
     "took over what task {b} of run {a} gave, which executed the same"},
    {ReasonCode::disk_limit, "disk_limit", "went over its disk limit of {a:bytes}"},
    {ReasonCode::disk_short, "disk_short",
     "had written most to a disk of which less than {a:bytes} was free"},
    {ReasonCode::node_drained, "node_drained",
     "waits: its node is drained, and nothing starts there"},
    {ReasonCode::drained_off, "drained_off",
     "was stopped since its node was drained, and waits to start again"},
    {ReasonCode::after_run, "after_run",
     "waits until run {a} has ended, which it follows; such runs that are open: {b}"},
    {ReasonCode::after_unmet, "after_unmet",
     "was cancelled: run {a}, which it follows, did not end as it was to"},
});
static_assert(kTable.size() == kReasonCodeCount, "every reason needs a row");

constexpr bool is_in_order() {
  for (std::size_t i = 0; i < kTable.size(); ++i) {
    if (static_cast<std::size_t>(kTable[i].code) != i) return false;
  }
  return true;
}
static_assert(is_in_order(), "the rows must be in the order of the enumeration");

constexpr std::array<std::string_view, 6> kShortageNames{"none", "cpu", "memory",
                                                         "disk", "gpu", "countable"};

/// What was asked for, in the unit of what is short.
std::string amount(std::int64_t value, std::int64_t shortage) {
  Resources asked;
  switch (static_cast<Shortage>(shortage)) {
    case Shortage::cpu: asked.cpu_millicores = value; break;
    case Shortage::memory: asked.memory_bytes = value; break;
    case Shortage::disk: asked.disk_bytes = value; break;
    case Shortage::gpu: asked.gpu_milli = value; break;
    case Shortage::none:
    case Shortage::countable:
    default: return fmt::format("{}", value);
  }
  return format_resources(asked);
}

std::string signal_text(std::int64_t number) {
  const bool is_small = number > 0 && number < 128;
  const char* const short_name = is_small ? sigabbrev_np(static_cast<int>(number)) : nullptr;
  if (short_name == nullptr) return fmt::format("{}", number);
  return fmt::format("{} (SIG{})", number, short_name);
}

std::string errno_text(std::int64_t number) {
  if (number <= 0 || number > 4095) return fmt::format("error {}", number);
  return std::generic_category().message(static_cast<int>(number));
}

/// "2026-11-23 18:09:06 UTC".
std::string clock_text(std::int64_t unix_microseconds) {
  std::string text = format_time(Time{Duration{unix_microseconds}}).substr(0, 19);
  if (text.size() > 10) text[10] = ' ';
  return text + " UTC";
}

/// What stands for "{a:duration}" and the like; nothing for a word that is not known.
std::string render(const Reason& reason, std::string_view placeholder) {
  const std::int64_t number = placeholder.starts_with('b') ? reason.b : reason.a;
  const std::string_view form = placeholder.substr(placeholder.size() < 2 ? 1 : 2);
  if (form.empty()) return fmt::format("{}", number);
  if (form == "duration") return format_duration(Duration{number});
  if (form == "time") return clock_text(number);
  if (form == "bytes") return format_bytes(number);
  if (form == "amount") return amount(reason.a, reason.b);
  if (form == "signal") return signal_text(number);
  if (form == "errno") return errno_text(number);
  if (form == "shortage") {
    const bool is_known = number > 0 && static_cast<std::size_t>(number) < kShortageNames.size();
    if (!is_known) return "capacity";
    if (static_cast<Shortage>(number) == Shortage::countable) return "a counted resource";
    return std::string(kShortageNames[static_cast<std::size_t>(number)]);
  }
  return {};
}

}  // namespace

std::span<const ReasonInfo> reason_table() { return kTable; }

std::string_view name(ReasonCode code) {
  const auto index = static_cast<std::size_t>(code);
  return index < kTable.size() ? kTable[index].name : "unknown";
}

std::string_view name(Shortage shortage) {
  const auto index = static_cast<std::size_t>(shortage);
  return index < kShortageNames.size() ? kShortageNames[index] : "unknown";
}

std::string describe(const Reason& reason) {
  const auto index = static_cast<std::size_t>(reason.code);
  if (index >= kTable.size()) return "unknown";
  std::string_view rest = kTable[index].sentence;
  std::string out;
  while (!rest.empty()) {
    const std::size_t open = rest.find('{');
    out.append(rest.substr(0, open));
    if (open == std::string_view::npos) break;
    const std::size_t close = rest.find('}', open);
    out += render(reason, rest.substr(open + 1, close - open - 1));
    rest.remove_prefix(close + 1);
  }
  return out;
}

}  // namespace reeve
