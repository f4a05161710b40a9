// What leaves the core: orders to the outside, dispatched only after the commit of the step that
// decided them. Every order about an attempt carries its fencing token, so repeating one is
// harmless. Values.
#pragma once

#include <variant>

#include "base/codec.h"
#include "base/ids.h"
#include "base/launch.h"
#include "base/reason.h"
#include "base/time.h"
#include "core/task_state.h"

namespace reeve::core {

/// Start the task's attempt; the engine renders the Launch (core/launch.h) when it dispatches.
struct StartAttempt {
  TaskId task;
  std::uint32_t attempt = 0;
  Token token;
  PoolId pool;
  Token batch;  ///< first token of its batch; {}: it is alone
  static constexpr auto fields() {
    return std::tuple{field("task", &StartAttempt::task), field("attempt", &StartAttempt::attempt),
                      field("token", &StartAttempt::token), field("pool", &StartAttempt::pool),
                      field("batch", &StartAttempt::batch)};
  }
};
struct StopAttempt {
  Token token;
  PoolId pool;
  bool kill = false;
  Duration grace{0};
  static constexpr auto fields() {
    return std::tuple{field("token", &StopAttempt::token), field("pool", &StopAttempt::pool),
                      field("kill", &StopAttempt::kill), field("grace", &StopAttempt::grace)};
  }
};
struct ProbeAttempt {
  Token token;
  PoolId pool;
  static constexpr auto fields() {
    return std::tuple{field("token", &ProbeAttempt::token), field("pool", &ProbeAttempt::pool)};
  }
};
/// The end of the attempt is durable.
struct ForgetAttempt {
  Token token;
  PoolId pool;
  static constexpr auto fields() {
    return std::tuple{field("token", &ForgetAttempt::token), field("pool", &ForgetAttempt::pool)};
  }
};
/// Collect the declared files of a `validating` task; answered by ArtifactsCollected.
struct CollectArtifacts {
  TaskId task;
  Token token;
  static constexpr auto fields() {
    return std::tuple{field("task", &CollectArtifacts::task),
                      field("token", &CollectArtifacts::token)};
  }
};
struct SetCapacity {
  PoolId pool;
  static constexpr auto fields() { return std::tuple{field("pool", &SetCapacity::pool)}; }
};

/// Let somebody into the attempt's sandbox.
struct EnterAttempt {
  PoolId pool;
  EnterOrder order;
  static constexpr auto fields() {
    return std::tuple{field("pool", &EnterAttempt::pool), field("order", &EnterAttempt::order)};
  }
};

using Effect = std::variant<StartAttempt, StopAttempt, ProbeAttempt, ForgetAttempt,
                            CollectArtifacts, SetCapacity, EnterAttempt>;

/// For observers (live views, notifications): `count` tasks from `task` on changed their state.
struct TaskChange {
  TaskId task;
  std::uint32_t count = 1;
  TaskState from = TaskState::blocked;
  TaskState to = TaskState::blocked;
  std::uint32_t attempt = 0;
  Reason reason;
};
struct RunChange {
  RunId run;
  RunState from = RunState::queued;
  RunState to = RunState::queued;
};

}  // namespace reeve::core
