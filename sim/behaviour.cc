#include "sim/behaviour.h"

#include <string_view>

namespace reeve::sim {
namespace {

constexpr std::string_view kOutputsWord = "outputs:";

Outcome failure(Generator& random) {
  switch (random.below(8)) {
    case 0: return {OutcomeClass::signalled, 11, {ReasonCode::killed_by_signal, 0, 11}};
    case 1: return {OutcomeClass::signalled, 9, {ReasonCode::killed_by_signal, 0, 9}};
    case 2: return {OutcomeClass::out_of_memory, 9, {ReasonCode::memory_limit, 0, 1 << 20}};
    default: {
      const auto status = static_cast<std::int32_t>(random.between(1, 127));
      return {OutcomeClass::exited, status, {ReasonCode::exit_status, 0, status}};
    }
  }
}

/// "outputs:items=[1,2]" gives the output "items".
void read_outputs(std::string_view text, std::vector<OutputValue>& out) {
  const std::size_t begin = text.find(kOutputsWord);
  if (begin == std::string_view::npos) return;
  const std::string_view rest = text.substr(begin + kOutputsWord.size());
  const std::size_t equals = rest.find('=');
  if (equals == std::string_view::npos) return;
  out.push_back({std::string{rest.substr(0, equals)}, std::string{rest.substr(equals + 1)}});
}

}  // namespace

BehaviourOf random_behaviour(std::uint64_t seed, Temper temper) {
  return [seed, temper](const Launch& launch) {
    Generator random{derive_seed(derive_seed(seed, launch.task.packed()), launch.attempt)};
    Behaviour behaviour;
    behaviour.start_delay = random.any_scale(Duration{200}, std::chrono::milliseconds{20});
    if (random.chance(20))
      behaviour.start_delay = random.any_scale(std::chrono::seconds{1}, std::chrono::minutes{2});
    behaviour.starts = !random.chance(temper.not_starting);
    behaviour.run_time = random.any_scale(temper.run_time_min, temper.run_time_max);
    behaviour.silence = Duration{random.between(0, behaviour.run_time.count())};
    behaviour.dying_time = random.any_scale(Duration{100}, std::chrono::seconds{5});
    if (random.chance(temper.stubborn)) behaviour.dying_time = std::chrono::hours{24};
    behaviour.exits_on_signal = random.chance(100);
    behaviour.progress_reports =
        random.chance(300) ? static_cast<std::uint32_t>(random.below(4)) : 0;
    if (random.chance(temper.failing)) behaviour.outcome = failure(random);
    if (behaviour.outcome.is_success()) {
      behaviour.outcome.reason = {ReasonCode::completed, 0, 0};
      read_outputs(launch.script, behaviour.outputs);
      for (const std::string& argument : launch.arguments)
        read_outputs(argument, behaviour.outputs);
    }
    return behaviour;
  };
}

}  // namespace reeve::sim
