#include "sandbox/cgroup_limits.h"

#include <algorithm>

namespace reeve::sandbox {
namespace {

constexpr std::int64_t kMillicoresMax = 10'000'000;
constexpr std::int64_t kWeightMax = 10'000;

Status check_one(std::string_view name, std::int64_t value, bool is_able,
                 const CgroupAbilities& abilities) {
  if (value < 0)
    return fail(ErrorCode::invalid_argument, "the " + std::string(name) +
                                                 " limit is negative; give a positive number, or "
                                                 "zero for no limit");
  if (value > 0 && !is_able)
    return fail(ErrorCode::unsupported,
                "this machine cannot hold a " + std::string(name) + " limit: " + abilities.why_not);
  return {};
}

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : "; ") + part;
  return out;
}

}  // namespace

Status check_limits(const CgroupLimits& limits, const CgroupAbilities& abilities) {
  TRY(check_one("memory", limits.memory_bytes, abilities.memory, abilities));
  TRY(check_one("cpu", limits.cpu_millicores, abilities.cpu, abilities));
  TRY(check_one("cpu weight", limits.cpu_weight, abilities.cpu, abilities));
  if (limits.cpu_weight > kWeightMax)
    return fail(ErrorCode::invalid_argument,
                "a cpu weight is at most " + std::to_string(kWeightMax));
  TRY(check_one("process", limits.processes_max, abilities.processes, abilities));
  return {};
}

CpuQuota cpu_quota(std::int64_t millicores) {
  if (millicores < 10) return {millicores * 1'000, 1'000'000};
  return {std::min(millicores, kMillicoresMax) * 100, 100'000};
}

std::int64_t cpu_shares(std::int64_t weight) {
  return std::max<std::int64_t>(weight * 1024 / kCpuWeightUsual, 2);
}

CgroupUse use_since(const CgroupUse& base, const CgroupUse& now) {
  CgroupUse use = now;
  use.user_cpu = std::max(now.user_cpu - base.user_cpu, Duration{0});
  use.system_cpu = std::max(now.system_cpu - base.system_cpu, Duration{0});
  use.read_bytes = std::max<std::int64_t>(now.read_bytes - base.read_bytes, 0);
  use.written_bytes = std::max<std::int64_t>(now.written_bytes - base.written_bytes, 0);
  use.oom_kills = std::max<std::int64_t>(now.oom_kills - base.oom_kills, 0);
  return use;
}

void Shortfalls::add(std::string what, std::string advice) {
  whats_.push_back(std::move(what));
  if (!advice.empty() && std::ranges::find(advices_, advice) == advices_.end())
    advices_.push_back(std::move(advice));
}

std::string Shortfalls::text() const {
  std::vector<std::string> parts = whats_;
  parts.insert(parts.end(), advices_.begin(), advices_.end());
  return joined(parts);
}

}  // namespace reeve::sandbox
