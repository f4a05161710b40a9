#include "api/run_cache.h"

namespace reeve::api {

// shared: requests still read it when the cache lets go of it
std::shared_ptr<const ShownRun> RunCache::find(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->run;
}

void RunCache::put(const std::string& name, std::shared_ptr<const ShownRun> run) {
  constexpr std::size_t kBodyMax = 1 << 20;  // larger ones are rare, and rendered anew
  const std::lock_guard lock(mutex_);
  const auto found = by_name_.find(name);
  if (found != by_name_.end()) {
    entries_.erase(found->second);
    by_name_.erase(found);
  }
  if (run->body.size() > kBodyMax) return;
  entries_.push_front({name, std::move(run)});
  by_name_.emplace(name, entries_.begin());
  if (entries_.size() <= entries_max_) return;
  by_name_.erase(entries_.back().name);
  entries_.pop_back();
}

}  // namespace reeve::api
