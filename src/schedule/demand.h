// What a task asks of the cluster: resources (in several variants), how many nodes, which nodes.
// Equal demands are interned to one id by schedule/nodes.h. Values; no thread rule.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <boost/container/small_vector.hpp>

#include "base/cluster.h"
#include "base/ids.h"
#include "base/resources.h"

namespace reeve::schedule {

using NodeId = Id<struct NodeIdTag, std::uint32_t>;
using DemandId = Id<struct DemandIdTag, std::uint32_t>;

struct Demand {
  std::vector<Resources> variants;  ///< at least one; what is preferred first
  std::uint32_t nodes = 1;          ///< so many different nodes at once (a gang), each with it all
  PlacementRules rules;
  std::vector<std::string> tags;    ///< its own labels, "key=value", sorted
  std::vector<std::string> assets;  ///< what it starts sooner beside: images, artifacts; sorted
  friend auto operator<=>(const Demand&, const Demand&) = default;
};

/// An amount in one dimension; dimensions are interned by Dimensions.
struct Amount {
  std::uint32_t dimension = 0;
  std::int64_t units = 0;
  friend auto operator<=>(const Amount&, const Amount&) = default;
};
/// Only what is not zero, by dimension.
using Shape = boost::container::small_vector<Amount, 4>;

/// Dimensions are cpu, memory, disk, gpu, then each countable that anybody named.
class Dimensions {
 public:
  Shape shape(const Resources& resources);
  std::size_t size() const { return 4 + countables_.size(); }
  std::string name(std::uint32_t dimension) const;

 private:
  std::vector<std::string> countables_;  ///< by first mention
};

}  // namespace reeve::schedule
