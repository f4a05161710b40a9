#include "api/run_versions.h"

#include <algorithm>

namespace reeve::api {
namespace {

constexpr std::size_t kRunsMax = 100'000;

}  // namespace

void RunVersions::mark(RunId run) {
  std::uint64_t& version = versions_[run];
  if (version == now_) return;
  version = now_;
  order_.emplace_back(run, now_);
}

void RunVersions::on_committed(const engine::Committed& committed) {
  const std::lock_guard lock(mutex_);
  ++now_;
  for (const RunId run : committed.run_rows) mark(run);
  for (const TaskId task : committed.task_rows) mark(task.run);
  while (order_.size() > 2 * kRunsMax || (versions_.size() > kRunsMax && !order_.empty())) {
    const auto [run, version] = order_.front();
    order_.pop_front();
    const auto found = versions_.find(run);
    // Who changed again since stands further behind.
    if (found == versions_.end() || found->second != version) continue;
    floor_ = std::max(floor_, version);
    versions_.erase(found);
  }
}

std::uint64_t RunVersions::of(RunId run) const {
  const std::lock_guard lock(mutex_);
  const auto found = versions_.find(run);
  return found == versions_.end() ? floor_ : found->second;
}

}  // namespace reeve::api
