#include "cli/queue_forecast.h"

#include <algorithm>
#include <limits>
#include <map>

#include "base/generator.h"
#include "cli/run_times.h"
#include "cli/service_history.h"
#include "cli/service_link.h"
#include "cli/virtual_engine.h"
#include "core/explain.h"
#include "core/launch.h"
#include "core/recover.h"

namespace reeve::cli {
namespace {

constexpr std::uint32_t kLiveRunsMax = 100'000;
constexpr Duration kUnknown = std::chrono::hours{1};  // where only the order counts

using Skeleton = std::shared_ptr<const spec::Workflow>;  // shared: as runs want it
using GroupKey = std::pair<RunId, GroupIndex>;
using Lengths = std::map<GroupKey, std::vector<Duration>>;

/// All runs that are not final, as an engine would find them.
Result<core::Snapshot> open_runs(Archive& archive) {
  core::Snapshot snapshot;
  TRY_ASSIGN(auto views, archive.history->list_runs(
                             {.states = {core::RunState::queued, core::RunState::running},
                              .limit = kLiveRunsMax}));
  std::ranges::sort(views, {}, [](const engine::RunView& view) { return view.record.id; });
  for (engine::RunView& view : views) {
    core::StoredRun run;
    run.record = std::move(view.record);
    TRY_ASSIGN(run.expansions, archive.history->list_expansions(run.record.id));
    engine::TaskFilter all;
    all.limit = std::numeric_limits<std::uint32_t>::max();
    TRY_ASSIGN(run.tasks, archive.history->list_tasks(run.record.id, all));
    for (const core::StoredTask& task : run.tasks)
      snapshot.last_token = std::max(snapshot.last_token, task.task.token);
    snapshot.last_run = run.record.id;
    snapshot.runs.push_back(std::move(run));
  }
  return snapshot;
}

/// With skeletons in the place of workflows: what depends on results cannot be known.
Result<core::Snapshot> skeletons_of(const core::Snapshot& snapshot) {
  core::Snapshot out;
  out.last_token = snapshot.last_token;
  out.last_run = snapshot.last_run;
  std::map<const spec::Workflow*, Skeleton> shared;
  for (const core::StoredRun& stored : snapshot.runs) {
    core::StoredRun run = core::copy_of(stored);
    std::vector<GroupIndex> expanded;
    for (const core::Expansion& expansion : run.expansions) expanded.push_back(expansion.group);
    const spec::Workflow* const workflow = run.record.workflow.get();
    Skeleton skeleton;
    if (const auto at = shared.find(workflow); expanded.empty() && at != shared.end())
      skeleton = at->second;
    if (!skeleton) {
      TRY_ASSIGN(skeleton, skeleton_of(*workflow, expanded));
    }
    if (expanded.empty()) shared.emplace(workflow, skeleton);
    run.record.workflow = std::move(skeleton);
    out.runs.push_back(std::move(run));
  }
  return out;
}

core::Snapshot copy_of(const core::Snapshot& snapshot) {
  core::Snapshot copy;
  copy.last_token = snapshot.last_token;
  copy.last_run = snapshot.last_run;
  for (const core::StoredRun& run : snapshot.runs) copy.runs.push_back(core::copy_of(run));
  return copy;
}

/// By group of each run; where nothing is known of one, what is known of all.
Result<Lengths> lengths_of(Archive& archive, const core::Snapshot& snapshot) {
  Lengths lengths;
  std::map<Digest, RunTimes> by_digest;
  std::vector<Duration> any;
  for (const core::StoredRun& run : snapshot.runs) {
    const spec::Workflow& workflow = *run.record.workflow;
    auto at = by_digest.find(workflow.digest);
    if (at == by_digest.end()) {
      TRY_ASSIGN(RunTimes times, past_run_times(*archive.history, workflow));
      for (const auto& group : times.by_group) any.insert(any.end(), group.begin(), group.end());
      at = by_digest.emplace(workflow.digest, std::move(times)).first;
    }
    for (std::uint32_t g = 0; g < at->second.by_group.size(); ++g)
      lengths[{run.record.id, GroupIndex{g}}] = at->second.by_group[g];
  }
  for (auto& [key, group] : lengths)
    if (group.empty()) group = any;
  if (any.empty()) lengths.clear();
  return lengths;
}

/// How much longer something takes that has taken so long: as one of those that took longer; if
/// none did, half as long again.
Duration rest_of(const std::vector<Duration>& lengths, Duration elapsed, Generator& draws) {
  std::vector<Duration> longer;
  for (const Duration length : lengths)
    if (length > elapsed) longer.push_back(length - elapsed);
  return longer.empty() ? elapsed / 2 : draws.pick(longer);
}

struct PlayedGroup {
  std::vector<Duration> starts;  ///< of each simulation
  std::vector<Duration> ends;
};
using PlayedGroups = std::map<GroupKey, PlayedGroup>;

class Rounds {
 public:
  Rounds(const core::Snapshot& skeletons, const QueueSetting& setting, Time now,
         const Lengths& lengths, std::uint64_t tasks)
      : skeletons_(skeletons),
        setting_(setting),
        now_(now),
        lengths_(lengths),
        longest_(longest_of(tasks)) {}

