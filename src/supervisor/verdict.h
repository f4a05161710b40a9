// How an attempt ended, from what the kernel and the supervisor know. Pure.
#pragma once

#include <string>

#include "base/launch.h"
#include "base/outcome.h"
#include "base/result.h"
#include "supervisor/spawn.h"

namespace reeve::supervisor {

/// From the status that wait4(2) gave.
Outcome outcome_of_status(int wait_status);
/// From the step of the child that failed, and its errno.
Outcome outcome_of_failed_spawn(SpawnStep step, int error);
Outcome could_not_start(int error);
/// A control group ended it, or could not hold it at all.
Outcome ran_out_of_memory(std::int64_t limit_bytes);
/// What this machine or the workflow will not do tomorrow either is not worth another try: it is
/// rejected, anything else could not start. not_found and permission_denied: a path that the task
/// names; see of_machine().
Outcome outcome_of_refusal(ErrorCode code);
/// What is the engine's own was not found, or may not be used: nothing that the task names.
Error of_machine(Error error);
/// For people: "cannot change to /work: No such file or directory".
std::string describe_failed_spawn(const SpawnPlan& plan, SpawnStep step, int error);

}  // namespace reeve::supervisor
