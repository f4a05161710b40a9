// The part of Attempts for those whose program is started ahead: it waits in the sandbox, has its
// pipes, and is told of its attempt in place of being started.

#include <sys/wait.h>

#include <cerrno>

#include "supervisor/attempts.h"
#include "supervisor/verdict.h"

namespace reeve::supervisor {
namespace {

/// Who waits for an interpreter, waits so long for its imports.
constexpr Duration kWarmUpMax = std::chrono::seconds(30);
constexpr std::string_view kScript = "script";

/// What will be so tomorrow too is not worth another try.
Outcome outcome_of_warm(const sandbox::Reply& failed) {
  using sandbox::WarmStep;
  const auto step = static_cast<WarmStep>(failed.step);
  if (step == WarmStep::start &&
      static_cast<sandbox::ProgramStep>(failed.status) == sandbox::ProgramStep::execute)
    return outcome_of_failed_spawn(SpawnStep::program, failed.error);
  Outcome outcome = could_not_start(failed.error);
  const bool has_exited = step == WarmStep::ended && WIFEXITED(failed.status);
  if (has_exited || step == WarmStep::answer || step == WarmStep::alone)
    outcome.kind = OutcomeClass::rejected;
  return outcome;
}

std::string with_output(std::string text, sandbox::ZygoteProcess& zygote) {
  const std::string output = zygote.take_warm_output();
  return output.empty() ? text : text.append("; it wrote:\n").append(output);
}

}  // namespace

void Attempts::prepare_warm(Attempt& attempt) {
  const SpawnPlan& plan = attempt.plan;
  const std::string script = inside_sandbox(kScript);
  if (attempt.own_files.empty() || attempt.own_files.back().path != kScript)
    attempt.own_files.push_back({std::string(kScript), attempt.launch.script});
  attempt.warm = std::make_unique<WarmProgram>(warm_program(
      attempt.launch, {plan.base.get(), script, plan.work_directory, plan.open_files}));
}

void Attempts::wait_for_warm(Attempt& attempt, Instant now) {
  const Duration asked = attempt.launch.start_timeout;
  const bool is_shorter = asked > Duration{0} && asked < kWarmUpMax;
  attempt.limits.start_by = deadline_after(now, is_shorter ? asked : kWarmUpMax);
  arm(attempt);
}

Result<sandbox::ZygoteProcess::Started> Attempts::hand_over(Attempt& attempt, Sandbox& sandbox) {
  const std::string script = inside_sandbox(kScript);
  WarmAttempt told{.arguments = attempt.launch.arguments,
                   .script_path = script,
                   .work_directory = attempt.plan.work_directory,
                   .environment = attempt.plan.environment->pointers()};
  told.arguments.push_back(script);
  return sandbox.zygote->hand_over(
      {.text = hand_over_text(sandbox.zygote->form(), *attempt.warm, told),
       .files = std::move(attempt.own_files),
       .stays_open = attempt.launch.hold > Duration{0}});
}

void Attempts::on_warm_failed(Attempt& attempt, Sandbox& sandbox, const sandbox::Reply& reply,
                              Instant now) {
  const std::string why = with_output(
      attempt.warm->arguments.front() + ": " + sandbox.zygote->describe(reply), *sandbox.zygote);
  bool is_out_of_memory = false;
  if (sandbox.group)
    if (const auto use = sandbox.group->use()) is_out_of_memory = use->oom_kills > 0;
  if (attempt.phase == Phase::preparing)
    return end_preparing(
        attempt,
        is_out_of_memory ? ran_out_of_memory(sandbox.memory_bytes_max) : outcome_of_warm(reply),
        why, now);
  if (is_out_of_memory) return;  // its end says so
  // It ended at the very moment when it was told.
  attempt.failure = why;
  attempt.plan.failed_error.store(ECHILD, std::memory_order_relaxed);
  attempt.plan.failed_step.store(SpawnStep::streams, std::memory_order_release);
}

void Attempts::on_warm_late(Attempt& attempt, Instant now) {
  Sandbox* const sandbox = sandboxes_.find(attempt.sandbox);
  std::string why = attempt.warm->arguments.front() + ": the warm program was not ready in time";
  if (sandbox != nullptr) {
    why = with_output(std::move(why), *sandbox->zygote);
    sandbox->is_broken = true;
  }
  const Duration limit = attempt.limits.start_by - attempt.started;
  end_preparing(attempt,
                {OutcomeClass::start_failed, 0, {ReasonCode::start_timeout, 0, limit.count()}},
                std::move(why), now);
}

}  // namespace reeve::supervisor
