#include "sim/clients.h"

#include <algorithm>
#include <iterator>
#include <set>

#include <fmt/format.h>

namespace reeve::sim {
namespace {

using core::TaskState;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::uint32_t kTriesMax = 30;

std::uint64_t packed_run(const core::Event& event) {
  return std::visit(
      [](const auto& e) -> std::uint64_t {
        if constexpr (requires { e.run.value; })
          return e.run.value;
        else if constexpr (requires { e.task.run.value; })
          return e.task.run.value;
        else
          return 0;
      },
      event);
}

}  // namespace

Clients::Clients(Basics& basics, Checker& checker, Setup setup)
    : basics_(basics),
      checker_(checker),
      setup_(std::move(setup)),
      random_(basics.seed, Concern::clients),
      following_(basics.seed, Concern::following) {}

core::SubmitRun Clients::make_submission(std::uint64_t workflow, std::size_t index) {
  core::SubmitRun event;
  event.uuid = Uuid::from_parts(index + 1, random_.bits(), random_.bits());
  event.workflow = setup_.workflows[workflow];
  event.workflow_digest = event.workflow->digest;
  event.inputs = random_.chance(800) ? R"({"flag":"on"})" : R"({"flag":"off"})";
  event.priority = static_cast<std::int32_t>(random_.chance(200) ? random_.between(-3, 3) : 0);
  if (random_.chance(700)) event.texts.idempotency_key = fmt::format("key-{}", index);
  event.directory = "/work";
  event.submitter = "ada";
  return event;
}

void Clients::begin() {
  const Duration busy = setup_.shape.busy;
  for (std::uint32_t i = 0; i < setup_.shape.runs; ++i) {
    const std::uint64_t workflow = random_.below(setup_.workflows.size());
    submissions_.push_back({.event = make_submission(workflow, i), .number = workflow});
    basics_.agenda.after(random_.between(Duration{0}, busy * 2 / 3), [this, i] { submit(i); });
  }
  const Duration moment = random_.between(Duration{0}, busy);
  for (std::uint32_t i = 0; i < setup_.shape.burst; ++i) {
    const std::uint64_t workflow = random_.below(setup_.workflows.size());
    const std::size_t index = submissions_.size();
    submissions_.push_back({.event = make_submission(workflow, index), .number = workflow});
    basics_.agenda.after(moment, [this, index] { submit(index); });
  }
  const std::uint64_t requests = random_.below(std::uint64_t{setup_.shape.requests_max} + 1);
  for (std::uint64_t i = 0; i < requests; ++i)
    basics_.agenda.after(random_.between(Duration{0}, busy), [this] { request_something(); });
}

std::vector<core::RunAfter> Clients::choose_after() {
  const auto& runs = checker_.model().runs();
  std::vector<core::RunAfter> after;
  if (!has(setup_.shape, Feature::follows) || runs.empty() || !following_.chance(450)) return after;
  const std::uint64_t count = following_.chance(700) ? 1 : 2 + following_.below(3);
  for (std::uint64_t i = 0; i < count; ++i) {
    // Mostly the newest, which are the least likely to be over: chains, too.
    const std::uint64_t back = following_.chance(600)
                                   ? following_.below(std::min<std::size_t>(runs.size(), 3))
                                   : following_.below(runs.size());
    const RunId run = std::prev(runs.end(), static_cast<std::ptrdiff_t>(back + 1))->first;
    const auto condition =
        static_cast<core::AfterCondition>(following_.below(core::kAfterConditionCount));
    after.push_back({.run = run, .uuid = {}, .condition = condition});
  }
  return after;
}

void Clients::submit(std::size_t index) {
  Submission& submission = submissions_[index];
  if (submission.is_answered || submission.tries >= kTriesMax) return;
  SimEngine* engine = setup_.engine();
  if (submission.tries == 0) submission.after = choose_after();
  const core::SubmitRun event = submission.event;
  const bool posted = engine != nullptr &&
                      engine->post(core::submission_event(event, submission.after),
                                   [this, index, event](const Result<engine::Receipt>& receipt) {
                                     on_submitted(index, event, receipt);
                                   });
  if (posted) {
    ++submission.tries;
    basics_.note(Note::submit, submission.number, index, submission.tries);
  } else {
    if (engine != nullptr && engine->is_alive()) basics_.faults.count(Fault::inbox_full);
    basics_.note(Note::submit_full, submission.number, index);
  }
  // Without a key, asking again after a request that may have been heard could mean two runs.
  const bool may_repeat = !posted || !submission.event.texts.idempotency_key.empty();
  if (!may_repeat) return;
  const Duration patience = posted ? random_.any_scale(milliseconds{5}, minutes{1})
                                   : random_.any_scale(milliseconds{1}, seconds{5});
  submission.event.uuid = Uuid::from_parts(index + 1, random_.bits(), random_.bits());
  basics_.agenda.after(patience, [this, index] { submit(index); });
}

void Clients::on_submitted(std::size_t index, const core::SubmitRun& event,
                           const Result<engine::Receipt>& receipt) {
  if (!receipt) {
    // An engine that stops says so; then it is as if there had been no answer.
    if (!info(receipt.error().code).retryable && receipt.error().code != ErrorCode::io_failed)
      basics_.verdict.fail("answers", "a submission is refused: " + receipt.error().text());
    return;
  }
  submissions_[index].is_answered = true;
  basics_.note(Note::acknowledged, receipt->run.value, index, receipt->existed ? 1 : 0);
  checker_.on_submit_answered(event, *receipt, submissions_[index].after);
}

bool Clients::send(const core::Event& event) {
  SimEngine* engine = setup_.engine();
  if (engine == nullptr) return false;
  checker_.on_request_sent(event);
  basics_.note(Note::request, event.index(), packed_run(event));
  return engine->post(event, [this, event](const Result<engine::Receipt>& receipt) {
    if (receipt) checker_.on_request_answered(event);
  });
}

void Clients::request_something() {
  const auto& runs = checker_.model().runs();
  if (runs.empty()) return;
  const RunImage& run =
      std::next(runs.begin(), static_cast<std::ptrdiff_t>(random_.below(runs.size())))->second;
  const auto tasks = static_cast<std::uint32_t>(run.tasks.size());
  const bool one = tasks > 0 && random_.chance(400);
  const std::uint32_t task =
      one ? static_cast<std::uint32_t>(random_.below(tasks)) : core::kWholeRun;
  switch (random_.below(8)) {
    case 0:
    case 1:
      send(core::Cancel{.run = run.id,
                        .task = task,
                        .kill = random_.chance(300),
                        .grace = random_.chance(500)
                                     ? Duration{-1}
                                     : random_.any_scale(milliseconds{1}, seconds{9}),
                        .by = "ada",
                        .why = random_.chance(500) ? "no longer wanted" : ""});
      break;
    case 2:
    case 3:
      send(core::Pause{.run = run.id, .task = task, .paused = random_.chance(600), .by = "ada"});
      break;
    case 4:
      if (one) send(core::Approve{{run.id, task}, random_.chance(800), "ada"});
      break;
    default:
      send(core::Retry{.run = run.id,
                       .failed_only = random_.chance(700),
                       .from = GroupIndex{static_cast<std::uint32_t>(
                           random_.below(run.workflow->groups.size() + 1))},
                       .by = "ada"});
      break;
  }
}

std::uint32_t Clients::unanswered() const {
  std::uint32_t count = 0;
  for (const Submission& submission : submissions_)
    count += !submission.is_answered && !submission.event.texts.idempotency_key.empty() ? 1U : 0U;
  return count;
}

bool Clients::is_left_waiting(TaskId task) const {
  return derive_seed(basics_.seed, task.packed()) % 8 == 0;
}

std::size_t Clients::tidy_run(const RunImage& run) {
  std::size_t requests = 0;
  SimEngine* engine = setup_.engine();
  const core::Run* live = engine != nullptr ? engine->state().find_run(run.id) : nullptr;
  if (run.paused || (live != nullptr && live->record.interrupted))
    requests += send(core::Pause{.run = run.id, .paused = false, .by = "ada"}) ? 1U : 0U;
  for (std::uint32_t i = 0; i < run.tasks.size(); ++i) {
    const TaskId id{run.id, i};
    if (run.tasks[i].row.state == TaskState::paused) {
      requests +=
          send(core::Pause{.run = run.id, .task = i, .paused = false, .by = "ada"}) ? 1U : 0U;
    } else if (run.tasks[i].row.state == TaskState::awaiting_approval && !is_left_waiting(id)) {
      const bool approved = derive_seed(basics_.seed, id.packed()) % 4 != 1;
      requests += send(core::Approve{id, approved, "ada"}) ? 1U : 0U;
    }
  }
  return requests;
}

std::size_t Clients::tidy() {
  std::size_t requests = 0;
  for (const auto& [id, run] : checker_.model().runs()) {
    if (!core::is_final(run.state)) requests += tidy_run(run);
  }
  return requests;
}

std::size_t Clients::cancel_all() {
  std::size_t requests = 0;
  for (const auto& [id, run] : checker_.model().runs()) {
    if (!core::is_final(run.state))
      requests += send(core::Cancel{.run = id, .kill = true, .by = "ada"}) ? 1U : 0U;
  }
  return requests;
}

bool Clients::is_unplaceable(const RunImage& run) const {
  for (std::uint32_t g = 0; g < run.groups.size(); ++g) {
    if (Model::outcome_of(run, {g}) == GroupOutcome::open &&
        !setup_.shape.capacity.covers(run.policy_of({g}).resources))
      return true;
  }
  return false;
}

std::string Clients::may_wait(const RunImage& run) const {
  if (std::string own = own_wait(run); !own.empty()) return own;
  // What it follows, and so on.
  std::vector<RunId> open = checker_.following().waited_for(run.id);
  std::set<RunId> seen(open.begin(), open.end());
  while (!open.empty()) {
    const RunId id = open.back();
    open.pop_back();
    if (!own_wait(*checker_.model().find(id)).empty()) return "what it follows";
    for (const RunId next : checker_.following().waited_for(id)) {
      if (seen.insert(next).second) open.push_back(next);
    }
  }
  return {};
}

std::string Clients::own_wait(const RunImage& run) const {
  for (std::uint32_t i = 0; i < run.tasks.size(); ++i) {
    if (run.tasks[i].row.state == TaskState::awaiting_approval && is_left_waiting({run.id, i}))
      return "approval";
  }
  if (is_unplaceable(run)) return "a place that there never is";
  // Its concurrency group may be held by a run that waits so.
  if (run.concurrency_group.empty()) return {};
  for (const auto& [id, other] : checker_.model().runs()) {
    if (id == run.id || core::is_final(other.state)) continue;
    if (other.concurrency_group != run.concurrency_group) continue;
    const bool waits =
        is_unplaceable(other) || std::ranges::any_of(other.tasks, [](const auto& task) {
          return task.row.state == TaskState::awaiting_approval;
        });
    if (waits) return "its concurrency group";
  }
  return {};
}

}  // namespace reeve::sim
