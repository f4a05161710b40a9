#include "core/event.h"

#include <array>
#include <utility>

namespace reeve::core {

std::string_view name(const Event& event) {
  static constexpr std::array<std::string_view, std::variant_size_v<Event>> kNames{
      "submit_run",
      "attempt_started",
      "attempt_progressed",
      "attempt_ended",
      "attempt_seen",
      "executor_changed",
      "artifacts_collected",
      "launch_rejected",
      "cancel",
      "pause",
      "approve",
      "retry",
      "engine_started",
      "capacity_set",
      "run_reloaded",
      "tick",
      "enter",
      "retry_held",
      "attempt_held",
      "policy_set",
      "load_observed",
      "drain_node",
      "submit_after"};
  static_assert(!kNames.back().empty(), "each event has a name");
  return kNames[event.index()];
}

const SubmitRun* submission_of(const Event& event) {
  if (const auto* follows = std::get_if<SubmitAfter>(&event)) return &follows->submission;
  return std::get_if<SubmitRun>(&event);
}

Event submission_event(SubmitRun submission, std::vector<RunAfter> after) {
  if (after.empty()) return submission;
  return SubmitAfter{std::move(submission), std::move(after)};
}

}  // namespace reeve::core
