#include "sim/trace.h"

#include <algorithm>
#include <bit>

#include <fmt/format.h>

#include "base/reason.h"
#include "core/task_state.h"
#include "sim/agenda.h"
#include "sim/fault.h"
#include "sim/message.h"

namespace reeve::sim {
namespace {

struct NoteText {
  Note note;
  /// {a} {b} {c}: the numbers; {task}: a as a task; {message}: b as a message; {fault}: a as a
  /// fault.
  std::string_view text;
};
constexpr NoteText kTexts[] = {
    {Note::engine_opened, "engine          opens"},
    {Note::engine_step, "engine          step done, {a} commits so far, ok {b}"},
    {Note::engine_crash, "engine          DIES after {a} commits"},
    {Note::engine_gone, "engine          is away for {a} us"},
    {Note::commit, "engine          commits step {a}: {b} task rows, {c} ends"},
    {Note::commit_fault, "store           FAILS: {fault}, after {b} commits"},
    {Note::run_row, "  row           run {a}: {run_state}, round {c}"},
    {Note::task_row, "  row           task {task}: {task_state}, because {reason}"},
    {Note::answered, "engine          answers, run {a}, ok {b}"},
    {Note::submit, "client          submits workflow {a}, request {b}"},
    {Note::submit_full, "client          finds the inbox full, request {b}"},
    {Note::request, "client          asks: event {a} for run {b}, task {c}"},
    {Note::acknowledged, "client          hears of run {a}, request {b}, existed {c}"},
    {Note::message_sent, "message         {message} of token {a}"},
    {Note::message_lost, "message         {message} of token {a} is LOST"},
    {Note::message_twice, "message         {message} of token {a} goes TWICE"},
    {Note::message_late, "message         {message} of token {a} will be LATE"},
    {Note::message_stale, "message         {message} of token {a} finds nobody"},
    {Note::process_started, "process         of {task} starts, token {b}, attempt {c}"},
    {Note::process_ended, "process         of {task} ends, token {b}, outcome class {c}"},
    {Note::start_ignored, "executor        ignores a start of token {a}"},
    {Note::executor_crash, "executor        CRASHES with {b} attempts"},
    {Note::executor_back, "executor        is back"},
    {Note::executor_fault, "executor        {fault} for {b} us"},
    {Note::node_lost, "executor        loses processes, {a} per mille"},
    {Note::clock_jump, "clock           jumps by {a} s"},
    {Note::capacity, "people          set the capacity to {b} millicores"},
    {Note::saturated, "machine         others use {a}, all stands still {b} for memory, of 1000"},
    {Note::artifacts, "artifacts       are collected for {task}, {b} files"},
    {Note::faults_over, "world           the faults are over: {a} so far"},
    {Note::tidied, "people          tidy up, {a} requests"},
    {Note::state_digest, "world           digest {a:x}"},
};

std::string_view text_of(Note note) {
  const auto found = std::ranges::find(kTexts, note, &NoteText::note);
  return found == std::end(kTexts) ? "?" : found->text;
}

}  // namespace

void Trace::add(const Record& record) {
  const auto mix = [this](std::uint64_t word) {
    digest_ = std::rotl((digest_ ^ word) * 0x9e3779b97f4a7c15ULL, 29);
  };
  mix(static_cast<std::uint64_t>(record.at.time_since_epoch().count()));
  mix(static_cast<std::uint64_t>(record.note));
  mix(record.a);
  mix(record.b);
  mix(record.c);
  ring_[count_ % kKept] = record;
  ++count_;
  if (listener_) listener_(record);
}

std::string Trace::tail(std::size_t lines) const {
  const std::uint64_t shown = std::min<std::uint64_t>({lines, kKept, count_});
  std::string out;
  for (std::uint64_t i = count_ - shown; i < count_; ++i) {
    out += format_record(ring_[i % kKept]);
    out += '\n';
  }
  return out;
}

void Trace::set_listener(std::function<void(const Record&)> listener) {
  listener_ = std::move(listener);
}

std::string format_record(const Trace::Record& record) {
  const TaskId task = TaskId::from_packed(record.a);
  const auto signed_a = std::bit_cast<std::int64_t>(record.a);
  const auto as_message = static_cast<Message>(record.b % kMessageCount);
  const auto as_fault = static_cast<Fault>(record.a % kFaultCount);
  const Duration since = record.at - kWorldBegin;
  const std::string what = fmt::format(
      fmt::runtime(text_of(record.note)), fmt::arg("a", signed_a), fmt::arg("b", record.b),
      fmt::arg("c", record.c), fmt::arg("task", fmt::format("{}.{}", task.run.value, task.index)),
      fmt::arg("run_state", name(static_cast<core::RunState>(record.b))),
      fmt::arg("task_state", name(static_cast<core::TaskState>(record.b))),
      fmt::arg("reason", name(static_cast<ReasonCode>(record.c))),
      fmt::arg("message", name(as_message)), fmt::arg("fault", name(as_fault)));
  return fmt::format("{:+14.6f}s  {}", static_cast<double>(since.count()) / 1e6, what);
}

}  // namespace reeve::sim
