// The map `placement` of a task: rules on labels in the syntax of Kubernetes' selectors, or as a
// map. Rules that no node can obey together are an error that names them. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/cluster.h"
#include "spec/reading.h"

namespace reeve::spec {

/// Only what `node` names is changed in `rules`.
void read_placement(const YamlNode& node, Reading& reading, PlacementRules& rules);

/// "zone in (a, b), arch = arm64, !spot" → three rules; values sorted, without repetition.
Result<std::vector<LabelRule>> parse_label_rules(std::string_view text);

/// Rules, of one label each time, that no labels obey together; as few as show it. Empty: some do.
std::vector<LabelRule> contradiction(std::span<const LabelRule> rules);

}  // namespace reeve::spec
