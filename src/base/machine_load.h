// How saturated a machine is, in steps of kLoadStep per mille: what an executor sees of its node,
// and what the policy makes of it. Values; no thread rule.
#pragma once

#include <cstdint>
#include <tuple>

#include "base/codec.h"
#include "base/time.h"

namespace reeve {

inline constexpr std::int32_t kLoadStep = 50;

struct MachineLoad {
  std::int32_t others = 0;  ///< of its processors, what others than Reeve use
  std::int32_t memory = 0;  ///< time in which all stood still for memory, while memory is short
  std::int32_t disks = 0;   ///< time in which all stood still for disks
  friend bool operator==(const MachineLoad&, const MachineLoad&) = default;
  static constexpr auto fields() {
    return std::tuple{field("others", &MachineLoad::others), field("memory", &MachineLoad::memory),
                      field("disks", &MachineLoad::disks)};
  }
};

/// From where on the saturation of a node takes processors away from new work, growing to `most` of
/// them at full saturation. Per mille; negative: not heeded (MachineLoad says what each is of).
struct LoadSetup {
  std::int32_t others = -1;
  std::int32_t memory = 200;
  std::int32_t disks = -1;
  Duration start{0};        ///< mean time from placing to running; all at twice that. 0: not heeded
  std::int32_t most = 500;  ///< what runs alone on a node is never kept from it
  friend bool operator==(const LoadSetup&, const LoadSetup&) = default;
  static constexpr auto fields() {
    return std::tuple{field("others", &LoadSetup::others), field("memory", &LoadSetup::memory),
                      field("disks", &LoadSetup::disks), field("start", &LoadSetup::start),
                      field("most", &LoadSetup::most)};
  }
};

}  // namespace reeve
