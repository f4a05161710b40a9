#include "schedule/gates.h"

#include <algorithm>

namespace reeve::schedule {

void Gates::configure(const SchedulingPolicy& policy, const ShareTree& shares) {
  quotas_ = policy.quotas;
  uses_.clear();
  shares.each_user([&](const std::string& queue, const std::string& user, const UsageHours& had) {
    std::size_t index = 0;
    if (quota_of(queue, user, index) != nullptr) uses_[{index, user}].hours.add(had);
  });
  windows_.clear();
  for (const WindowSetup& window : policy.windows) {
    if (!window.queue.empty()) windows_[window.queue].add(window);
  }
  for (Rate& rate : rates_) rate.setup.starts = 0;  // one that the policy has no more
  for (const RateLimitSetup& setup : policy.rate_limits) {
    const auto [at, is_new] =
        rate_ids_.try_emplace(setup.name, RateId{static_cast<std::uint32_t>(rates_.size() + 1)});
    if (is_new) rates_.emplace_back();
    rates_[at->second.value - 1].setup = setup;
  }
  circuits.configure(policy.breaker);
  any_ = !quotas_.empty() || !windows_.empty() || !policy.rate_limits.empty() ||
         policy.breaker.failures_permille > 0;
}

RateId Gates::rate(const std::string& name) const {
  const auto found = rate_ids_.find(name);
  const bool is_there =
      found != rate_ids_.end() && rates_[found->second.value - 1].setup.starts > 0;
  return is_there ? found->second : RateId{};
}

bool Gates::is_below(const std::string& queue, const std::string& above) {
  if (above.empty() || queue == above) return true;
  return queue.size() > above.size() && queue.starts_with(above) && queue[above.size()] == '/';
}

const QuotaSetup* Gates::quota_of(const std::string& queue, const std::string& user,
                                  std::size_t& index) const {
  for (index = 0; index < quotas_.size(); ++index) {
    const QuotaSetup& quota = quotas_[index];
    if ((quota.user.empty() || quota.user == user) && is_below(queue, quota.queue)) return &quota;
  }
  return nullptr;
}

Gates::Use* Gates::use_of(const ClassKey& key, const ShareTree& shares) {
  std::size_t index = 0;
  if (quota_of(shares.queue_of(key.leaf), shares.user_of(key.leaf), index) == nullptr)
    return nullptr;
  return &uses_[{index, shares.user_of(key.leaf)}];
}

const Gates::Use* Gates::find_use(const ClassKey& key, const ShareTree& shares,
                                  const QuotaSetup*& quota) const {
  std::size_t index = 0;
  quota = quota_of(shares.queue_of(key.leaf), shares.user_of(key.leaf), index);
  if (quota == nullptr) return nullptr;
  const auto found = uses_.find({index, shares.user_of(key.leaf)});
  return found == uses_.end() ? nullptr : &found->second;
}

Shut Gates::shut(const ClassKey& key, Duration length, Time now, const ShareTree& shares) const {
  if (!any_) return {};
  for (const CircuitId circuit : {key.circuit, key.target}) {
    if (circuit == CircuitId{}) continue;
    const Time at = circuits.opens_at(circuit, now);
    if (at > now) return {Gate::circuit, at, {}};
  }
  if (key.rate != RateId{} && rates_[key.rate.value - 1].setup.starts > 0) {
    const Rate& rate = rates_[key.rate.value - 1];
    const Duration every = rate.setup.per / rate.setup.starts;
    const Time at = rate.arrival == kUnset ? now : rate.arrival - every * (rate.setup.burst - 1);
    if (at > now) return {Gate::rate, at, {}};
  }
  for (const auto& [queue, calendar] : windows_) {
    if (!is_below(shares.queue_of(key.leaf), queue)) continue;
    if (calendar.has_time(now, length)) continue;
    return {Gate::window, calendar.opens_for(length, now), {}};
  }
  const QuotaSetup* quota = nullptr;
  const Use* use = find_use(key, shares, quota);
  if (quota == nullptr) return {};
  if (quota->running_max >= 0 && (use == nullptr ? 0 : use->running) >= quota->running_max)
    return {Gate::running_quota, kNever, {}};
  const std::int64_t most = quota->cpu_seconds_a_day * 1000;
  if (most >= 0 && use != nullptr && use->hours.in_day(now) >= most)
    return {Gate::cpu_quota, use->hours.falls_below(most, now), {}};
  return {};
}

std::string Gates::describe(const Shut& shut, const ClassKey& key, const ShareTree& shares) const {
  switch (shut.gate) {
    case Gate::rate: return rates_[key.rate.value - 1].setup.name;
    case Gate::window: return shares.queue_of(key.leaf);
    case Gate::running_quota:
    case Gate::cpu_quota: return shares.user_of(key.leaf);
    case Gate::circuit:
      return circuits.key(key.circuit != CircuitId{} && circuits.open_until(key.circuit) != kUnset
                              ? key.circuit
                              : key.target);
    case Gate::none: break;
  }
  return {};
}

void Gates::on_start(const ClassKey& key, Time now) {
  if (!any_) return;
  circuits.on_start(key.circuit, now);
  circuits.on_start(key.target, now);
  if (key.rate != RateId{} && rates_[key.rate.value - 1].setup.starts > 0) {
    Rate& rate = rates_[key.rate.value - 1];
    const Duration every = rate.setup.per / rate.setup.starts;
    rate.arrival = (rate.arrival == kUnset ? now : std::max(rate.arrival, now)) + every;
  }
}

void Gates::hold(const ClassKey& key, const ShareTree& shares) {
  Use* use = any_ ? use_of(key, shares) : nullptr;
  if (use != nullptr) ++use->running;
}

void Gates::on_end(const ClassKey& key, std::int64_t millicore_seconds, Time now,
                   const ShareTree& shares, std::int32_t attempts) {
  Use* use = any_ ? use_of(key, shares) : nullptr;
  if (use == nullptr) return;
  use->running = std::max(use->running - attempts, 0);  // what started before the quota was set
  use->hours.add(millicore_seconds, now);
}

std::int64_t Gates::queued_max(const std::string& queue, const std::string& user) const {
  std::size_t index = 0;
  const QuotaSetup* quota = quota_of(queue, user, index);
  return quota == nullptr ? -1 : quota->queued_max;
}

bool Gates::is_refused(const std::string& queue, const std::string& user, Time now) const {
  std::size_t index = 0;
  const QuotaSetup* quota = quota_of(queue, user, index);
  if (quota == nullptr || !quota->refuse || quota->cpu_seconds_a_day < 0) return false;
  const auto use = uses_.find({index, user});
  return use != uses_.end() && use->second.hours.in_day(now) >= quota->cpu_seconds_a_day * 1000;
}

}  // namespace reeve::schedule
