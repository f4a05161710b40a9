#include "supervisor/verdict.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace reeve::supervisor {
namespace {

constexpr int kCommandNotFound = 127;
constexpr int kCommandNotExecutable = 126;
constexpr std::string_view kMakeDirectory = "; make it before, or name another with `workdir`";

bool is_shortage(int error) {
  switch (error) {
    case EAGAIN:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
    case ETXTBSY:  // somebody is still writing it
    case EIO: return true;
    default: return false;
  }
}

/// Of a path that the task names.
bool is_in_vain(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
    case EACCES:
    case EPERM:
    case ELOOP:
    case ENAMETOOLONG: return true;
    default: return false;
  }
}

Outcome path_not_usable() {
  return {OutcomeClass::rejected, 0, {ReasonCode::path_not_usable, 0, 0}};
}

std::string_view step_in_words(SpawnStep step) {
  switch (step) {
    case SpawnStep::none: break;
    case SpawnStep::follow_parent: return "the supervisor ended";
    case SpawnStep::session: return "cannot make a session";
    case SpawnStep::streams: return "cannot connect the standard streams";
    case SpawnStep::directory: return "cannot change to ";
    case SpawnStep::limits: return "cannot set its limits";
    case SpawnStep::program: return "cannot execute ";
  }
  return "cannot start";
}

int errno_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument: return EINVAL;
    case ErrorCode::unsupported: return EOPNOTSUPP;
    case ErrorCode::exhausted: return EAGAIN;
    default: return EIO;
  }
}

}  // namespace

Outcome outcome_of_status(int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    const int signal = WTERMSIG(wait_status);
    return {OutcomeClass::signalled, signal, {ReasonCode::killed_by_signal, 0, signal}};
  }
  const int code = WEXITSTATUS(wait_status);
  const ReasonCode reason = code == 0 ? ReasonCode::completed : ReasonCode::exit_status;
  return {OutcomeClass::exited, code, {reason, 0, code}};
}

Outcome could_not_start(int error) {
  return {OutcomeClass::start_failed, 0, {ReasonCode::could_not_start, 0, error}};
}

Outcome ran_out_of_memory(std::int64_t limit_bytes) {
  return {OutcomeClass::out_of_memory, 0, {ReasonCode::memory_limit, 0, limit_bytes}};
}

Outcome outcome_of_failed_spawn(SpawnStep step, int error) {
  if (step == SpawnStep::directory && is_in_vain(error)) return path_not_usable();
  if (step != SpawnStep::program || is_shortage(error)) return could_not_start(error);
  if (error == ENOENT || error == ENOTDIR)
    return {OutcomeClass::exited, kCommandNotFound, {ReasonCode::command_not_found, 0, error}};
  return {
      OutcomeClass::exited, kCommandNotExecutable, {ReasonCode::command_not_executable, 0, error}};
}

Outcome outcome_of_refusal(ErrorCode code) {
  if (code == ErrorCode::not_found || code == ErrorCode::permission_denied)
    return path_not_usable();
  Outcome outcome = could_not_start(errno_of(code));
  if (code == ErrorCode::unsupported || code == ErrorCode::invalid_argument)
    outcome.kind = OutcomeClass::rejected;
  return outcome;
}

Error of_machine(Error error) {
  if (error.code == ErrorCode::not_found || error.code == ErrorCode::permission_denied)
    error.code = ErrorCode::unavailable;
  return error;
}

std::string describe_failed_spawn(const SpawnPlan& plan, SpawnStep step, int error) {
  std::string text(step_in_words(step));
  if (step == SpawnStep::directory)
    return text.append(plan.work_directory)
        .append(": ")
        .append(std::strerror(error))
        .append(is_in_vain(error) ? kMakeDirectory : "");
  if (step == SpawnStep::program) {
    const std::string& program = plan.arguments.front();
    text.append(program);
    const auto exists = [&plan](const std::string& file) {
      const std::string path = file.starts_with('/') ? file : plan.work_directory + "/" + file;
      return ::access(path.c_str(), F_OK) == 0;
    };
    if (error == ENOENT && std::ranges::any_of(plan.candidates, exists))
      return text.append(": its interpreter was not found");
    if (error == ENOENT && program.find('/') == std::string::npos)
      return text.append(": not found in PATH");
  }
  return text.append(": ").append(std::strerror(error));
}

}  // namespace reeve::supervisor
