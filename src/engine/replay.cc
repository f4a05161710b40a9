#include "engine/replay.h"

#include <map>

#include "core/recover.h"

namespace reeve::engine {

Digest effects_digest(const std::vector<core::Effect>& effects) {
  std::string bytes;
  Writer writer(bytes);
  encode(writer, effects);
  return digest_of(bytes);
}

Result<std::vector<core::Event>> decode_events(std::string_view bytes) {
  Reader reader(bytes);
  std::vector<core::Event> events;
  if (!decode(reader, events) || !reader.at_end())
    return fail(ErrorCode::corrupt,
                "a journal record does not hold events of this version of Reeve");
  return events;
}

namespace {

constexpr std::uint32_t kRecordsPerRead = 4096;

class Player {
 public:
  Player(Store& store, const ReplayOptions& options)
      : store_(store),
        options_(options),
        core_(fresh_core()) {}

  /// First pass: which finished runs came back for a retry, so that the second keeps their rows.
  Status find_reloaded() {
    Status failure;
    TRY(store_.read_journal(1, [&](const JournalRecord& record) {
      Result<std::vector<core::Event>> events = decode_events(record.events);
      if (!events) {
        failure = wrap(std::move(events).error(), "step " + std::to_string(record.step));
        return false;
      }
      for (const core::Event& event : *events) {
        if (const auto* reloaded = std::get_if<core::RunReloaded>(&event))
          kept_.try_emplace(reloaded->run);
      }
      return true;
    }));
    return failure;
  }

  Result<ReplayReport> play() {
    while (!is_over_) {
      Status failure;
      std::uint32_t count = 0;
      // In pieces: a database that is being written keeps its log while somebody reads.
      TRY(store_.read_journal(next_, [&](const JournalRecord& record) {
        is_over_ = record.step > options_.until_step;
        if (is_over_) return false;
        failure = step(record);
        next_ = record.step + 1;
        is_over_ = is_over_ || report_.diverged_at.has_value();
        return failure.has_value() && !is_over_ && ++count < kRecordsPerRead;
      }));
      TRY(failure);
      const bool is_end = count < kRecordsPerRead;
      if (is_end && !(options_.goes_on && options_.goes_on())) break;
    }
    return report_;
  }

 private:
  std::unique_ptr<core::Core> fresh_core() const {
    return std::make_unique<core::Core>(options_.pools);
  }

  Status step(const JournalRecord& record) {
    TRY_ASSIGN(std::vector<core::Event> events, decode_events(record.events));
    if (options_.on_step) options_.on_step(record, events);
    for (core::Event& event : events) TRY(apply(event, record.now));
    core_->plan(record.now);
    ++report_.steps;
    report_.events += events.size();
    report_.effects += core_->changes().effects.size();
    if (effects_digest(core_->changes().effects) != record.effects)
      report_.diverged_at = record.step;
    if (options_.after_step) options_.after_step(record, core_->state());
    if (options_.on_changes && !options_.on_changes(record, core_->state(), core_->changes()))
      is_over_ = true;
    for (const RunId id : core_->changes().runs) {
      const auto kept = kept_.find(id);
      if (kept != kept_.end()) kept->second = core::stored_run(*core_->state().find_run(id));
    }
    core_->clear_changes();
    last_now_ = record.now;
    return {};
  }

  Status apply(core::Event& event, Time now) {
    if (auto* submit = std::get_if<core::SubmitRun>(&event)) {
      TRY_ASSIGN(submit->workflow, store_.load_workflow(submit->workflow_digest));
    } else if (auto* follower = std::get_if<core::SubmitAfter>(&event)) {
      core::SubmitRun& submission = follower->submission;
      TRY_ASSIGN(submission.workflow, store_.load_workflow(submission.workflow_digest));
    } else if (const auto* reloaded = std::get_if<core::RunReloaded>(&event)) {
      const auto run = kept_.find(reloaded->run);
      if (run == kept_.end())
        return fail(ErrorCode::conflict,
                    "a run came back while the journal was read: read it anew");
      TRY(core_->reload(core::copy_of(run->second)));
    } else if (std::holds_alternative<core::EngineStarted>(event)) {
      TRY(restart());
    }
    // Only events that were obeyed are in the journal: a refusal now is a divergence, and shows in
    // the effects.
    (void)core_->apply(event, now);
    return {};
  }

  /// The engine began anew from its rows: so does the replay, with the capacities it had.
  Status restart() {
    core::Snapshot snapshot = core::snapshot_of(core_->state());
    snapshot.last_now = last_now_;
    std::vector<core::PoolSetup> pools;
    for (const core::Pool& pool : core_->state().pools)
      pools.push_back({pool.name, core_->state().planner.nodes.setup(pool.node).capacity});
    core::Changes changes = std::move(core_->changes());
    core_ = std::make_unique<core::Core>(pools);
    core_->changes() = std::move(changes);
    return core_->load(std::move(snapshot));
  }

  Store& store_;
  const ReplayOptions& options_;
  std::unique_ptr<core::Core> core_;
  std::map<RunId, core::StoredRun> kept_;
  ReplayReport report_;
  Time last_now_ = kUnset;  ///< of the step before
  std::uint64_t next_ = 1;  ///< step that is read next
  bool is_over_ = false;
};

}  // namespace

Result<ReplayReport> replay(Store& store, const ReplayOptions& options) {
  Player player(store, options);
  TRY(player.find_reloaded());
  return player.play();
}

}  // namespace reeve::engine
