#include "base/cluster.h"

#include <algorithm>

namespace reeve {

bool LabelRule::holds(const std::vector<Label>& labels) const {
  const auto found = std::ranges::lower_bound(labels, key, {}, &Label::key);
  const bool there = found != labels.end() && found->key == key;
  const bool listed = there && std::ranges::binary_search(values, found->value);
  switch (kind) {
    case Kind::in: return listed;
    case Kind::not_in: return !listed;
    case Kind::exists: return there;
    case Kind::not_exists: return !there;
  }
  return false;
}

std::string format_rule(const LabelRule& rule) {
  switch (rule.kind) {
    case LabelRule::Kind::exists: return rule.key + " exists";
    case LabelRule::Kind::not_exists: return rule.key + " does not exist";
    default: break;
  }
  std::string out = rule.key + (rule.kind == LabelRule::Kind::in ? " in (" : " not in (");
  for (std::size_t i = 0; i < rule.values.size(); ++i) out += (i == 0 ? "" : ", ") + rule.values[i];
  return out + ")";
}

}  // namespace reeve
