#include "sim/world.h"

#include <fmt/format.h>

#include "base/ensure.h"
#include "engine/replay.h"
#include "sim/state_digest.h"
#include "store/memory/memory_store.h"

namespace reeve::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;

constexpr std::size_t kTailLines = 40;
constexpr Duration kMoment = milliseconds{2};
/// Per mille of the engine's lives that end in their recovery, within so many commits or acts.
constexpr std::uint32_t kCrashAgain = 200;
constexpr std::uint32_t kRecoveryReach = 3;
constexpr auto kProcesses = static_cast<std::uint64_t>(Concern::processes);
/// A world that does more than this does not come to rest.
constexpr std::uint64_t kRecordsMax = 1'000'000;
constexpr Duration kTimeMax = std::chrono::days{400};
/// Commits from one look at all explanations to the next.
constexpr std::uint64_t kExplainEvery = 16;
/// A digest looks at all tasks in memory: with more than these not after each commit, or a world of
/// many tasks and many commits takes their product.
constexpr std::uint64_t kDigestTasks = 500;
constexpr int kTidyRoundsMax = 2000;

thread_local const World* running_world = nullptr;

}  // namespace

const World* World::current() { return running_world; }

World::World(WorldOptions options)
    : options_(std::move(options)),
      basics_(options_.seed),
      shape_(options_.shape ? *options_.shape : draw_shape(options_.seed)),
      checker_(basics_),
      executor_({.pool = PoolId{},
                 .agenda = basics_.agenda,
                 .wall = basics_.wall,
                 .behaviour =
                     options_.behaviour
                         ? options_.behaviour
                         : random_behaviour(derive_seed(options_.seed, kProcesses), shape_.temper),
                 .watcher = &checker_},
                options_.flaws.executor),
      engine_random_(options_.seed, Concern::engine),
      step_delays_(options_.seed, Concern::steps),
      faults_random_(options_.seed, Concern::faults),
      clients_(basics_, checker_,
               {.shape = shape_,
                .workflows = options_.workflows.empty() ? make_workflows(options_.seed, shape_)
                                                        : options_.workflows,
                .engine = [this] { return engine(); }}),
      capacity_(shape_.capacity) {
  basics_.rates = shape_.rates;
  if (options_.listener) basics_.trace.set_listener(options_.listener);
  running_world = this;
}

World::~World() { running_world = nullptr; }

SimEngine* World::engine() {
  if (engines_.empty() || !engines_.back()->is_alive() || !engines_.back()->has_engine())
    return nullptr;
  return engines_.back().get();
}

void World::open_engine() {
  if (!basics_.verdict.is_clean()) return;
  engine::Options options;
  options.inbox_events_max = shape_.inbox_events_max;
  if (shape_.policy != SchedulingPolicy{})
    options.policy = core::PolicySet{.policy = shape_.policy, .nodes = {}};
  options.events_per_round_max = shape_.events_per_round_max;
  options.pools = {{.name = "local", .capacity = capacity_}};
  options.resume_all = shape_.resume_all || engines_.empty();
  options.engine_name = fmt::format("simulated {}", engines_.size() + 1);
  if (!options.resume_all) {
    for (const auto& [id, run] : checker_.model().runs()) {
      if (id.value % 2 == 0) options.resume.push_back(id);
    }
  }
  engines_.push_back(
      std::make_unique<SimEngine>(basics_, SimEngine::Setup{.disk = disk_,
                                                            .executors = {&executor_},
                                                            .watcher = *this,
                                                            .random = engine_random_,
                                                            .step_delays = step_delays_,
                                                            .options = std::move(options),
                                                            .clock_keeping = shape_.clock_keeping,
                                                            .flaw = options_.flaws.engine,
                                                            .link_flaw = options_.flaws.link}));
  if (engines_.back()->open(*this)) compare_recovered(*engines_.back());
  if (!faults_are_over_ && engines_.size() > 1 && faults_random_.chance(kCrashAgain))
    arm_crash(*engines_.back(), kRecoveryReach);
}

void World::compare_recovered(const SimEngine& after) {
  const std::size_t lives = engines_.size();
  SimEngine* before = lives > 1 ? engines_[lives - 2].get() : nullptr;
  const bool comparable = before != nullptr && before->has_engine() && before->state_is_durable();
  checker_.on_recovered(after.state(), comparable ? &before->state() : nullptr);
  if (before != nullptr) before->bury();
}

void World::on_durable(const engine::Commit& commit) {
  const core::State& state = engines_.back()->state();
  checker_.on_durable(commit, state);
  if (commit.journal->step % kExplainEvery == 0)
    checker_.check_explanations(state, commit.journal->now);
  note_digest(commit.journal->step, state);
  if (options_.listener) state_texts_.push_back(state_text(state));
}

void World::note_digest(std::uint64_t step, const core::State& state) {
  if (step < next_digest_) return;
  std::uint64_t tasks = 0;
  state.each_run([&](const core::Run& run) { tasks += run.tasks.size(); });
  next_digest_ = step + 1 + tasks / kDigestTasks;
  state_digests_.emplace(step, state_digest(state));
}

