#include "store/memory/memory_history.h"

#include <algorithm>
#include <ranges>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "engine/ports/run_reference.h"

namespace reeve::store::memory {

using core::AttemptRecord;
using core::RunRecord;
using core::StoredTask;
using engine::RunFilter;
using engine::RunView;
using engine::TaskFilter;

namespace {

class DiskRunNames final : public engine::RunNames {
 public:
  explicit DiskRunNames(const MemoryDisk& disk) : disk_(disk) {}
  Result<bool> exists(RunId run) override { return disk_.find(run) != nullptr; }
  Result<std::optional<RunId>> with_uuid(const Uuid& uuid) override {
    for (const DiskRun& run : disk_.runs()) {
      if (run.record.id.value != 0 && run.record.uuid == uuid) return run.record.id;
    }
    return std::nullopt;
  }
  Status visit(const std::function<bool(const engine::RunName&)>& visit) override {
    for (const DiskRun& run : disk_.runs() | std::views::reverse) {
      if (run.record.id.value != 0 && !visit({run.record.id, run.record.uuid})) break;
    }
    return {};
  }

 private:
  const MemoryDisk& disk_;
};

template <class T>
bool among(const std::vector<T>& wanted, const T& value) {
  return wanted.empty() || std::ranges::find(wanted, value) != wanted.end();
}

bool has_label(const RunRecord& run, const RunFilter& filter) {
  if (filter.label_key.empty()) return true;
  if (run.texts == nullptr) return false;
  boost::system::error_code problem;
  const boost::json::value labels = boost::json::parse(run.texts->labels, problem);
  const boost::json::object* const object = problem ? nullptr : labels.if_object();
  const boost::json::value* const value =
      object == nullptr ? nullptr : object->if_contains(filter.label_key);
  return value != nullptr && value->is_string() && value->get_string() == filter.label_value;
}

std::string namespace_of(const RunRecord& run) {
  std::string found(engine::kUnlabelledNamespace);
  boost::system::error_code problem;
  const boost::json::value labels =
      run.texts == nullptr ? boost::json::value() : boost::json::parse(run.texts->labels, problem);
  const boost::json::object* const object = problem ? nullptr : labels.if_object();
  const boost::json::value* const value =
      object == nullptr ? nullptr : object->if_contains("namespace");
  if (value != nullptr && value->is_string()) found = value->get_string();
  return found;
}

bool is_in_namespace(const RunRecord& run, const RunFilter& filter) {
  return filter.name_spaces.empty() ||
         std::ranges::find(filter.name_spaces, namespace_of(run)) != filter.name_spaces.end();
}

bool has_name(const RunRecord& run, const std::string& name) {
  return name.empty() || run.workflow->name == name ||
         (run.texts != nullptr && run.texts->name == name);
}

bool matches(const RunRecord& run, const RunFilter& filter) {
  return run.id.value != 0 && among(filter.states, run.state) && has_name(run, filter.name) &&
         has_label(run, filter) && is_in_namespace(run, filter) &&
         (filter.submitted_after == kUnset || run.submitted_at > filter.submitted_after) &&
         (filter.before.value == 0 || run.id < filter.before);
}

RunView view_of(const DiskRun& run) {
  RunView view{copy_of(run.record), {}};
  for (const StoredTask& task : run.tasks) {
    if ((task.task.flags & core::kTaskStored) != 0)
      ++view.counts.stored[static_cast<std::size_t>(task.task.state)];
  }
  return view;
}

tl::unexpected<Error> no_run(RunId run) {
  return fail(ErrorCode::not_found, fmt::format("there is no run {}", run.value));
}

}  // namespace

Result<std::vector<RunView>> MemoryHistory::list_runs(const RunFilter& filter) {
  std::vector<RunView> out;
  for (const DiskRun& run : disk_.runs() | std::views::reverse) {
    if (out.size() == filter.limit || run.record.id < filter.oldest) break;
    if (matches(run.record, filter)) out.push_back(view_of(run));
  }
  return out;
}

Result<RunView> MemoryHistory::get_run(RunId run) {
  const DiskRun* const found = disk_.find(run);
  if (found == nullptr) return no_run(run);
  return view_of(*found);
}

Result<RunId> MemoryHistory::find_run(std::string_view reference) {
  DiskRunNames names(disk_);
  return engine::resolve_run(reference, names);
}

Result<std::vector<StoredTask>> MemoryHistory::list_tasks(RunId run, const TaskFilter& filter) {
  const DiskRun* const found = disk_.find(run);
  if (found == nullptr) return no_run(run);
  std::vector<StoredTask> out;
  for (std::size_t i = filter.from; i < found->tasks.size() && out.size() < filter.limit; ++i) {
    const StoredTask& task = found->tasks[i];
    if ((task.task.flags & core::kTaskStored) == 0) continue;
    if (filter.group && task.task.group != *filter.group) continue;
    if (among(filter.states, task.task.state)) out.push_back(copy_of(task));
  }
  return out;
}

Result<std::vector<core::Expansion>> MemoryHistory::list_expansions(RunId run) {
  const DiskRun* const found = disk_.find(run);
  if (found == nullptr) return no_run(run);
  return found->expansions;
}

Result<std::vector<AttemptRecord>> MemoryHistory::list_attempts(TaskId task) {
  const DiskRun* const found = disk_.find(task.run);
  if (found == nullptr) return no_run(task.run);
  std::vector<AttemptRecord> out;
  std::ranges::copy_if(found->attempts, std::back_inserter(out),
                       [&](const AttemptRecord& attempt) { return attempt.task == task; });
  std::ranges::sort(out, {}, &AttemptRecord::number);
  return out;
}

Result<std::vector<AttemptRecord>> MemoryHistory::list_run_attempts(RunId run, std::uint64_t offset,
                                                                    std::uint32_t limit) {
  const DiskRun* const found = disk_.find(run);
  if (found == nullptr) return no_run(run);
  std::vector<AttemptRecord> out = found->attempts;
  std::ranges::stable_sort(out, {}, [](const AttemptRecord& attempt) {
    return std::tuple(attempt.ended_at, attempt.task, attempt.number);
  });
  out.erase(out.begin(),
            out.begin() + static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(offset, out.size())));
  if (out.size() > limit) out.resize(limit);
  return out;
}

