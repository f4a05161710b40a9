#include "core/forget.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace reeve::core {
namespace {

constexpr std::size_t kNamesMin = 64;  ///< not worth a look
/// A look costs as much as there are runs: it comes when about so many names are new.
constexpr std::size_t kRunsPerName = 8;

void forget_batch_kinds(State& state) {
  std::vector<bool> is_used(state.next_batch_kind);
  for (std::uint32_t i = 0; i < state.planner.waiting.classes_end(); ++i)
    is_used[state.planner.waiting.key(schedule::ClassId{i}).batch] = true;
  std::erase_if(state.batch_kinds, [&](const auto& kind) { return !is_used[kind.second]; });
}

}  // namespace

void forget_unused_names(State& state, Time now) {
  schedule::Planner& planner = state.planner;
  if (planner.names() + state.origins.size() < state.names_max) return;
  std::vector<bool> classes(planner.waiting.classes_end());
  std::vector<bool> lock_sets(planner.locks.sets_end());
  lock_sets[0] = true;
  state.each_run([&](const Run& run) {
    lock_sets[run.admission_locks.value] = true;
    for (const Group& group : run.groups) classes[group.ready_class.value] = true;
  });
  planner.forget_unused(std::move(classes), std::move(lock_sets), now);
  forget_batch_kinds(state);
  std::erase_if(state.origins, [](const auto& origin) { return origin.second.expired(); });
  state.last_class = {};
  const std::size_t left = planner.names() + state.origins.size();
  state.names_max = std::max({kNamesMin, 2 * left, left + state.run_count() / kRunsPerName});
}

}  // namespace reeve::core
