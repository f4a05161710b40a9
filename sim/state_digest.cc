#include "sim/state_digest.h"

#include <bit>

#include <fmt/format.h>

namespace reeve::sim {

std::uint64_t state_digest(const core::State& state) {
  std::uint64_t digest = 0x13198a2e03707344ULL;
  const auto mix = [&](std::uint64_t word) {
    digest = std::rotl((digest ^ word) * 0x9e3779b97f4a7c15ULL, 31);
  };
  mix(state.next_token);
  mix(state.live.size());
  for (const core::EstimateRecord& record : state.estimates.records()) {
    mix((std::uint64_t{record.id.value} << 32) | record.estimate.seconds.count);
    mix(record.key);
    mix(record.used);
    mix(std::bit_cast<std::uint64_t>(record.estimate.seconds.mean));
    mix(std::bit_cast<std::uint64_t>(record.estimate.seconds.variance));
    mix(std::bit_cast<std::uint64_t>(record.estimate.ends));
  }
  state.each_run([&](const core::Run& run) {
    const core::RunRecord& record = run.record;
    mix((std::uint64_t{record.id.value} << 32) | record.round);
    mix((static_cast<std::uint64_t>(record.state) << 8) | (record.paused ? 1U : 0U) |
        (record.cancel_requested ? 2U : 0U) | (record.interrupted ? 4U : 0U) |
        (run.admitted ? 8U : 0U));
    for (std::size_t i = 0; record.after && i < record.after->size(); ++i) {
      const core::RunAfter& after = (*record.after)[i];
      mix((std::uint64_t{after.run.value} << 16) | (static_cast<std::uint64_t>(after.ended) << 8) |
          (static_cast<std::uint64_t>(after.condition) << 1) | (after.is_open ? 1U : 0U));
    }
    for (const core::Group& group : run.groups)
      mix((std::uint64_t{group.open} << 32) | (group.released ? 1U : 0U) | (group.done ? 2U : 0U));
    for (const core::Task& task : run.tasks) {
      mix((static_cast<std::uint64_t>(task.state) << 32) | (std::uint64_t{task.charged} << 16) |
          task.attempt);
      mix(task.token.value);
      mix(task.batch.value);
      mix(static_cast<std::uint64_t>(task.wake_at.time_since_epoch().count()));
    }
    if (!run.extras) return;
    for (const auto& [index, extra] : run.extras->tasks) {
      const core::Hedging& hedging = extra.hedging;
      if (hedging == core::Hedging{}) continue;
      mix((std::uint64_t{index} << 32) | (std::uint64_t{hedging.attempts} << 16) | hedging.hedges);
      mix(hedging.companion.token.value);
    }
  });
  return digest;
}

std::string state_text(const core::State& state) {
  std::string out = fmt::format("next token {}, live {}\n", state.next_token, state.live.size());
  state.each_run([&](const core::Run& run) {
    const core::RunRecord& record = run.record;
    out += fmt::format("run {} {} round {} paused {} cancelled {} interrupted {} admitted {}\n",
                       record.id.value, name(record.state), record.round, record.paused,
                       record.cancel_requested, record.interrupted, run.admitted);
    for (std::uint32_t g = 0; g < run.groups.size(); ++g)
      out += fmt::format("  group {} open {} released {} done {}\n", g, run.groups[g].open,
                         run.groups[g].released, run.groups[g].done);
    for (std::uint32_t i = 0; i < run.tasks.size(); ++i) {
      const core::Task& task = run.tasks[i];
      out +=
          fmt::format("  task {} {} attempt {} charged {} token {} wake {}\n", i, name(task.state),
                      task.attempt, task.charged, task.token.value, format_time(task.wake_at));
    }
  });
  for (const core::EstimateRecord& record : state.estimates.records())
    out += fmt::format("estimate {} of {}/{} used {} runs {} mean {} ends {}\n", record.id.value,
                       record.workflow, record.task, record.used, record.estimate.seconds.count,
                       record.estimate.seconds.mean, record.estimate.ends);
  return out;
}

}  // namespace reeve::sim
