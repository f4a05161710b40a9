#include "sim/sim_engine.h"

#include <algorithm>
#include <utility>

#include "base/ensure.h"
#include "store/memory/memory_store.h"

namespace reeve::sim {
namespace {

/// Events that the engine posts to itself must find room too.
constexpr std::uint64_t kInboxReserve = 4;
constexpr Duration kStepDelayMax = std::chrono::milliseconds{2};

}  // namespace

/// The Store that the engine sees: the memory store of this life, behind what may go wrong.
class SimEngine::StorePort final : public engine::Store {
 public:
  StorePort(SimEngine& owner, store::memory::MemoryDisk& disk) : owner_(owner), store_(disk) {}
  Status commit(const engine::Commit& commit) override { return owner_.commit(commit); }
  Result<engine::Snapshot> load() override { return store_.load(); }
  Result<engine::StoredRun> load_run(RunId run) override { return store_.load_run(run); }
  Result<engine::RunEnd> find_end(RunId run) override { return store_.find_end(run); }
  Result<std::vector<RunId>> find_idempotency_keys(
      std::span<const std::string_view> keys) override {
    return store_.find_idempotency_keys(keys);
  }
  Status read_journal(std::uint64_t from_step,
                      const std::function<bool(const engine::JournalRecord&)>& visit) override {
    return store_.read_journal(from_step, visit);
  }
  Result<std::shared_ptr<const spec::Workflow>> load_workflow(const Digest& digest) override {
    return store_.load_workflow(digest);  // shared: as in RunRecord
  }
  store::memory::MemoryStore& inner() { return store_; }