void World::on_committed(const engine::Committed& committed) {
  for (const core::TaskChange& change : committed.tasks)
    transitions_[static_cast<std::size_t>(change.from)][static_cast<std::size_t>(change.to)] +=
        change.count;
}

void World::on_engine_died() {
  const Duration away =
      faults_are_over_ ? kMoment : faults_random_.any_scale(milliseconds{1}, minutes{1});
  basics_.note(Note::engine_gone, static_cast<std::uint64_t>(away.count()));
  if (!faults_are_over_ && faults_random_.chance(100)) jump_clock(Fault::clock_back);
  basics_.agenda.after(away, [this] { open_engine(); });
}

void World::drain() {
  Agenda& agenda = basics_.agenda;
  while (!agenda.empty() && basics_.verdict.is_clean()) {
    agenda.run_next();
    if (basics_.trace.size() > kRecordsMax || agenda.now() > kWorldBegin + kTimeMax) {
      basics_.verdict.fail("comes_to_rest", "the world goes on for ever");
      return;
    }
  }
}

void World::end_faults() {
  faults_are_over_ = true;
  basics_.note(Note::faults_over, basics_.faults.total());
  basics_.rates = {};
  capacity_ = shape_.capacity;
  executor_.restart();
  SimEngine* present = engine();
  if (present == nullptr) return;
  present->disarm();
  present->link(PoolId{}).mend();
  present->post(core::CapacitySet{PoolId{}, capacity_}, nullptr);
}

void World::rest() {
  for (int round = 0; round < kTidyRoundsMax; ++round) {
    drain();
    const std::size_t requests = clients_.tidy();
    basics_.note(Note::tidied, requests);
    if (requests == 0 || !basics_.verdict.is_clean()) break;
  }
  if (!basics_.verdict.is_clean()) return;
  checker_.on_rest([this](const RunImage& run) { return clients_.may_wait(run); });
  while (clients_.cancel_all() > 0 && basics_.verdict.is_clean()) drain();
  if (!basics_.verdict.is_clean()) return;
  checker_.on_rest([](const RunImage&) { return std::string{}; });
}

void World::check_end() {
  if (clients_.unanswered() > 0)
    basics_.verdict.fail("answers", "a client with a key was never answered");
  // One more life, without faults: what is still kept somewhere must go now.
  if (SimEngine* present = engine(); present != nullptr) present->die();
  drain();
  if (executor_.unfinished() > 0 || executor_.kept_ends() > 0)
    basics_.verdict.fail("leftovers", fmt::format("the executor keeps {} ends and {} attempts",
                                                  executor_.kept_ends(), executor_.unfinished()));
  store::memory::MemoryStore store(disk_);
  checker_.check_store(store);
  if (options_.replay && basics_.verdict.is_clean()) check_replay();
}

void World::check_replay() {
  store::memory::MemoryStore store(disk_);
  engine::ReplayOptions options{.pools = {{.name = "local", .capacity = {}}}};
  options.after_step = [this](const engine::JournalRecord& record, const core::State& state) {
    ++steps_replayed_;
    const auto was = state_digests_.find(record.step);
    if (was == state_digests_.end() || !basics_.verdict.is_clean() ||
        state_digest(state) == was->second)
      return;
    std::string text = fmt::format("after step {} the state is another when replayed", record.step);
    if (record.step <= state_texts_.size())
      text +=
          fmt::format("\nit was\n{}it is\n{}", state_texts_[record.step - 1], state_text(state));
    basics_.verdict.fail("replay", std::move(text));
  };
  const auto report = engine::replay(store, options);
  if (!report)
    basics_.verdict.fail("replay", "the journal cannot be replayed: " + report.error().text());
  else if (report->diverged_at)
    basics_.verdict.fail("replay", fmt::format("step {} decides something else when replayed",
                                               *report->diverged_at));
  else if (report->steps != checker_.model().commits())
    basics_.verdict.fail("replay", fmt::format("{} steps were replayed of {}", report->steps,
                                               checker_.model().commits()));
}

Report World::run() {
  clients_.begin();
  basics_.agenda.after(Duration{0}, [this] { open_engine(); });
  schedule_fault();
  drain();
  return finish();
}

void World::start() {
  faults_are_over_ = true;
  open_engine();
}

Report World::finish() {
  if (basics_.verdict.is_clean()) rest();
  if (basics_.verdict.is_clean()) check_end();
  if (!disk_.journal().empty()) {
    std::uint64_t chain = 0;
    for (const std::uint8_t byte : disk_.journal().back().chain.bytes) chain = chain * 31 + byte;
    basics_.note(Note::state_digest, chain);
  }
  return report();
}

Report World::report() const {
  Report report;
  report.seed = options_.seed;
  report.digest = basics_.trace.digest();
  report.violation = basics_.verdict.first();
  if (report.violation) report.tail = basics_.trace.tail(kTailLines);
  report.faults = basics_.faults;
  report.engine_lives = engines_.size();
  report.commits = checker_.model().commits();
  report.attempts = checker_.model().attempts().size();
  report.hedges = checker_.hedges_made();
  report.runs = checker_.model().runs().size();
  report.transitions = transitions_;
  report.time = basics_.agenda.now() - kWorldBegin;
  return report;
}

}  // namespace reeve::sim
