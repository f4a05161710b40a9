#include "core/test_chaos.h"

#include <array>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace reeve::core::test {
namespace {

constexpr std::uint32_t kMovesMax = 5'000;

// Without limits on time and without fail-fast: how tasks end must not depend on their order.
constexpr auto kWorkflows = std::to_array<std::string_view>({
    "tasks: {a: {run: x}, b: {run: x, needs: a}, c: {run: x, needs: {a: failure}}, d: {run: x, "
    "needs: [b, c], if: always()}}",
    "tasks: {t: {run: x, array: 7, max-parallel: 3, retry: 1}, u: {run: x, needs: t, retry: {max: "
    "2, backoff: 1m, limits: {lost: 1}}}}\non_failure: {mend: {run: x}}\nfinally: {tidy: {run: x}}",
    "tasks:\n  list: {run: x, continue-on-error: true}\n"
    "  each: {run: x, needs: {list: always}, for_each: '${{ fromJSON(needs.list.outputs.items || "
    "''[1,2]'') }}', artifacts: [{path: o, when: always}]}\n"
    "  after: {run: x, needs: each, if: '!cancelled()'}\n"
    "outputs: {last: '${{ needs.after.outputs.items }}'}",
    "concurrency: {group: g, limit: 2}\ntasks: {m: {run: x, matrix: {v: [1, 2], w: [3, 4]}, "
    "fail-fast: false, locks: db}, n: {run: x, needs: {m: always}, priority: 4}}\n"
    "finally: {tidy: {run: x, array: 2, if: failure()}}",
    "concurrency: alone\ntasks: {a: {run: x, resources: {cpu: 3}}, b: {run: x, continue-on-error: "
    "true}, c: {run: x, needs: [a, b], concurrency: {group: h, limit: 2}}}",
    "tasks:\n  plan: {run: x, retry: 3}\n  legs: {run: x, needs: plan, matrix: '${{ "
    "fromJSON(needs.plan.outputs.legs || ''{\"k\":[1,2,3]}'') }}', fail-fast: false}\n"
    "on_failure: {tell: {run: x, retry: 1}}",
    "tasks: {ask: {approval: {}}, go: {run: x, needs: ask, artifacts: [o], retry: {max: 1, on: "
    "[rejected, exit]}}, other: {run: x}}\nfinally: {tidy: {run: x, if: always()}}",
});

std::uint64_t mix(std::uint64_t value) {  // splitmix64
  value += 0x9e3779b97f4a7c15U;
  value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
  value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
  return value ^ (value >> 31U);
}

std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 0;
  for (const char c : text) hash = mix(hash ^ static_cast<unsigned char>(c));
  return hash;
}

}  // namespace

Chaos::Chaos(std::uint64_t seed, Chances chances)
    : seed_(seed),
      state_(mix(seed ^ 77)),
      chances_(chances) {
  world_.strict = false;
  world_.run_time = Duration{1000 * (1 + seed % 200)};
  const std::uint64_t count = 1 + mix(seed) % 4;
  for (std::uint64_t i = 0; i < count; ++i)
    world_.submit(kWorkflows[mix(seed + i) % kWorkflows.size()]);
  runs_ = static_cast<std::uint32_t>(count);
}

std::uint64_t Chaos::next_bits() { return state_ = mix(state_); }

Report Chaos::end_of(const Attempt& attempt) const {
  const std::uint64_t bits = mix(seed_ ^ hash_of(attempt.label) ^ attempt.number);
  Report report{.random = bits};
  switch (bits % 8) {
    case 0: report.outcome = exited(static_cast<std::int32_t>(1 + bits % 100)); break;
    case 1: report.outcome = outcome(OutcomeClass::signalled); break;
    case 2: report.outcome = outcome(OutcomeClass::start_failed), report.ran = false; break;
    case 3: report.outcome = outcome(OutcomeClass::timed_out); break;
    default:
      report.outputs = {{"items", fmt::format("[{}]", bits % 9)},
                        {"legs", fmt::format(R"({{"k":[{}]}})", bits % 9)}};
      break;
  }
  return report;
}

void Chaos::collect(Attempt& attempt) {
  attempt.collecting = false;
  const bool there = mix(seed_ ^ hash_of(attempt.label)) % 4 != 0;
  ArtifactsCollected event{attempt.token, there, {}, there ? "" : "o: no such file", 7};
  if (there) event.artifacts = {{"o", "/kept/o"}};
  EXPECT_TRUE(world_.request(event));
}

void Chaos::report(Attempt& attempt) {
  const std::string label = attempt.label;
  if (attempt.collecting) return collect(attempt);
  if (attempt.started_at == kUnset && chance(400)) {
    world_.started(label);
    return;
  }
  if (mix(seed_ ^ hash_of(label) ^ (attempt.number << 20U)) % 20 == 0) {
    world_.lose(label);
    return;
  }
  world_.ended(label, end_of(attempt));
}

