#include "sim/script.h"

#include <utility>

#include "base/ensure.h"
#include "spec/parse.h"

namespace reeve::sim {
namespace {

constexpr Duration kScriptMoment = std::chrono::milliseconds{5};

Shape quiet_shape() {
  Shape shape;
  shape.capacity.cpu_millicores = 4000;
  shape.capacity.memory_bytes = std::int64_t{1} << 33;
  return shape;
}

}  // namespace

WorldOptions Script::options_of(Script& script, std::string_view yaml) {
  const spec::Parsed parsed = spec::parse_workflow(yaml, "script.yaml");
  ENSURE(parsed.workflow != nullptr);
  script.workflow_ = parsed.workflow;
  WorldOptions options;
  options.shape = quiet_shape();
  options.workflows = {parsed.workflow};
  options.behaviour = [&script](const Launch& launch) { return script.behave(launch); };
  return options;
}

Script::Script(std::string_view yaml) : world_(options_of(*this, yaml)) {
  world_.start();
  pass(kScriptMoment);
}

Behaviour Script::behave(const Launch& launch) const {
  Behaviour behaviour;
  behaviour.start_delay = std::chrono::milliseconds{1};
  behaviour.run_time = run_time_;
  behaviour.outcome.reason = {ReasonCode::completed, 0, 0};
  const GroupIndex group = world_.model().find(launch.task)->row.group;
  const auto told = exits_.find(workflow_->groups[group.value].id);
  if (told != exits_.end() && told->second != 0)
    behaviour.outcome = {
        OutcomeClass::exited, told->second, {ReasonCode::exit_status, 0, told->second}};
  return behaviour;
}

RunId Script::submit(std::vector<core::RunAfter> after) {
  core::SubmitRun event;
  event.uuid = Uuid::from_parts(++submissions_, 1, 1);
  event.workflow = workflow_;
  event.workflow_digest = workflow_->digest;
  event.directory = "/work";
  event.submitter = "ada";
  RunId run;
  const bool posted =
      world_.engine()->post(core::submission_event(std::move(event), std::move(after)),
                            [&](const Result<engine::Receipt>& receipt) {
                              if (receipt) run = receipt->run;
                            });
  ENSURE(posted);
  pass(kScriptMoment);
  ENSURE(run != RunId{});
  return run;
}

bool Script::request(const core::Event& event) {
  bool obeyed = false;
  world_.note_request(event);
  const bool posted = world_.engine()->post(
      event, [&](const Result<engine::Receipt>& receipt) { obeyed = receipt.has_value(); });
  ENSURE(posted);
  pass(kScriptMoment);
  return obeyed;
}

bool Script::cancel(RunId run, std::uint32_t task) {
  return request(core::Cancel{.run = run, .task = task, .by = "ada", .why = {}});
}

bool Script::pause(RunId run, std::uint32_t task) {
  return request(core::Pause{.run = run, .task = task, .paused = true, .by = "ada"});
}

bool Script::resume(RunId run, std::uint32_t task) {
  return request(core::Pause{.run = run, .task = task, .paused = false, .by = "ada"});
}

bool Script::approve(TaskId task, bool approved) {
  return request(core::Approve{.task = task, .approved = approved, .by = "ada"});
}

bool Script::retry_failed(RunId run) {
  return request(core::Retry{.run = run, .failed_only = true, .from = {}, .by = "ada"});
}

void Script::restart_engine() {
  world_.engine()->die();
  while (world_.engine() == nullptr) pass(kScriptMoment);
  pass(kScriptMoment);
}

std::string Script::finish() {
  const Report report = world_.finish();
  if (!report.violation) return {};
  return report.violation->checker + ": " + report.violation->text + "\n" + report.tail;
}

}  // namespace reeve::sim
