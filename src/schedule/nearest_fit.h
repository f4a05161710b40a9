// The node that comes nearest to what nothing can hold, and what it lacks: the answer at
// submission. Pure; no thread rule.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "schedule/nodes.h"

namespace reeve::schedule {

struct NearestFit {
  NodeId node;
  std::uint8_t variant = 0;      ///< of the demand's resources
  std::vector<LabelRule> unmet;  ///< rules that do not hold there
  bool is_too_dear = false;
  Resources missing;                ///< empty: it is large enough by itself
  std::uint32_t nodes_missing = 0;  ///< of a gang: so many nodes more would have to be like that
};

/// The fewest rules broken, then the least of its capacity asked for (the largest ratio of asked to
/// there, by dimension), then the first variant and node. nullopt: there are no nodes.
std::optional<NearestFit> nearest_fit(const Nodes& nodes, const Demand& demand);

/// "the nearest fit is gpu-1 with 8 cpu, 16 GiB memory: it lacks 4 cpu, and zone in (b) does not
/// hold".
std::string describe(const Nodes& nodes, const NearestFit& fit);

}  // namespace reeve::schedule
