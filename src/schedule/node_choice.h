// Where something is placed, by which terms, and who else has a say in it. Values; no thread rule.
#pragma once

#include <array>
#include <cstddef>
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

/// Further say on what may be taken.
class Admission {
 public:
  /// Whether there are no limits of queues that do not let it be so much. Of one of several
  /// variants.
  virtual bool allows(const Shape& /*shape*/) const { return true; }
  /// On a node that is kept for somebody.
  virtual bool admits(NodeId node, const Shape& shape) const = 0;

 protected:
  ~Admission() = default;
};

}  // namespace reeve::schedule
