#include "core/test_world.h"

#include <algorithm>
#include <charconv>

#include <gtest/gtest.h>

#include "core/explain.h"
#include "core/launch.h"
#include "core/step.h"
#include "core/test_dump.h"
#include "spec/parse.h"

namespace reeve::core::test {

Resources cpus(std::int64_t count) { return {.cpu_millicores = count * 1000, .countables = {}}; }

std::shared_ptr<const spec::Workflow> workflow_of(std::string_view yaml) {  // shared: as in core
  spec::Parsed parsed = spec::parse_workflow(yaml, "test.yaml");
  for (const spec::Diagnostic& diagnostic : parsed.diagnostics)
    ADD_FAILURE() << diagnostic.text() << "\n" << yaml;
  return parsed.workflow;
}

Outcome exited(std::int32_t code) { return {OutcomeClass::exited, code, {}}; }
Outcome outcome(OutcomeClass kind) { return {kind, 0, {}}; }

World::World(Resources capacity) : capacity_(std::move(capacity)) {
  core_ = std::make_unique<Core>(std::vector<PoolSetup>{{"local", capacity_}});
  apply(EngineStarted{.all = true, .resumed = {}, .engine = "test"});
  pool(true);
}

World::~World() {
  if (!strict || testing::Test::HasFailure()) return;
  for (const std::string& label : starts_) ADD_FAILURE() << "unexpected start of " << label;
  for (const std::string& label : stops_) ADD_FAILURE() << "unexpected stop of " << label;
}

// Requests ----------------------------------------------------------------------------------------

Result<Applied> World::request(const Event& event) {
  const std::string before = dump(state());
  Result<Applied> applied = core_->apply(event, now_);
  if (!applied) {
    EXPECT_EQ(before, dump(state())) << "a refused request changed something";
    EXPECT_TRUE(core_->changes().empty() && core_->changes().workflows.empty());
    EXPECT_FALSE(applied.error().message.empty());
    return applied;
  }
  plan();
  return applied;
}

void World::apply(const Event& event) {
  const Result<Applied> applied = request(event);
  if (!applied) ADD_FAILURE() << name(event) << ": " << applied.error().text();
}

RunId World::submit(std::string_view yaml, const Submission& submission) {
  const auto workflow = workflow_of(yaml);
  return workflow ? submit(workflow, submission) : RunId{};
}

RunId World::submit(std::shared_ptr<const spec::Workflow> workflow,  // shared: as in the core
                    const Submission& submission) {
  SubmitRun event{.uuid = Uuid::from_parts(1, 0, ++uuids_),
                  .workflow_digest = workflow->digest,
                  .inputs = submission.inputs,
                  .priority = submission.priority,
                  .texts = submission.texts,
                  .directory = "/work",
                  .submitter = submission.submitter,
                  .workflow = workflow,
                  .origin = nullptr};
  const Result<Applied> applied = request(submission_event(std::move(event), submission.after));
  if (applied) return applied->run;
  ADD_FAILURE() << applied.error().text();
  return {};
}

World& World::cancel(RunId run, bool kill) {
  apply(Cancel{.run = run, .kill = kill, .by = "ada", .why = "changed my mind"});
  return *this;
}
World& World::cancel_task(std::string_view label) {
  apply(Cancel{.run = id(label).run, .task = id(label).index, .by = "ada", .why = ""});
  return *this;
}
World& World::pause(RunId run) {
  apply(Pause{.run = run, .by = "ada"});
  return *this;
}
World& World::resume(RunId run) {
  apply(Pause{.run = run, .paused = false, .by = "ada"});
  return *this;
}
World& World::pause_task(std::string_view label) {
  apply(Pause{.run = id(label).run, .task = id(label).index, .by = "ada"});
  return *this;
}
World& World::resume_task(std::string_view label) {
  apply(Pause{.run = id(label).run, .task = id(label).index, .paused = false, .by = "ada"});
  return *this;
}
World& World::approve(std::string_view label, bool approved) {
  apply(Approve{.task = id(label), .approved = approved, .by = "ada"});
  return *this;
}

World& World::retry(RunId run, std::optional<std::string_view> from, Duration hold) {
  Retry event{.run = run, .failed_only = !from, .by = "ada"};
  if (const auto found = disk_.find(run); found != disk_.end()) {
    const StoredRun& kept = found->second;
    StoredRun again{copy_of(kept.record), kept.expansions, {}};
    for (const StoredTask& task : kept.tasks) {
      again.tasks.push_back(
          {task.id, task.task, task.extra ? std::make_unique<TaskExtra>(*task.extra) : nullptr});
    }
    const Status reloaded = core_->reload(std::move(again));
    EXPECT_TRUE(reloaded) << reloaded.error().text();
    disk_.erase(found);
    apply(RunReloaded{run});
  }
  if (from) event.from = state().find_run(run)->workflow().find(*from).value();
  if (hold > Duration{0})
    apply(RetryHeld{event, hold});
  else
    apply(event);
  return *this;
}

// Reports -----------------------------------------------------------------------------------------

World& World::started(std::string_view label) {
  Attempt& attempt = live(label);
  attempt.started_at = now_ - run_time;
  apply(AttemptStarted{attempt.token, attempt.started_at});
  return *this;
}

World& World::held(std::string_view label, std::int32_t code) {
  apply(AttemptHeld{{.token = live(label).token,
                     .outcome = {OutcomeClass::exited, code, {}},
                     .until = now_ + std::chrono::minutes{30}}});
  return *this;
}

World& World::expect_entered(std::vector<std::string> entries) {
  EXPECT_EQ(std::exchange(entered_, {}), entries);
  return *this;
}

World& World::ended(std::string_view label, const Report& report) {
  Attempt& attempt = live(label);
  if (report.ran && attempt.started_at == kUnset) attempt.started_at = now_ - run_time;
  attempt.ended = true;
  attempt.end.random = report.random;
  attempt.end.end = {.token = attempt.token,
                     .outcome = report.outcome,
                     .usage = {},
                     .started_at = report.ran ? attempt.started_at : kUnset,
                     .ended_at = now_,
                     .outputs = report.outputs,
                     .message = report.message,
                     .tier = report.tier};
  forget_stops(label);
  apply(attempt.end);
  EXPECT_TRUE(attempt.forgotten) << label;
  return *this;
}

void World::forget_stops(std::string_view label) {
  for (const std::string_view name : {label, label.substr(0, label.find('#'))}) {
    std::erase(stops_, std::string(name));
    std::erase(stops_, std::string(name) + " kill");
  }
}

World& World::succeed(std::string_view label, std::vector<OutputValue> outputs) {
  return ended(label, {.outputs = std::move(outputs)});
}
World& World::fail(std::string_view label, std::int32_t code) {
  return ended(label, {.outcome = exited(code)});
}
World& World::lose(std::string_view label) {
  Attempt& attempt = live(label);
  attempt.ended = true;
  forget_stops(label);
  apply(AttemptSeen{attempt.token, Liveness::unknown, 0});
  EXPECT_TRUE(attempt.forgotten) << label;
  return *this;
}

World& World::collected(std::string_view label, std::vector<OutputValue> files) {
  EXPECT_TRUE(attempt(label).collecting) << label;
  attempt(label).collecting = false;
  apply(ArtifactsCollected{attempt(label).token, true, std::move(files), "", 0});
  return *this;
}
World& World::not_collected(std::string_view label, std::string message) {
  EXPECT_TRUE(attempt(label).collecting) << label;
  attempt(label).collecting = false;
  apply(ArtifactsCollected{attempt(label).token, false, {}, std::move(message), 0});
  return *this;
}

World& World::pool(bool up) {
  apply(ExecutorChanged{PoolId{}, up, up ? "" : "it went away"});
  return *this;
}
World& World::policy(SchedulingPolicy policy) {
  apply(PolicySet{.policy = std::move(policy), .nodes = {}});
  return *this;
}
World& World::capacity(Resources capacity) {
  lowered_ = true;
  capacity_ = capacity;
  apply(CapacitySet{PoolId{}, std::move(capacity)});
  return *this;
}

World& World::wait(Duration duration) {
  const Time end = now_ + duration;
  int same_moment = 0;
  for (auto wake = core_->next_wake(); wake && *wake <= end; wake = core_->next_wake()) {
    same_moment = *wake <= now_ ? same_moment + 1 : 0;
    if (same_moment > 10) {
      ADD_FAILURE() << "time stands still";
      return *this;
    }
    now_ = std::max(now_, *wake);
    plan();
  }
  now_ = end;
  plan();
  return *this;
}

World& World::restart(bool resume_all) {
  Snapshot snapshot = snapshot_of(state());
  snapshot.last_now = now_;
  core_ = std::make_unique<Core>(std::vector<PoolSetup>{{"local", capacity_}});
  const Status loaded = core_->load(std::move(snapshot));
  EXPECT_TRUE(loaded) << loaded.error().text();
  apply(EngineStarted{.all = resume_all, .resumed = {}, .engine = "test"});
  pool(true);
  return *this;
}

World& World::run_all() {
  for (;;) {
    const auto next =
        std::ranges::find_if(attempts_, [](const auto& each) { return !each.second.ended; });
    if (next != attempts_.end()) {
      Attempt& found = next->second;
      const std::string label = found.label + "#" + std::to_string(found.number);
      succeed(label);
      if (found.collecting) collected(label);
    } else if (const auto wake = core_->next_wake(); wake) {
      wait(std::max(*wake - now_, Duration{0}));
    } else {
      return *this;
    }
  }
}

// Steps -------------------------------------------------------------------------------------------

void World::plan() {
  do {
    core_->plan(now_);
    take_changes();
  } while (core_->plan_again());
  check_state();
  answer_probes();
}

void World::take_changes() {
  const Changes& changes = core_->changes();
  for (const TaskChange& change : changes.task_changes) {
    EXPECT_TRUE(is_allowed(change.from, change.to)) << name(change.from) << " " << name(change.to);
    transitions_.emplace(change.from, change.to);
  }
  for (const Effect& effect : changes.effects)
    std::visit([this](const auto& each) { on(each); }, effect);
  records_.insert(records_.end(), changes.attempts.begin(), changes.attempts.end());
  progressed_.insert(progressed_.end(), changes.progressed.begin(), changes.progressed.end());
  stale_reports_ += changes.stale_reports;
  keep_finished();
  core_->clear_changes();
}

void World::keep_finished() {
  for (const RunId id : core_->changes().runs) {
    const Run& run = *state().find_run(id);
    if (!is_final(run.record.state)) continue;
    Finished finished{copy_of(run.record), {}};
    for (std::uint32_t i = 0; i < run.tasks.size(); ++i) {
      const TaskExtra* extra = run.extra(i);
      finished.tasks.insert_or_assign(
          task_label(run, i), TaskView{run.tasks[i], extra == nullptr ? "" : extra->message});
    }
    finished_.insert_or_assign(id, std::move(finished));
    disk_.insert_or_assign(id, stored_run(run));
  }
}

void World::check_state() {
  state().check_invariants();
  EXPECT_TRUE(lowered_ || capacity_.covers(state().planner.nodes.used(state().pools.front().node)))
      << dump(state());
  std::size_t tasks = 0;
  state().each_run([&](const Run& run) { tasks += run.tasks.size(); });
  if (tasks > 256) return;
  check_recovery();
  check_reasons();
}

void World::check_recovery() {
  Core other({{"local", capacity_}});
  const Status loaded = other.load(snapshot_of(state()));
  EXPECT_TRUE(loaded) << loaded.error().text();
  EngineStarted start{.all = false, .resumed = {}, .engine = "again"};
  state().each_run([&](const Run& run) {
    if (!run.record.interrupted) start.resumed.push_back(run.record.id);
  });
  const Result<Applied> applied = other.apply(start, now_);
  EXPECT_TRUE(applied);
  other.state().check_invariants();
  EXPECT_EQ(dump_lasting(state()), dump_lasting(other.state())) << "after a restart";
}

void World::check_reasons() {
  state().each_run([&](const Run& run) {
    EXPECT_FALSE(explain_run(state(), run.record.id, now_).sentence.empty());
    EXPECT_NE(explain_run(state(), run.record.id, now_).reason.code, ReasonCode::none);
    for (const Group& group : run.groups) {
      const std::uint32_t end = group.expanded ? group.first + group.count : group.first;
      for (std::uint32_t i = group.first; i < end; ++i) {
        const Explanation why = explain_task(state(), {run.record.id, i}, now_);
        EXPECT_NE(why.reason.code, ReasonCode::none)
            << task_label(run, i) << " is " << name(run.tasks[i].state);
      }
    }
  });
}

void World::answer_probes() {
  if (!answers_probes) return;
  while (!probes_.empty()) {
    const Token token = probes_.back();
    probes_.pop_back();
    const Attempt& attempt = attempts_.at(token);
    if (attempt.ended) {
      apply(attempt.end);
    } else {
      const bool runs = attempt.started_at != kUnset;
      apply(AttemptSeen{token, runs ? Liveness::running : Liveness::waiting, 0});
    }
  }
}

// Effects -----------------------------------------------------------------------------------------

void World::on(const StartAttempt& start) {
  const Run& run = *state().find_run(start.task.run);
  std::string label = task_label(run, start.task.index);
  if (start.task.run.value != 1) label = std::to_string(start.task.run.value) + "/" + label;
  EXPECT_TRUE(attempts_.empty() || attempts_.rbegin()->first < start.token) << label;
  const Companion* const companion = companion_of(run, start.task.index);
  const bool hedge = companion != nullptr && companion->token == start.token;
  const auto beside = std::ranges::count_if(attempts_, [&](const auto& each) {
    return each.second.task == start.task && !each.second.ended;
  });
  EXPECT_EQ(beside, hedge ? 1 : 0) << label << " runs twice at once";
  attempts_[start.token] = {
      .token = start.token, .task = start.task, .label = label, .number = start.attempt};
  starts_.push_back(title(attempts_[start.token]));
}

/// With its number while it has another beside it.
std::string World::title(const Attempt& attempt) const {
  const bool beside = std::ranges::any_of(attempts_, [&](const auto& each) {
    return each.second.task == attempt.task && !each.second.ended &&
           each.second.token != attempt.token;
  });
  return beside ? attempt.label + "#" + std::to_string(attempt.number) : attempt.label;
}

void World::on(const StopAttempt& stop) {
  Attempt& attempt = attempts_.at(stop.token);
  ++(stop.kill ? attempt.kills : attempt.stops);
  attempt.grace = stop.grace;
  const std::string what = title(attempt) + (stop.kill ? " kill" : "");
  // Repeated when the executor shows that it still runs: harmless.
  if (std::ranges::find(stops_, what) == stops_.end()) stops_.push_back(what);
}

void World::on(const ProbeAttempt& probe) { probes_.push_back(probe.token); }

void World::on(const ForgetAttempt& forget) {
  const auto found = attempts_.find(forget.token);
  if (found == attempts_.end()) return;  // of before this world began
  EXPECT_TRUE(found->second.ended) << "told to forget " << found->second.label;
  found->second.forgotten = true;
}

void World::on(const CollectArtifacts& collect) { attempts_.at(collect.token).collecting = true; }

void World::on(const SetCapacity&) {}

void World::on(const EnterAttempt& enter) {
  std::string what = attempts_.at(enter.order.token).label + ":";
  for (const std::string& word : enter.order.command) what += " " + word;
  entered_.push_back(std::move(what));
}

// Looking -----------------------------------------------------------------------------------------

std::optional<TaskId> World::find(std::string_view label) const {
  RunId id{1};
  if (const std::size_t slash = label.find('/'); slash != label.npos) {
    std::from_chars(label.data(), label.data() + slash, id.value);
    label.remove_prefix(slash + 1);
  }
  const Run* run = state().find_run(id);
  if (run == nullptr) return std::nullopt;
  for (const Group& group : run->groups) {
    const std::uint32_t end = group.expanded ? group.first + group.count : group.first;
    for (std::uint32_t i = group.first; i < end; ++i) {
      if (task_label(*run, i) == label) return TaskId{id, i};
    }
  }
  return std::nullopt;
}

TaskId World::id(std::string_view label) const {
  const std::optional<TaskId> found = find(label);
  if (!found) ADD_FAILURE() << "no task " << label;
  return found.value_or(TaskId{});
}

TaskView World::view(std::string_view label) const {
  if (const std::optional<TaskId> found = find(label)) {
    const Run& run = *state().find_run(found->run);
    const TaskExtra* extra = run.extra(found->index);
    return {run.tasks[found->index], extra == nullptr ? "" : extra->message};
  }
  const bool other_run = label.size() > 2 && label[1] == '/';
  const RunId id{other_run ? static_cast<std::uint32_t>(label[0] - '0') : 1};
  if (const auto finished = finished_.find(id); finished != finished_.end()) {
    const auto task = finished->second.tasks.find(std::string(label.substr(other_run ? 2 : 0)));
    if (task != finished->second.tasks.end()) return task->second;
  }
  ADD_FAILURE() << "no task " << label;
  return {};
}

RunRecord World::record(RunId id) const {
  if (const Run* run = state().find_run(id)) return copy_of(run->record);
  if (const auto found = finished_.find(id); found != finished_.end())
    return copy_of(found->second.record);
  ADD_FAILURE() << "no run " << id.value;
  return {};
}

Attempt& World::attempt(std::string_view label) {
  Attempt* newest = nullptr;
  for (auto& [token, each] : attempts_) {
    if (each.label == label || each.label + "#" + std::to_string(each.number) == label)
      newest = &each;
  }
  if (newest == nullptr) ADD_FAILURE() << label << " was never started";
  return newest == nullptr ? nobody_ : *newest;
}

Attempt& World::live(std::string_view label) {
  Attempt& found = attempt(label);
  EXPECT_FALSE(found.ended) << label << " does not run";
  std::erase(starts_, std::string(label));
  std::erase(starts_, found.label);
  return found;
}

std::string World::why(std::string_view label) const {
  return explain_task(state(), id(label), now_).sentence;
}

World& World::expect_started(std::vector<std::string> labels) {
  EXPECT_EQ(starts_, labels);
  starts_.clear();
  return *this;
}
World& World::expect_stopped(std::vector<std::string> labels) {
  EXPECT_EQ(stops_, labels);
  stops_.clear();
  return *this;
}
World& World::expect_probes(std::vector<std::string> labels) {
  std::vector<std::string> probed;
  for (const Token token : probes_) probed.push_back(attempts_.at(token).label);
  EXPECT_EQ(probed, labels);
  probes_.clear();
  return *this;
}
World& World::expect(std::string_view label, TaskState state) {
  EXPECT_EQ(name(view(label).task.state), name(state)) << label;
  return *this;
}
World& World::expect(std::string_view label, TaskState state, ReasonCode reason) {
  EXPECT_EQ(name(view(label).task.reason.code), name(reason)) << label;
  return expect(label, state);
}
World& World::expect_run(RunState state, RunId run) {
  EXPECT_EQ(name(record(run).state), name(state));
  return *this;
}
World& World::expect_run(RunState state, ReasonCode reason, RunId run) {
  EXPECT_EQ(name(record(run).reason.code), name(reason));
  return expect_run(state, run);
}

}  // namespace reeve::core::test
