#include "api/workflow_cache.h"

namespace reeve::api {

// shared: as in the core
std::shared_ptr<const spec::Workflow> WorkflowCache::find(std::string_view source) {
  const std::lock_guard lock(mutex_);
  const auto found = by_source_.find(source);
  if (found == by_source_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->workflow;
}

void WorkflowCache::add(std::shared_ptr<const spec::Workflow> workflow) {
  const std::lock_guard lock(mutex_);
  const std::string_view source = workflow->source;
  if (source.size() > bytes_max_ / 4 || by_source_.contains(source)) return;
  bytes_ += source.size();
  entries_.push_front({std::move(workflow)});
  by_source_.emplace(source, entries_.begin());
  while (entries_.size() > entries_max_ || bytes_ > bytes_max_) {
    const std::string_view last = entries_.back().workflow->source;
    bytes_ -= last.size();
    by_source_.erase(last);
    entries_.pop_back();
  }
}

}  // namespace reeve::api
