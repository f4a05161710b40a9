// The choice of a node: what was chosen, by which terms, and who has a say. Values; no thread rule.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "schedule/demand.h"

namespace reeve::schedule {

/// In this order in NodeTerms and everywhere that terms are shown.
enum class NodeTerm : std::uint8_t { fit, prefer, spread, locality, risk, price, speed };
inline constexpr std::size_t kNodeTermCount = 7;
std::string_view name(NodeTerm term);
using NodeTerms = std::array<std::int16_t, kNodeTermCount>;

struct NodeChoice {
  NodeId node;
  std::uint8_t variant = 0;
  std::uint32_t candidates = 0;  ///< nodes that had room
  std::int32_t score = 0;
  NodeTerms terms{};
};

/// Further say on nodes that are kept for somebody.
class Admission {
 public:
  virtual bool admits(NodeId node, const Shape& shape) const = 0;

 protected:
  ~Admission() = default;
};

}  // namespace reeve::schedule