  Status play(PlayedGroups& played) {
    std::map<GroupKey, std::pair<Duration, Duration>> seen;
    VirtualEngine engine(setting_.capacity, now_);
    if (setting_.policy) engine.set_policy(*setting_.policy);
    TRY(engine.load(copy_of(skeletons_)));
    const auto length_of = [&](const VirtualEngine::Begun& begun) {
      return std::clamp(length(engine, begun), kShortest, longest_) * kStretch;
    };
    const auto on_task = [&](const VirtualEngine::Begun& begun, Time start, Time end) {
      const Duration from = begun.was_running ? kDurationMax : (start - now_) / kStretch;
      const Duration to = (end - now_) / kStretch;
      const auto [at, is_new] = seen.try_emplace({begun.task.run, begun.group}, from, to);
      if (!is_new) at->second = {std::min(at->second.first, from), std::max(at->second.second, to)};
    };
    TRY(engine.play(length_of, on_task));
    for (const auto& [key, times] : seen) {
      if (times.first == kDurationMax) continue;  // none of it waited
      played[key].starts.push_back(times.first);
      played[key].ends.push_back(times.second);
    }
    return {};
  }

 private:
  Duration length(const VirtualEngine& engine, const VirtualEngine::Begun& begun) {
    const auto at = lengths_.find({begun.task.run, begun.group});
    if (at == lengths_.end() || at->second.empty()) return kUnknown;
    if (!begun.was_running) return draws_.pick(at->second);
    const core::Task& task = *engine.state().find_task(begun.task);
    const Duration elapsed =
        task.started_at == kUnset ? Duration{0} : std::max(now_ - task.started_at, Duration{0});
    return rest_of(at->second, elapsed, draws_);
  }

