// Port: durable storage. commit() is one transaction: the step's input events (append-only,
// hash-chained) and the rows of what changed. It returns only when that is durable, or fails; after
// a failure the engine stops and never commits again on this object. Called by the engine thread
// alone. One conformance suite holds for every store (tests/conformance/store_suite.h).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "core/records.h"

namespace reeve::engine {

struct TaskRow {
  TaskId id;
  const core::Task* task = nullptr;
  const core::TaskExtra* extra = nullptr;  ///< null: nothing special
};

/// One journal record. `chain` = BLAKE2b(previous chain, step, now, effects, events).
struct JournalRecord {
  std::uint64_t step = 0;  ///< 1, 2, 3, ... without gaps
  Time now = kUnset;
  std::string events;  ///< encoded std::vector<core::Event>
  Digest effects;      ///< of the effects that the step decided: what a replay must repeat
  Digest chain;
};

/// Borrowed data: valid during the call.
struct Commit {
  const JournalRecord* journal = nullptr;
  std::span<const std::shared_ptr<const spec::Workflow>> workflows;  ///< seen for the first time
  std::span<const core::RunRecord* const> runs;
  std::span<const TaskRow> tasks;
  std::span<const core::AttemptRecord> attempts;  ///< ended
  std::span<const core::Expansion> expansions;
  std::span<const core::EstimateRecord* const> estimates;  ///< each replaces the row of its id
  std::span<const schedule::UsageRecord> usage;  ///< each replaces that of its queue and user
  std::span<const core::DrainRecord> drains;     ///< each replaces that of its node
  Token last_token;                              ///< highest token given out so far
};

/// How a run ended.
struct RunEnd {
  Uuid uuid;
  core::RunState state = core::RunState::queued;  ///< not final: it has not
};

using core::Snapshot;
using core::StoredRun;
using core::StoredTask;

class Store {
 public:
  virtual ~Store() = default;
  virtual Status commit(const Commit& commit) = 0;
  virtual Result<Snapshot> load() = 0;
  /// Any run, final or not.
  virtual Result<StoredRun> load_run(RunId run) = 0;
  /// Of any run, without the rest of it; not_found.
  virtual Result<RunEnd> find_end(RunId run) = 0;
  /// Of each key, in order, the run that was submitted with it; RunId{}: none was.
  virtual Result<std::vector<RunId>> find_idempotency_keys(
      std::span<const std::string_view> keys) = 0;
  /// Calls `visit` for each record from `from_step` on until it returns false. Checks the chain.
  virtual Status read_journal(std::uint64_t from_step,
                              const std::function<bool(const JournalRecord&)>& visit) = 0;
  virtual Result<std::shared_ptr<const spec::Workflow>> load_workflow(const Digest& digest) = 0;
};

/// The chain value of a record over its predecessor's.
Digest chain_digest(const Digest& previous, const JournalRecord& record);

}  // namespace reeve::engine
