// Records for tests of stores: random ones, their text (so that a failed comparison shows which
// field differs), and a driver that commits them with a proper journal. One thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/records.h"
#include "engine/ports/store.h"

namespace reeve::tests {

/// A small valid workflow with this name, parsed.
std::shared_ptr<const spec::Workflow> workflow_named(const std::string& name);  // shared: by runs

core::RunRecord run_record(std::uint32_t id, core::RunState state = core::RunState::queued);
core::StoredTask task_row(TaskId id, core::TaskState state);
core::AttemptRecord attempt_record(TaskId task, std::uint32_t number, Time ended_at);

/// Draw values from RapidCheck: only inside a property.
core::RunRecord random_run(std::uint32_t id);
core::StoredTask random_task(TaskId id);
core::AttemptRecord random_attempt(TaskId task, std::uint32_t number);
core::Expansion random_expansion(RunId run);
/// Of an id from 1 to 5, with any finite numbers.
core::EstimateRecord random_estimate();
schedule::UsageRecord random_usage();
core::DrainRecord random_drain();

std::string text_of(const core::RunRecord& run);
std::string text_of(const core::StoredTask& task);
std::string text_of(const core::AttemptRecord& attempt);
std::string text_of(const core::Expansion& expansion);
std::string text_of(const core::EstimateRecord& estimate);
template <class T>
std::string text_of(const std::vector<T>& values) {
  std::string out;
  for (const T& value : values) out += text_of(value) + "\n";
  return out;
}
template <>
std::string text_of(const std::vector<core::StoredRun>& runs);

/// What one commit writes, owned.
struct Batch {
  std::vector<core::RunRecord> runs;
  std::vector<core::StoredTask> tasks;
  std::vector<core::AttemptRecord> attempts;
  std::vector<core::Expansion> expansions;
  std::vector<core::EstimateRecord> estimates;
  std::vector<schedule::UsageRecord> usage;
  std::vector<core::DrainRecord> drains;
  Token last_token;
};

/// Continues the journal of a store, as the engine does.
class Committer {
 public:
  Committer() = default;
  explicit Committer(const core::Snapshot& from) : step_(from.last_step), chain_(from.last_chain) {}
  /// `events` is the body of the journal record.
  Status commit(engine::Store& store, const Batch& batch, std::string events = "events");
  std::uint64_t step() const { return step_; }
  const Digest& chain() const { return chain_; }

 private:
  std::uint64_t step_ = 0;
  Digest chain_;
};

/// What a correct store holds after some batches.
class Model {
 public:
  void apply(const Batch& batch);
  core::StoredRun run(std::uint32_t id) const;
  std::vector<core::StoredRun> open_runs() const;
  std::vector<core::AttemptRecord> attempts_of(TaskId task) const;
  std::vector<core::EstimateRecord> estimates() const;  ///< by id
  std::vector<core::DrainRecord> drains() const;        ///< by node
  std::vector<schedule::UsageRecord> usage() const;     ///< by queue and user
  std::uint32_t last_run() const { return runs_.empty() ? 0 : runs_.rbegin()->first; }

 private:
  struct Run {
    core::RunRecord record;
    std::vector<core::Expansion> expansions;
    std::map<std::uint32_t, core::StoredTask> tasks;
    std::vector<core::AttemptRecord> attempts;
  };
  std::map<std::uint32_t, Run> runs_;
  std::map<std::string, core::DrainRecord> drains_;
  std::map<std::string, schedule::UsageRecord> usage_;
  std::map<std::uint32_t, core::EstimateRecord> estimates_;
};

}  // namespace reeve::tests