  const core::Snapshot& skeletons_;
  const QueueSetting& setting_;
  Time now_;
  const Lengths& lengths_;
  Duration longest_;
  Generator draws_{1};
};

bool has_begun(core::TaskState state) {
  return core::is_live(state) || state == core::TaskState::validating;
}

QueuedGroup row_of(const core::State& state, const core::Run& run, GroupIndex index, Time now) {
  QueuedGroup row{.run = run.record.id,
                  .run_uuid = run.record.uuid,
                  .workflow = run.workflow().name,
                  .group_index = index,
                  .group = run.group_spec(index).id,
                  .priority = run.record.priority};
  const core::Group& group = run.groups[index.value];
  std::optional<std::uint32_t> first;
  for (std::uint32_t i = group.first; i < group.first + group.count; ++i) {
    const core::Task& task = run.tasks[i];
    if (core::is_final(task.state)) continue;
    if (has_begun(task.state)) {
      ++row.running;
      continue;
    }
    ++row.waiting;
    if (!first) first = i;
    if (task.state == core::TaskState::queued && task.queued_at != kUnset)
      row.since = row.since == kUnset ? task.queued_at : std::min(row.since, task.queued_at);
  }
  if (!group.expanded) row.waiting = 1;  // at least: how many is known when it starts
  if (first) {
    const core::Explanation why = core::explain_task(state, {run.record.id, *first}, now);
    row.first = {run.record.id, *first};
    row.first_label = core::task_label(run, *first);
    row.reason = why.reason;
    row.sentence = why.sentence;
  }
  return row;
}

/// Real workflows, so that reasons are the real ones.
Result<std::vector<QueuedGroup>> rows_of(core::Snapshot snapshot, const QueueSetting& setting,
                                         Time now, bool is_alive) {
  core::Core core({{.name = "local", .capacity = setting.capacity}});
  TRY(core.load(std::move(snapshot)));
  TRY(core.apply(core::EngineStarted{.all = is_alive, .sandbox = kAllAllowed}, now));
  if (setting.policy) TRY(core.apply(*setting.policy, now));
  TRY(core.apply(core::ExecutorChanged{.pool = {}, .up = true, .why = {}}, now));
  std::vector<QueuedGroup> rows;
  core.state().each_run([&](const core::Run& run) {
    for (std::uint32_t g = 0; g < run.groups.size(); ++g) {
      if (run.groups[g].done) continue;
      QueuedGroup row = row_of(core.state(), run, GroupIndex{g}, now);
      if (row.waiting > 0) rows.push_back(std::move(row));
    }
  });
  return rows;
}

/// Reason and sentence from what an engine or a service answers; false: it does not know the task.
bool take_reason(const JsonObject& said, QueuedGroup& row) {
  const std::string code = text_of(said, "reason");
  const auto known = std::ranges::find(reason_table(), code, &ReasonInfo::name);
  if (known == reason_table().end()) return false;
  row.reason.code = known->code;
  row.sentence = text_of(said, "sentence");
  return true;
}

/// What the one says that decides: only it knows its limits, and what has failed and drained. One
/// that has gone meanwhile, or does not answer, leaves what is known from here.
void ask_why(Archive& archive, std::vector<QueuedGroup>& rows) {
  const std::size_t count = std::min(rows.size(), kAskedMax);
  for (std::size_t i = 0; i < count; ++i) {
    QueuedGroup& row = rows[i];
    if (archive.service == nullptr) {
      const auto said = archive.ask(
          "explain", JsonObject{{"run", row.first.run.value}, {"task", row.first.index}});
      if (!said || !*said) return;
      take_reason(**said, row);
      continue;
    }
    const auto reply = archive.service->get_json(
        run_target(row.run) + "/explain?task=" + http::percent_encode(row.first_label));
    if (!reply) return;
    const Json* const said = reply->if_contains("explanation");
    if (said != nullptr && said->is_object()) take_reason(said->get_object(), row);
  }
}

/// What waits for the clock does not start before: virtual time knows nothing of it.
void hold_until_open(QueuedGroup& row, Time now) {
  const bool is_by_clock =
      row.reason.code == ReasonCode::window_closed || row.reason.code == ReasonCode::rate_limited ||
      row.reason.code == ReasonCode::not_before || row.reason.code == ReasonCode::quota_reached;
  if (!is_by_clock || row.reason.a <= 0 || !row.start || !row.end) return;
  const Duration least = Time{Duration{row.reason.a}} - now;
  const Duration late = std::max(least - row.start->low, Duration{0});
  for (Forecast* const one : {&*row.start, &*row.end}) {
    one->low += late;
    one->middle += late;
    one->high += late;
  }
}

}  // namespace

Result<std::vector<QueuedGroup>> queued_groups(Archive& archive, const QueueSetting& setting,
                                               Time now, bool with_times) {
  TRY_ASSIGN(const core::Snapshot snapshot, open_runs(archive));
  core::Snapshot present = copy_of(snapshot);
  const bool is_drained = !setting.drains.empty();
  present.drains = setting.drains;
  TRY_ASSIGN(auto rows, rows_of(std::move(present), setting, now, archive.engine().has_value()));
  std::uint64_t tasks = 0;
  for (const QueuedGroup& row : rows) tasks += row.waiting;
  if (tasks == 0 || simulations_of(tasks) == 0) {
    ask_why(archive, rows);
    return rows;
  }
  Lengths lengths;
  // How long a node stays drained nobody knows.
  if (with_times && !is_drained) {
    TRY_ASSIGN(lengths, lengths_of(archive, snapshot));
  }
  TRY_ASSIGN(const core::Snapshot skeletons, skeletons_of(snapshot));
  Rounds rounds(skeletons, setting, now, lengths, tasks);
  PlayedGroups played;
  const std::uint32_t many = lengths.empty() ? 1 : simulations_of(tasks);
  for (std::uint32_t i = 0; i < many; ++i) TRY(rounds.play(played));
  std::map<GroupKey, Duration> order;
  for (QueuedGroup& row : rows) {
    const GroupKey key{row.run, row.group_index};
    const auto at = played.find(key);
    order[key] = at == played.end() ? kDurationMax : forecast_of(at->second.starts).middle;
    if (at == played.end() || lengths.empty()) continue;
    row.start = forecast_of(at->second.starts);
    row.end = forecast_of(at->second.ends);
    hold_until_open(row, now);
  }
  std::ranges::stable_sort(rows, {}, [&](const QueuedGroup& row) {
    return order.at({row.run, row.group_index});
  });
  ask_why(archive, rows);
  return rows;
}

}  // namespace reeve::cli