void Chaos::report_wrongly() {
  if (world_.attempts().empty()) return;
  auto at = world_.attempts().begin();
  std::advance(at, static_cast<std::ptrdiff_t>(below(world_.attempts().size())));
  const Attempt& attempt = at->second;
  switch (below(4)) {
    case 0:
      if (attempt.started_at != kUnset)
        (void)world_.request(AttemptStarted{attempt.token, attempt.started_at});
      break;
    case 1: EXPECT_TRUE(world_.request(AttemptProgressed{{attempt.token, 50, "half"}})); break;
    case 2:
      if (attempt.ended && attempt.end.end.token == attempt.token)
        (void)world_.request(attempt.end);
      break;
    default: world_.pool(false).pool(true); break;
  }
}

void Chaos::interfere() {
  const RunId run{1 + static_cast<std::uint32_t>(below(runs_))};
  const Run* found = world_.state().find_run(run);
  if (found == nullptr) {
    if (world_.record(run).round < 4) {
      Retry event{.run = run, .failed_only = chance(500), .from = GroupIndex{0}, .by = "ada"};
      event.from.value =
          static_cast<std::uint32_t>(below(world_.disk().at(run).record.workflow->groups.size()));
      EXPECT_TRUE(world_.core().reload(copy_of(world_.disk().at(run))));
      if (!world_.request(event)) world_.core().unload(run);
    }
    return;
  }
  const auto index = static_cast<std::uint32_t>(below(found->tasks.size() + 1));
  // What is refused has changed nothing, which request() checks.
  switch (below(8)) {
    case 0: (void)world_.request(Cancel{.run = run, .kill = chance(300)}); break;
    case 1: (void)world_.request(Cancel{.run = run, .task = index}); break;
    case 2: (void)world_.request(Pause{.run = run}); break;
    case 3: (void)world_.request(Pause{.run = run, .paused = false}); break;
    case 4: (void)world_.request(Pause{.run = run, .task = index}); break;
    case 5: (void)world_.request(Pause{.run = run, .task = index, .paused = false}); break;
    default:
      (void)world_.request(Approve{.task = {run, index}, .approved = chance(700), .by = "ada"});
      break;
  }
}

void Chaos::wake_everything() {
  for (std::uint32_t id = 1; id <= runs_; ++id) {
    const Run* run = world_.state().find_run(RunId{id});
    if (run == nullptr) continue;
    if (run->record.paused || run->record.interrupted)
      (void)world_.request(Pause{.run = RunId{id}, .paused = false});
    for (std::uint32_t i = 0; i < run->tasks.size(); ++i) {
      const TaskState state = run->tasks[i].state;
      if (state == TaskState::paused)
        (void)world_.request(Pause{.run = RunId{id}, .task = i, .paused = false});
      if (state == TaskState::awaiting_approval)
        (void)world_.request(Approve{.task = {RunId{id}, i}, .by = "ada"});
      run = world_.state().find_run(RunId{id});
      if (run == nullptr) break;
    }
  }
}

void Chaos::move() {
  if (chance(chances_.restart)) {
    world_.restart(chance(800));
    return;
  }
  if (chance(chances_.people)) return interfere();
  if (chance(chances_.faults)) return report_wrongly();
  std::vector<Attempt*> live;
  for (auto& [token, attempt] : world_.attempts()) {
    const auto known = world_.state().live.find(token);
    if (known == world_.state().live.end()) attempt.collecting = false;
    // One that is staged does not run: the executor starts in order.
    const bool placed =
        known != world_.state().live.end() && world_.state().holds_capacity(known->second);
    if ((!attempt.ended && placed) || attempt.collecting) live.push_back(&attempt);
  }
  if (!live.empty()) return report(*live[below(live.size())]);
  const auto wake = world_.core().next_wake();
  if (wake && *wake < world_.now() + std::chrono::hours{2})
    world_.wait(std::max(*wake - world_.now(), Duration{0}));
  else
    wake_everything();
}

bool Chaos::run_to_end() {
  while (world_.unfinished() > 0) {
    if (++moves_ > kMovesMax || testing::Test::HasFailure()) return false;
    if (moves_ > kMovesMax / 10) chances_.people = 0;  // let it end
    move();
  }
  return true;
}

std::string Chaos::ends() const {
  std::string out;
  for (std::uint32_t id = 1; id <= runs_; ++id) {
    out += fmt::format("run {} {}:", id, name(world_.record(RunId{id}).state));
    for (const auto& [label, view] : world_.finished(RunId{id}))
      out += fmt::format(" {} {}", label, name(view.task.state));
    out += "\n";
  }
  return out;
}

}  // namespace reeve::core::test
