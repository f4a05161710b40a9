#include "core/run_after.h"

#include <array>

namespace reeve::core {

std::string_view name(AfterCondition condition) {
  static constexpr std::array<std::string_view, kAfterConditionCount> kNames{"success", "failure",
                                                                             "end"};
  const auto index = static_cast<std::size_t>(condition);
  return index < kNames.size() ? kNames[index] : "unknown";
}

std::optional<AfterCondition> parse_after_condition(std::string_view text) {
  for (std::size_t i = 0; i < kAfterConditionCount; ++i) {
    const auto condition = static_cast<AfterCondition>(i);
    if (name(condition) == text) return condition;
  }
  return std::nullopt;
}

bool holds(AfterCondition condition, RunState ended) {
  switch (condition) {
    case AfterCondition::success: return ended == RunState::succeeded;
    case AfterCondition::failure: return ended != RunState::succeeded;
    case AfterCondition::end: return true;
  }
  return false;
}

}  // namespace reeve::core
