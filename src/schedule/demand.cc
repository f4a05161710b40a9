#include "schedule/demand.h"

#include <algorithm>
#include <array>

namespace reeve::schedule {

Shape Dimensions::shape(const Resources& resources) {
  Shape out;
  const std::array<std::int64_t, 4> fixed{resources.cpu_millicores, resources.memory_bytes,
                                          resources.disk_bytes, resources.gpu_milli};
  for (std::uint32_t i = 0; i < fixed.size(); ++i) {
    if (fixed[i] > 0) out.push_back({i, fixed[i]});
  }
  for (const Countable& one : resources.countables) {
    auto found = std::ranges::find(countables_, one.name);
    if (found == countables_.end()) found = countables_.insert(found, one.name);
    out.push_back({static_cast<std::uint32_t>(4 + (found - countables_.begin())), one.amount});
  }
  std::ranges::sort(out);
  return out;
}

std::string Dimensions::name(std::uint32_t dimension) const {
  static constexpr std::array<const char*, 4> kFixed{"cpu", "memory", "disk", "gpu"};
  return dimension < kFixed.size() ? kFixed[dimension] : countables_[dimension - kFixed.size()];
}

}  // namespace reeve::schedule
