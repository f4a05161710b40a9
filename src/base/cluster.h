// Where work can run: pools of nodes with what they have, and what a task asks of the node it is
// placed on. Plain data that the cluster file (spec/cluster_file.h) fills, events carry and
// schedule/ decides by. Values; no thread rule.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/codec.h"
#include "base/resources.h"
#include "base/time.h"

namespace reeve {

struct Label {
  std::string key;
  std::string value;
  friend auto operator<=>(const Label&, const Label&) = default;
  static constexpr auto fields() {
    return std::tuple{field("key", &Label::key), field("value", &Label::value)};
  }
};

/// A machine of a pool.
struct NodeSetup {
  std::string name;  ///< unique in the cluster
  std::string pool = "local";
  Resources capacity;
  std::vector<Label> labels;  ///< sorted by key; `pool` and `node` are there by themselves
  std::int64_t price_micros_per_hour = 0;  ///< millionths of the currency, of the whole node
  Duration start_delay{0};             ///< from placement to the first instruction, beyond usual
  std::int32_t speed_permille = 1000;  ///< run times there: length * 1000 / speed
  std::int32_t failure_permille = 0;   ///< attempts that are lost there, as known beforehand
  bool cordoned = false;               ///< takes nothing new
  friend bool operator==(const NodeSetup&, const NodeSetup&) = default;
  static constexpr auto fields() {
    return std::tuple{field("name", &NodeSetup::name),
                      field("pool", &NodeSetup::pool),
                      field("capacity", &NodeSetup::capacity),
                      field("labels", &NodeSetup::labels),
                      field("price_micros_per_hour", &NodeSetup::price_micros_per_hour),
                      field("start_delay", &NodeSetup::start_delay),
                      field("speed_permille", &NodeSetup::speed_permille),
                      field("failure_permille", &NodeSetup::failure_permille),
                      field("cordoned", &NodeSetup::cordoned)};
  }
};

/// A condition on one label: `key in values`, `key not in values`, `key exists`, `key not exists`.
struct LabelRule {
  enum class Kind : std::uint8_t { in, not_in, exists, not_exists };
  std::string key;
  Kind kind = Kind::in;
  std::vector<std::string> values;  ///< sorted
  friend auto operator<=>(const LabelRule&, const LabelRule&) = default;
  static constexpr auto fields() {
    return std::tuple{field("key", &LabelRule::key), field("kind", &LabelRule::kind),
                      field("values", &LabelRule::values)};
  }
  /// Whether labels (sorted by key) obey it.
  bool holds(const std::vector<Label>& labels) const;
};
/// "zone in (a, b)", "gpu exists": for people.
std::string format_rule(const LabelRule& rule);

/// What a task asks of the node that it is placed on.
struct PlacementRules {
  std::vector<LabelRule> require;  ///< all hold, or the node is out
  std::vector<LabelRule> prefer;   ///< each that holds counts for the node
  /// Labels of tasks: run only where / never where a task with one of them runs ("key=value").
  std::vector<std::string> affinity;
  std::vector<std::string> anti_affinity;
  std::string spread;  ///< label key of nodes: as even as can be over its values; "": not asked
  std::int64_t price_micros_per_hour_max = -1;  ///< negative: any price
  friend auto operator<=>(const PlacementRules&, const PlacementRules&) = default;
  static constexpr auto fields() {
    return std::tuple{
        field("require", &PlacementRules::require),
        field("prefer", &PlacementRules::prefer),
        field("affinity", &PlacementRules::affinity),
        field("anti_affinity", &PlacementRules::anti_affinity),
        field("spread", &PlacementRules::spread),
        field("price_micros_per_hour_max", &PlacementRules::price_micros_per_hour_max)};
  }
};

}  // namespace reeve
