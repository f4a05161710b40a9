// The part of Attempts for those who enter sandboxes, and for sandboxes that are kept open for
// them.

#include <sys/stat.h>

#include <algorithm>
#include <csignal>

#include "supervisor/attempts.h"
#include "supervisor/command.h"
#include "supervisor/verdict.h"

namespace reeve::supervisor {
namespace {

constexpr std::string_view kTerminalVariable = "TERM=";

/// What can be opened again by its name in /proc, as `> /dev/stderr` does, has to be the sandbox's.
bool is_pipe_or_terminal(int stream) {
  struct stat about {};
  return ::fstat(stream, &about) == 0 && (S_ISFIFO(about.st_mode) || S_ISCHR(about.st_mode));
}

}  // namespace

Status Attempts::enter(Token token, const VisitRequest& request) {
  const auto at = by_token_.find(token);
  if (at == by_token_.end())
    return fail(ErrorCode::conflict,
                "the attempt does not run: it has ended meanwhile, or waits "
                "for its turn");
  Attempt& attempt = *attempts_.at(at->second);
  if (!attempt.is_enclosed())
    return fail(ErrorCode::conflict, "the attempt runs without a sandbox: there is none to enter");
  // Its process 1 is outside of the container, with the rights of the runtime.
  if (attempt.is_contained())
    return fail(ErrorCode::conflict,
                "the attempt runs in a container of an OCI runtime, which cannot be entered");
  if (attempt.phase != Phase::running && attempt.phase != Phase::held)
    return fail(ErrorCode::conflict, attempt.phase == Phase::preparing
                                         ? "the attempt has not begun yet"
                                         : "the attempt is ending");
  const SpawnPlan& plan = attempt.plan;
  const std::string terminal = std::string(kTerminalVariable) + request.terminal;
  sandbox::ProgramRequest program{
      .arguments = request.command,
      .candidates = program_candidates(request.command.front(), plan.environment->find("PATH")),
      .environment = {},
      .files = {},
      .work_directory =
          attempt.start_directory.empty() ? plan.work_directory : attempt.start_directory,
      .open_files_soft = plan.open_files.rlim_cur,
      .open_files_hard = plan.open_files.rlim_max};
  for (char* const* entry = plan.environment->pointers(); *entry != nullptr; ++entry) {
    const std::string_view variable = *entry;
    if (request.terminal.empty() || !variable.starts_with(kTerminalVariable))
      program.environment.push_back(variable);
  }
  if (!request.terminal.empty()) program.environment.emplace_back(terminal);
  for (const int stream : request.streams) {
    const int error = is_pipe_or_terminal(stream) ? sandboxes_.give_pipe(stream) : EINVAL;
    if (error != 0) return fail_errno(error, "cannot hand over the standard streams");
  }
  return attempt.door.enter(request.number, program,
                            {request.streams[0], request.streams[1], request.streams[2]},
                            request.has_terminal ? sandbox::Door::Terminal::standard_input
                                                 : sandbox::Door::Terminal::none);
}

void Attempts::signal_visit(Token token, std::uint32_t number, int signal) {
  const auto at = by_token_.find(token);
  if (at == by_token_.end()) return;
  // An attempt that is just ending takes its visitors with it.
  static_cast<void>(attempts_.at(at->second)->door.signal(number, signal));
}

bool Attempts::wants_hold(const Attempt& attempt) const {
  return attempt.launch.hold > Duration{0} && !attempt.was_killed && attempt.wait_status != 0;
}

void Attempts::hold(Attempt& attempt, Instant now) {
  attempt.phase = Phase::held;
  attempt.linger_until = deadline_after(now, attempt.launch.hold);
  attempt.program_ended_at = clock_.at(now);
  attempt.held_until = attempt.program_ended_at + attempt.launch.hold;
  arm(attempt);
  events_.on_hold(*hold_of(attempt.launch.token));
}

std::optional<AttemptHold> Attempts::hold_of(Token token) const {
  const auto at = by_token_.find(token);
  if (at == by_token_.end()) return std::nullopt;
  const Attempt& attempt = *attempts_.at(at->second);
  if (attempt.phase != Phase::held) return std::nullopt;
  std::string message;
  return AttemptHold{token, final_outcome(attempt, message), attempt.held_until};
}

}  // namespace reeve::supervisor
