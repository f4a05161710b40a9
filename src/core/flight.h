// Internal to core/: single flight. Of tasks that would execute the same at the same time, in
// whatever runs, the first does; the others wait beside the queue and take over its outputs and
// artifacts when it succeeds. When its attempt ends in any other way they go back into the queue,
// and the next executes itself. What is the same is told by the digest of all that an executor is
// told, rendered, without the names of run, task and attempt. Pure; one thread.
#pragma once

#include "core/step.h"

namespace reeve::core {

/// Waits for an identical one that is being executed. REQUIRES that it is queued; then it is to
/// leave the queue of the planner.
bool join_flight(Step& step, Run& run, std::uint32_t index);
/// Goes on waiting for it after a hold, a restart or a new policy.
bool rejoin_flight(Step& step, const Run& run, std::uint32_t index);
/// It is executed: others may wait for it.
void take_off(State& state, const Run& run, std::uint32_t index);
/// It goes over into `to` (of an attempt that lives or is checked, to anything else).
void land(Step& step, const Run& run, std::uint32_t index);
/// What follows for those that waited.
void settle_flight(Step& step, const Flight& landed);

}  // namespace reeve::core