Result<engine::WorkflowUses> MemoryHistory::list_workflow_uses(RunId after,
                                                               std::uint32_t runs_max) {
  engine::WorkflowUses out{.uses = {}, .up_to = after};
  std::uint32_t looked_at = 0;
  for (const DiskRun& each : disk_.runs()) {
    const RunRecord& run = each.record;
    if (run.id.value == 0 || run.id <= after) continue;
    if (looked_at++ == runs_max) {
      out.is_all = false;
      break;
    }
    out.up_to = run.id;
    const std::string place = namespace_of(run);
    auto use = std::ranges::find_if(out.uses, [&](const engine::WorkflowUse& known) {
      return known.name_space == place && known.digest == run.workflow->digest;
    });
    if (use == out.uses.end())
      use = out.uses.insert(out.uses.end(), {.name_space = place,
                                             .name = run.workflow->name,
                                             .digest = run.workflow->digest,
                                             .first_run = run.id,
                                             .last_run = run.id,
                                             .first_seen = run.submitted_at,
                                             .last_seen = run.submitted_at});
    ++use->runs;
    use->last_run = run.id;
    use->last_seen = run.submitted_at;
  }
  return out;
}

Result<engine::WorkflowText> MemoryHistory::get_workflow(const Digest& digest) {
  for (const DiskRun& run : disk_.runs()) {
    if (run.record.id.value == 0 || run.record.workflow->digest != digest) continue;
    const spec::Workflow& found = *run.record.workflow;
    return engine::WorkflowText{found.name, found.origin, found.source};
  }
  return fail(ErrorCode::not_found, "no such workflow has been run");
}

}  // namespace reeve::store::memory
