#include "supervisor/attempt_limits.h"

#include <algorithm>

namespace reeve::supervisor {
namespace {

constexpr std::int64_t kReserveBytesMin = std::int64_t{64} << 20;
constexpr std::int64_t kReserveBytesMax = std::int64_t{2} << 30;
constexpr std::int64_t kMillicoresOfWeight = 10;  // one processor weighs the usual 100

}  // namespace

std::int64_t memory_max_unasked(std::int64_t machine_bytes) {
  const std::int64_t reserve = std::clamp(machine_bytes / 16, kReserveBytesMin, kReserveBytesMax);
  return std::max(machine_bytes - reserve, machine_bytes / 2);
}

sandbox::CgroupLimits limits_of(const Resources& asked, const sandbox::CgroupAbilities& abilities,
                                std::int64_t machine_bytes) {
  sandbox::CgroupLimits limits;
  limits.memory_bytes = asked.memory_bytes;
  if (asked.memory_bytes == 0 && abilities.memory)
    limits.memory_bytes = memory_max_unasked(machine_bytes);
  if (asked.cpu_millicores > 0 && abilities.cpu)
    limits.cpu_weight =
        std::clamp<std::int64_t>(asked.cpu_millicores / kMillicoresOfWeight, 1, 10'000);
  if (abilities.processes) limits.processes_max = kProcessesMax;
  return limits;
}

}  // namespace reeve::supervisor
