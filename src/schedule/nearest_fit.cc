#include "schedule/nearest_fit.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

namespace reeve::schedule {
namespace {

std::int64_t countable_of(const Resources& resources, const std::string& name) {
  const auto found = std::ranges::find(resources.countables, name, &Countable::name);
  return found == resources.countables.end() ? 0 : found->amount;
}

/// What of `asked` is beyond `there`, and the largest ratio of the two (infinite where there is
/// none).
struct Excess {
  Resources missing;
  double ratio = 0;

  std::int64_t add(std::int64_t asked, std::int64_t there) {
    if (asked <= 0) return 0;
    constexpr double kNothingThere = 1e18;
    const double of_there =
        there > 0 ? static_cast<double>(asked) / static_cast<double>(there) : kNothingThere;
    ratio = std::max(ratio, of_there);
    return std::max<std::int64_t>(asked - there, 0);
  }
};

Excess excess_of(const Resources& asked, const Resources& there) {
  Excess excess;
  excess.missing = {.cpu_millicores = excess.add(asked.cpu_millicores, there.cpu_millicores),
                    .memory_bytes = excess.add(asked.memory_bytes, there.memory_bytes),
                    .disk_bytes = excess.add(asked.disk_bytes, there.disk_bytes),
                    .gpu_milli = excess.add(asked.gpu_milli, there.gpu_milli),
                    .countables = {}};
  for (const Countable& wanted : asked.countables) {
    const std::int64_t beyond = excess.add(wanted.amount, countable_of(there, wanted.name));
    if (beyond > 0) excess.missing.countables.push_back({wanted.name, beyond});
  }
  return excess;
}

}  // namespace

std::optional<NearestFit> nearest_fit(const Nodes& nodes, const Demand& demand) {
  std::optional<NearestFit> best;
  std::tuple<std::size_t, double> best_distance;
  std::vector<std::uint32_t> holders(demand.variants.size(), 0);
  for (std::uint32_t n = 0; n < nodes.size(); ++n) {
    const NodeSetup& setup = nodes.setup(NodeId{n});
    NearestFit fit{.node = NodeId{n}, .unmet = {}, .missing = {}};
    for (const LabelRule& rule : demand.rules.require)
      if (!rule.holds(setup.labels)) fit.unmet.push_back(rule);
    const std::int64_t most = demand.rules.price_micros_per_hour_max;
    fit.is_too_dear = most >= 0 && setup.price_micros_per_hour > most;
    const std::size_t broken = fit.unmet.size() + (fit.is_too_dear ? 1 : 0);
    for (std::uint8_t v = 0; v < demand.variants.size(); ++v) {
      Excess excess = excess_of(demand.variants[v], setup.capacity);
      if (broken == 0 && excess.missing == Resources{}) ++holders[v];
      const std::tuple distance{broken, excess.ratio};
      if (best && distance >= best_distance) continue;
      best = fit;
      best->variant = v;
      best->missing = std::move(excess.missing);
      best_distance = distance;
    }
  }
  if (best && holders[best->variant] < demand.nodes)
    best->nodes_missing = demand.nodes - holders[best->variant];
  return best;
}

std::string describe(const Nodes& nodes, const NearestFit& fit) {
  const NodeSetup& setup = nodes.setup(fit.node);
  std::vector<std::string> lacks;
  if (fit.missing != Resources{}) lacks.push_back("it lacks " + format_resources(fit.missing));
  for (const LabelRule& rule : fit.unmet) lacks.push_back(format_rule(rule) + " does not hold");
  if (fit.is_too_dear) lacks.emplace_back("it costs more");
  if (lacks.empty() && fit.nodes_missing > 0)
    lacks.push_back(fmt::format("{} more like it are wanted", fit.nodes_missing));
  std::string text =
      fmt::format("the nearest fit is {} with {}", setup.name, format_resources(setup.capacity));
  for (std::size_t i = 0; i < lacks.size(); ++i) text += (i == 0 ? ": " : ", and ") + lacks[i];
  return text;
}

}  // namespace reeve::schedule
