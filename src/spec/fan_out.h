// matrix, for_each and array of one task, as YAML gives them, to a FanOut. Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "spec/reading.h"
#include "spec/shape_check.h"
#include "spec/workflow.h"

namespace reeve::spec {

inline constexpr std::size_t kMatrixLegsMax = 100'000;

/// Slurm's --array: 100 (0 to 99), 0-99, 1-100:5, 0-99%4.
struct ArrayRange {
  Array array;
  std::uint32_t max_parallel = 0;
};
Result<ArrayRange> parse_array_range(std::string_view text);

struct FanOutSettings {
  FanOut fan_out;
  std::uint32_t max_parallel = 0;
  bool fail_fast = false;
  /// Whether TaskGroup::fails_fast() would say something else without a detail.
  bool is_fail_fast_unusual() const;
};
/// `task`: the fields of one task.
FanOutSettings read_fan_out(const Section& task, Reading& reading);

}  // namespace reeve::spec
