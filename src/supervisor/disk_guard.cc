#include "supervisor/disk_guard.h"

#include <algorithm>

namespace reeve::supervisor {
namespace {

using Finding = DiskGuard::Finding;

constexpr int kStepsOfReserve = 8;
constexpr int kEntriesAtOnce = 1000;
/// Counting is done again after so many times what it took, and not within kCountingPeriod.
constexpr int kCountingRest = 50;
constexpr Duration kCountingPeriod = std::chrono::seconds(1);

std::vector<std::string> writable_roots(const Attempt& attempt) {
  std::vector<std::string> roots{attempt.plan.work_directory};
  for (const std::string& path : attempt.launch.sandbox.writable)
    roots.push_back(path.starts_with('/') ? path : attempt.plan.work_directory + "/" + path);
  return roots;
}

/// What its processes wrote to disks, those that have ended included. nullopt: it is not told, as
/// to an ordinary user of processes that are not dumpable.
std::optional<std::int64_t> written_by(const Attempt& attempt) {
  const auto use = use_of_tree(attempt.pid);
  if (!use || use->written_bytes == 0) return std::nullopt;
  return use->written_bytes;
}

bool is_over_limit(Attempt& attempt, Instant now) {
  const std::int64_t limit = attempt.launch.resources.disk_bytes;
  const auto written = written_by(attempt);
  if (!attempt.changed_files) {
    if (attempt.count_files_at > now || (written && *written <= limit)) return false;
    attempt.counting_cost = Duration{0};
    attempt.changed_files =
        std::make_unique<ChangedFiles>(writable_roots(attempt), attempt.started_at);
  }
  const Instant begun = monotonic_now();
  const bool is_counted = attempt.changed_files->step(kEntriesAtOnce);
  attempt.counting_cost += monotonic_now() - begun;
  const std::int64_t holds = attempt.changed_files->bytes();
  if (is_counted) {
    attempt.changed_files.reset();
    attempt.count_files_at = now + std::max(kCountingPeriod, attempt.counting_cost * kCountingRest);
  }
  return std::min(holds, written.value_or(holds)) > limit;
}

}  // namespace

bool DiskGuard::is_to_act(const std::string& root, const DiskSpace& space) const {
  if (!space.is_short()) return false;
  const auto floor = floors_.find(root);
  return floor == floors_.end() || space.free_bytes < floor->second;
}

/// Whoever wrote little is left alone.
DiskGuard::Shortage DiskGuard::find_shortage(const std::vector<Attempt*>& writing) {
  Shortage found;
  std::int64_t most = 0;
  std::map<std::string, DiskSpace> spaces;
  for (Attempt* const attempt : writing) {
    for (const std::string& root : writable_roots(*attempt)) {
      const auto [at, is_new] = spaces.try_emplace(root);
      if (is_new) at->second = DiskSpace::of(root);
      const DiskSpace& space = at->second;
      found.is_near = found.is_near || space.is_near();
      if (!is_to_act(root, space)) continue;
      const std::int64_t written = written_by(*attempt).value_or(0);
      if (written <= most || written < space.reserve_bytes / 2) continue;
      most = written;
      found.greediest = {attempt, {ReasonCode::disk_short, 0, space.reserve_bytes}};
    }
  }
  if (found.greediest.attempt == nullptr) return found;
  for (const auto& [root, space] : spaces)
    if (space.is_short()) floors_[root] = space.free_bytes - space.reserve_bytes / kStepsOfReserve;
  return found;
}

std::vector<Finding> DiskGuard::look(const std::vector<Attempt*>& writing, Instant now) {
  std::vector<Finding> findings;
  const Shortage shortage = find_shortage(writing);
  is_urgent_ = shortage.is_near;
  if (!shortage.is_near) floors_.clear();
  if (shortage.greediest.attempt != nullptr) findings.push_back(shortage.greediest);
  for (Attempt* const attempt : writing) {
    const std::int64_t limit = attempt->launch.resources.disk_bytes;
    if (limit == 0) continue;
    if (is_over_limit(*attempt, now))
      findings.push_back({attempt, {ReasonCode::disk_limit, 0, limit}});
    is_urgent_ = is_urgent_ || attempt->changed_files != nullptr;
  }
  return findings;
}

}  // namespace reeve::supervisor
