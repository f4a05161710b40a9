// What enters the core: facts, each with all that the core may not fetch for itself (random bits,
// parsed workflows). Events are written to the journal, so their formats only grow at the end.
// Client requests are events too; apply() answers them.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/cluster.h"
#include "base/codec.h"
#include "base/launch.h"
#include "base/machine_load.h"
#include "base/sandbox_rules.h"
#include "base/scheduling_policy.h"
#include "core/records.h"
#include "core/request.h"

namespace reeve::core {

struct SubmitRun {
  Uuid uuid;
  Digest workflow_digest;     ///< of `workflow`
  std::string inputs;         ///< JSON object, already checked by spec::resolve_inputs; "" = {}
  std::int32_t priority = 0;  ///< added to the workflow's
  RunTexts texts;
  std::string directory;  ///< with submitter: used when `origin` is null (a replay)
  std::string submitter;
  std::shared_ptr<const spec::Workflow> workflow;  // not journaled: found by digest on replay
  std::shared_ptr<const RunOrigin> origin;         // not journaled: shared form of the two above

  static constexpr auto fields() {
    return std::tuple{field("uuid", &SubmitRun::uuid),
                      field("workflow_digest", &SubmitRun::workflow_digest),
                      field("inputs", &SubmitRun::inputs),
                      field("priority", &SubmitRun::priority),
                      field("texts", &SubmitRun::texts),
                      field("directory", &SubmitRun::directory),
                      field("submitter", &SubmitRun::submitter)};
  }
};

struct AttemptStarted {
  Token token;
  Time at;
  static constexpr auto fields() {
    return std::tuple{field("token", &AttemptStarted::token), field("at", &AttemptStarted::at)};
  }
};

struct AttemptProgressed {
  Progress progress;
  static constexpr auto fields() {
    return std::tuple{field("progress", &AttemptProgressed::progress)};
  }
};

struct AttemptEnded {
  AttemptEnd end;
  std::uint64_t random = 0;  ///< for the jitter of a retry
  static constexpr auto fields() {
    return std::tuple{field("end", &AttemptEnded::end), field("random", &AttemptEnded::random)};
  }
};

/// Answer to a probe: waiting, running or unknown (an end comes as AttemptEnded).
struct AttemptSeen {
  Token token;
  Liveness liveness = Liveness::unknown;
  std::uint64_t random = 0;
  static constexpr auto fields() {
    return std::tuple{field("token", &AttemptSeen::token),
                      field("liveness", &AttemptSeen::liveness),
                      field("random", &AttemptSeen::random)};
  }
};

struct ExecutorChanged {
  PoolId pool;
  bool up = false;
  std::string why;
  static constexpr auto fields() {
    return std::tuple{field("pool", &ExecutorChanged::pool), field("up", &ExecutorChanged::up),
                      field("why", &ExecutorChanged::why)};
  }
};

/// What collecting the files of a `validating` task gave.
struct ArtifactsCollected {
  Token token;
  bool ok = false;
  std::vector<OutputValue> artifacts;  ///< name → stored path
  std::string message;                 ///< what is missing
  std::uint64_t random = 0;
  static constexpr auto fields() {
    return std::tuple{field("token", &ArtifactsCollected::token),
                      field("ok", &ArtifactsCollected::ok),
                      field("artifacts", &ArtifactsCollected::artifacts),
                      field("message", &ArtifactsCollected::message),
                      field("random", &ArtifactsCollected::random)};
  }
};

/// The attempt could not be described to an executor: an expression failed. Never started.
struct LaunchRejected {
  Token token;
  std::string message;
  static constexpr auto fields() {
    return std::tuple{field("token", &LaunchRejected::token),
                      field("message", &LaunchRejected::message)};
  }
};

/// First after the rows were loaded. Runs not listed are held as `interrupted` unless `all`.
struct EngineStarted {
  bool all = true;
  std::vector<RunId> resumed;
  std::string engine;  ///< version and process, for the journal's reader
  SandboxRules sandbox;
  static constexpr auto fields() {
    return std::tuple{field("all", &EngineStarted::all), field("resumed", &EngineStarted::resumed),
                      field("engine", &EngineStarted::engine),
                      field("sandbox", &EngineStarted::sandbox)};
  }
};

struct CapacitySet {
  PoolId pool;
  Resources capacity;
  static constexpr auto fields() {
    return std::tuple{field("pool", &CapacitySet::pool), field("capacity", &CapacitySet::capacity)};
  }
};

/// A finished run comes back into memory (for `retry`): its stored record and tasks.
struct RunReloaded {
  RunId run;
  static constexpr auto fields() { return std::tuple{field("run", &RunReloaded::run)}; }
};

/// The program of an attempt failed, and its sandbox is kept open.
struct AttemptHeld {
  AttemptHold hold;
  static constexpr auto fields() { return std::tuple{field("hold", &AttemptHeld::hold)}; }
};

/// How waiting work is ordered, shared and limited from now on, and what the pools' nodes are like
/// beside their capacity. What waits is put in order anew.
struct PolicySet {
  SchedulingPolicy policy;
  std::vector<NodeSetup> nodes;  ///< by the name of the pool; their capacities do not count
  static constexpr auto fields() {
    return std::tuple{field("policy", &PolicySet::policy), field("nodes", &PolicySet::nodes)};
  }
};

/// How saturated the machine of a pool is now. Said when it has changed.
struct LoadObserved {
  PoolId pool;
  MachineLoad load;
  static constexpr auto fields() {
    return std::tuple{field("pool", &LoadObserved::pool), field("load", &LoadObserved::load)};
  }
};

/// Time has passed.
struct Tick {
  std::uint8_t unused = 0;
  static constexpr auto fields() { return std::tuple{field("unused", &Tick::unused)}; }
};

/// A submission that follows other runs. How those ended that are no longer in memory comes with it
/// (the engine looks it up in the same step); of the others the core knows it.
struct SubmitAfter {
  SubmitRun submission;
  std::vector<RunAfter> after;
  static constexpr auto fields() {
    return std::tuple{field("submission", &SubmitAfter::submission),
                      field("after", &SubmitAfter::after)};
  }
};

/// Journal format: the order is the format.
using Event = std::variant<SubmitRun, AttemptStarted, AttemptProgressed, AttemptEnded, AttemptSeen,
                           ExecutorChanged, ArtifactsCollected, LaunchRejected, Cancel, Pause,
                           Approve, Retry, EngineStarted, CapacitySet, RunReloaded, Tick, Enter,
                           RetryHeld, AttemptHeld, PolicySet, LoadObserved, DrainNode, SubmitAfter>;

std::string_view name(const Event& event);
/// What is submitted, whether it follows other runs or not; null: the event is no submission.
const SubmitRun* submission_of(const Event& event);
/// The event of a submission that follows those.
Event submission_event(SubmitRun submission, std::vector<RunAfter> after);

}  // namespace reeve::core
