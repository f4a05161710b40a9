#include "security/login_limit.h"

#include <algorithm>

namespace reeve::security {

Duration LoginLimiter::wait(std::string_view who, Time now) const {
  const auto found = entries_.find(who);
  if (found == entries_.end() || now >= found->second.until) return Duration{0};
  return found->second.until - now;
}

void LoginLimiter::failed(std::string_view who, Time now) {
  auto found = entries_.find(who);
  if (found == entries_.end()) {
    if (entries_.size() >= limits_.remembered_max) make_room(now);
    found = entries_.emplace(std::string(who), Entry{}).first;
  }
  Entry& entry = found->second;
  if (entry.failures > 0 && now - entry.last >= limits_.forget_after) entry.failures = 0;
  ++entry.failures;
  entry.last = now;
  entry.until = now;
  if (entry.failures < limits_.free_failures) return;
  Duration delay = limits_.first_wait;
  for (std::uint32_t i = limits_.free_failures; i < entry.failures; ++i) {
    if (delay >= limits_.longest_wait) break;
    delay *= 2;
  }
  entry.until = now + std::min(delay, limits_.longest_wait);
}

void LoginLimiter::succeeded(std::string_view who) {
  const auto found = entries_.find(who);
  if (found != entries_.end()) entries_.erase(found);
}

void LoginLimiter::make_room(Time now) {
  std::erase_if(entries_,
                [&](const auto& each) { return now - each.second.last >= limits_.forget_after; });
  if (entries_.size() < limits_.remembered_max) return;
  entries_.erase(
      std::ranges::min_element(entries_, {}, [](const auto& each) { return each.second.until; }));
}

}  // namespace reeve::security
