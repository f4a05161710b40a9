// What the control group of an attempt is held to: what the attempt asked for, and what it may at
// most take where it asked for nothing. Pure; no thread rule.
#pragma once

#include <cstdint>

#include "base/resources.h"
#include "sandbox/cgroup.h"

namespace reeve::supervisor {

/// Threads count; the zygote and two inits are among them.
inline constexpr std::int64_t kProcessesMax = 8192;

/// Bytes that a single attempt may use which asked for no memory: the machine's, but for a
/// sixteenth (at least 64 MiB, at most 2 GiB) in which the engine, the shell and the neighbours go
/// on.
std::int64_t memory_max_unasked(std::int64_t machine_bytes);

/// `machine_bytes`: of physical memory. What a machine cannot hold is left out where the attempt
/// did not ask for it.
sandbox::CgroupLimits limits_of(const Resources& asked, const sandbox::CgroupAbilities& abilities,
                                std::int64_t machine_bytes);

}  // namespace reeve::supervisor
