#include "cli/virtual_engine.h"

#include <algorithm>

namespace reeve::cli {
namespace {

std::shared_ptr<const spec::GroupDetail> timeless(const spec::GroupDetail& detail) {
  auto out = std::make_shared<spec::GroupDetail>(detail);  // shared: as the group wants it
  out->deadline.reset();
  out->artifacts.clear();
  out->continue_on_error.reset();
  return out;
}

bool asks_people(const spec::Workflow& workflow) {
  return std::ranges::any_of(workflow.groups, [](const spec::TaskGroup& group) {
    return std::holds_alternative<spec::Approval>(group.action);
  });
}

}  // namespace

Result<std::shared_ptr<const spec::Workflow>> skeleton_of(const spec::Workflow& workflow,
                                                          const std::vector<GroupIndex>& expanded) {
  spec::Workflow out = workflow;
  out.deadline.reset();
  out.outputs.clear();
  for (spec::Policy& policy : out.policies) {
    policy.timeouts = spec::Timeouts{};
    policy.hedge = spec::Hedge{};  // who would be late is not known
  }
  for (std::uint32_t g = 0; g < out.groups.size(); ++g) {
    spec::TaskGroup& group = out.groups[g];
    group.dependents.clear();
    if (group.detail) group.detail = timeless(*group.detail);
    if (group.condition && !group.condition->uses_status_function()) group.condition.reset();
    const bool is_known = std::ranges::find(expanded, GroupIndex{g}) != expanded.end();
    if (!group.static_count() && !is_known) group.fan_out = std::monostate{};
  }
  return spec::finish(std::move(out));  // shared: as a submission wants it
}

VirtualEngine::VirtualEngine(const Resources& capacity, Time now)
    : core_({{.name = "local", .capacity = capacity}}),
      now_(now) {}

void VirtualEngine::set_policy(core::PolicySet policy) {
  policy.policy.windows.clear();
  policy.policy.rate_limits.clear();
  for (QuotaSetup& quota : policy.policy.quotas) quota.cpu_seconds_a_day = -1;
  for (NodeSetup& node : policy.nodes) node.cordoned = false;
  policy_ = std::move(policy);
}

Status VirtualEngine::submit(std::shared_ptr<const spec::Workflow> workflow,
                             const std::string& inputs) {
  TRY(core_.apply(core::EngineStarted{.sandbox = kAllAllowed}, now_));
  if (policy_) TRY(core_.apply(*policy_, now_));
  TRY(core_.apply(core::ExecutorChanged{.pool = {}, .up = true, .why = {}}, now_));
  has_approvals_ = asks_people(*workflow);
  core::SubmitRun submit{.inputs = inputs, .directory = "/"};
  submit.workflow_digest = workflow->digest;
  submit.workflow = std::move(workflow);
  TRY(core_.apply(submit, now_));
  return {};
}

Status VirtualEngine::load(core::Snapshot snapshot) {
  for (const core::StoredRun& run : snapshot.runs)
    has_approvals_ = has_approvals_ || asks_people(*run.record.workflow);
  TRY(core_.load(std::move(snapshot)));
  TRY(core_.apply(core::EngineStarted{.sandbox = kAllAllowed}, now_));
  if (policy_) TRY(core_.apply(*policy_, now_));
  TRY(core_.apply(core::ExecutorChanged{.pool = {}, .up = true, .why = {}}, now_));
  core_.clear_changes();
  return {};
}

std::vector<VirtualEngine::Begun> VirtualEngine::find_running() const {
  std::vector<Begun> running;
  for (const auto& [token, live] : core_.state().live) {
    const core::Task* const task = core_.state().find_task(live.task);
    if (task != nullptr) running.push_back({live.task, task->group, true});
  }
  return running;
}

std::vector<VirtualEngine::Begun> VirtualEngine::start_all() {
  std::vector<Begun> started;
  do {
    core_.plan(now_);
    for (const core::Effect& effect : core_.changes().effects)
      if (const auto* start = std::get_if<core::StartAttempt>(&effect); start != nullptr)
        started.push_back({start->task, core_.state().find_task(start->task)->group, false});
    core_.clear_changes();
  } while (core_.plan_again());
  return started;
}

bool VirtualEngine::approve_all() {
  if (!has_approvals_) return false;
  std::vector<TaskId> waiting;
  core_.state().each_run([&](const core::Run& run) {
    for (std::uint32_t i = 0; i < run.tasks.size(); ++i)
      if (run.tasks[i].state == core::TaskState::awaiting_approval)
        waiting.push_back({run.record.id, i});
  });
  for (const TaskId task : waiting) {
    // A refusal (only named people may) leaves it waiting, as it would be.
    if (!core_.apply(core::Approve{.task = task, .approved = true}, now_)) return false;
  }
  return !waiting.empty();
}

Status VirtualEngine::end_next() {
  now_ = ends_.begin()->first;
  while (!ends_.empty() && ends_.begin()->first == now_) {
    const auto [id, since] = ends_.begin()->second;
    ends_.erase(ends_.begin());
    const core::Task* const task = core_.state().find_task(id);
    if (task == nullptr) continue;
    if (task->state == core::TaskState::validating) {
      // Loaded while its artifacts were collected: there are none in a skeleton.
      TRY(core_.apply(core::ArtifactsCollected{.token = task->token, .ok = true}, now_));
      continue;
    }
    AttemptEnd end{.token = task->token, .started_at = since, .ended_at = now_};
    end.outcome = {OutcomeClass::exited, 0, {}};
    TRY(core_.apply(core::AttemptEnded{.end = std::move(end)}, now_));
  }
  return {};
}

}  // namespace reeve::cli