 private:
  SimEngine& owner_;
  store::memory::MemoryStore store_;
};

SimEngine::SimEngine(Basics& basics, Setup setup)
    : basics_(basics),
      setup_(std::move(setup)),
      clock_(basics.wall, setup_.clock_keeping),
      random_(setup_.random),
      store_(std::make_unique<StorePort>(*this, setup_.disk)),
      artifacts_(basics, *this) {
  for (std::uint32_t pool = 0; pool < setup_.executors.size(); ++pool) {
    links_.push_back(std::make_unique<Link>(
        basics_, Link::Far{PoolId{pool}, *setup_.executors[pool], setup_.link_flaw}, *this));
  }
}

SimEngine::~SimEngine() { alive_ = false; }

bool SimEngine::open(engine::Observer& observer) {
  std::vector<engine::Executor*> executors;
  for (const auto& link : links_) executors.push_back(link.get());
  auto opened = engine::Engine::open({.clock = clock_,
                                      .random = random_,
                                      .store = *store_,
                                      .executors = executors,
                                      .artifacts = &artifacts_},
                                     setup_.options);
  if (!opened) {
    basics_.verdict.fail("opens", "the engine does not open: " + opened.error().text());
    return false;
  }
  engine_ = std::move(*opened);
  engine_->add_observer(observer);
  // What it does when the wall clock is behind the journal: it counts on from there.
  if (!setup_.disk.journal().empty())
    ahead_ = std::max(setup_.disk.journal().back().now - clock_.now(), Duration{0});
  basics_.note(Note::engine_opened);
  schedule_step(Duration{0});
  return true;
}

bool SimEngine::post(core::Event event, engine::Completion done) {
  if (!alive_) return false;
  if (setup_.flaw == EngineFlaw::answers_early && core::submission_of(event) != nullptr) {
    done(engine::Receipt{.run = RunId{engine_->state().next_run}, .existed = false});
    done = nullptr;
  }
  const auto answer = [this, done = std::move(done)](const Result<engine::Receipt>& receipt) {
    if (!can_answer(receipt) || !done) return;
    basics_.note(Note::answered, receipt ? receipt->run.value : 0, receipt ? 1 : 0);
    done(receipt);
  };
  if (!engine_->post(std::move(event), answer)) return false;
  on_posted();
  return true;
}

bool SimEngine::can_answer(const Result<engine::Receipt>& receipt) {
  // A refusal promises nothing, and a run that existed is durable already: the checkers look at it.
  const bool promises = receipt && !receipt->existed;
  return promises ? act() : alive_;
}

bool SimEngine::has_room() const {
  return in_inbox_ + kInboxReserve < setup_.options.inbox_events_max;
}

void SimEngine::on_posted() {
  ++in_inbox_;
  schedule_step(setup_.step_delays.between(Duration{0}, kStepDelayMax));
}

bool SimEngine::is_due(Fault point) {
  if (!plan_ || plan_->point != point) return false;
  return plan_->after-- == 0;
}

bool SimEngine::act() {
  if (!alive_) return false;
  if (commit_failed_) {
    basics_.verdict.fail("stops", "the engine acts after its commit failed");
    return false;
  }
  if (in_step_ && !committed_in_step_)
    basics_.verdict.fail("durable_first", "something gets out before the commit of its step");
  if (is_due(Fault::crash_before_act)) {
    basics_.faults.count(Fault::crash_before_act);
    die();
    return false;
  }
  return true;
}

void SimEngine::die() {
  if (!alive_) return;
  alive_ = false;
  basics_.note(Note::engine_crash, commits_);
  setup_.watcher.on_engine_died();
}

Status SimEngine::commit(const engine::Commit& commit) {
  if (!alive_) return fail(ErrorCode::io_failed, "the process is dead");
  if (commit_failed_) basics_.verdict.fail("stops", "the engine commits after its commit failed");
  state_is_durable_ = false;
  if (is_due(Fault::crash_before_commit)) {
    basics_.faults.count(Fault::crash_before_commit);
    die();
    return fail(ErrorCode::io_failed, "the process is dead");
  }
  std::optional<Fault> fault;
  for (const Fault each : {Fault::commit_refused, Fault::commit_unsure}) {
    if (is_due(each)) fault = each;
  }
  if (fault) {
    basics_.faults.count(*fault);
    basics_.note(Note::commit_fault, static_cast<std::uint64_t>(*fault), commits_);
    store_->inner().fail_commit(0, *fault == Fault::commit_refused
                                       ? store::memory::CommitFault::before
                                       : store::memory::CommitFault::after);
  }
  const Status stored = store_->inner().commit(damaged(commit));
  commit_failed_ = !stored.has_value();
  if (!stored && !fault)
    basics_.verdict.fail("store", "the store refuses a commit: " + stored.error().text());
  if (fault == Fault::commit_refused) return stored;
  ++commits_;
  committed_in_step_ = stored.has_value();
  state_is_durable_ = true;
  basics_.note(Note::commit, commit.journal->step, commit.tasks.size(), commit.attempts.size());
  setup_.watcher.on_durable(commit);
  return stored;
}

/// What the store is given, when the flaw is that it loses something.
engine::Commit SimEngine::damaged(const engine::Commit& commit) const {
  engine::Commit given = commit;
  if (commits_ % 8 != 7) return given;
  if (setup_.flaw == EngineFlaw::loses_commit) {
    given.tasks = {};
    given.attempts = {};
  } else if (setup_.flaw == EngineFlaw::loses_task_rows && !given.tasks.empty()) {
    given.tasks = given.tasks.first(given.tasks.size() - 1);
  }
  return given;
}

void SimEngine::schedule_step(Duration delay) {
  if (step_pending_) return;
  step_pending_ = true;
  basics_.agenda.after(delay, [this] {
    step_pending_ = false;
    step();
  });
}

void SimEngine::schedule_wake() {
  const std::uint64_t number = ++wake_number_;
  if (!engine_->has_work()) {
    const auto wake = engine_->next_wake();
    if (!wake || *wake == kNever) return;
    basics_.agenda.at(clock_.world_time(*wake - ahead_), [this, number] {
      if (number == wake_number_) step();
    });
    return;
  }
  schedule_step(setup_.step_delays.between(Duration{0}, kStepDelayMax));
}

void SimEngine::step() {
  if (!alive_ || !basics_.verdict.is_clean()) return;
  in_step_ = true;
  committed_in_step_ = false;
  const Status stepped = engine_->step();
  in_step_ = false;
  in_inbox_ -= std::min<std::uint64_t>(in_inbox_, setup_.options.events_per_round_max);
  basics_.note(Note::engine_step, commits_, stepped ? 1 : 0);
  if (!alive_) return;
  if (!stepped) {
    if (!commit_failed_)
      basics_.verdict.fail("stops", "the engine stops by itself: " + stepped.error().text());
    die();
    return;
  }
  if (commit_failed_) basics_.verdict.fail("stops", "the engine goes on after a failed commit");
  engine_->state().check_invariants();
  schedule_wake();
}

}  // namespace reeve::sim
