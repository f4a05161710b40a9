#include "api/workflow_index.h"

#include <algorithm>

namespace reeve::api {
namespace {

constexpr std::uint32_t kRunsAStretch = 50'000;
constexpr int kStretchesMax = 10;  ///< of one call

}  // namespace

Result<bool> WorkflowIndex::catch_up(engine::History& history) {
  for (int i = 0; i < kStretchesMax; ++i) {
    const std::lock_guard lock(mutex_);
    TRY_ASSIGN(const engine::WorkflowUses found, history.list_workflow_uses(up_to_, kRunsAStretch));
    for (const engine::WorkflowUse& use : found.uses) add(use);
    up_to_ = found.up_to;
    if (found.is_all) return true;
  }
  return false;
}

void WorkflowIndex::add(const engine::WorkflowUse& use) {
  Entry& entry = entries_[{use.name_space, use.name}];
  const auto next = static_cast<std::uint32_t>(entry.versions.size() + 1);
  const auto [known, is_new] = entry.by_digest.emplace(use.digest, next);
  if (is_new)
    entry.versions.push_back({.number = next,
                              .digest = use.digest,
                              .first_run = use.first_run,
                              .first_seen = use.first_seen});
  WorkflowVersion& version = entry.versions[known->second - 1];
  version.runs += use.runs;
  version.last_run = use.last_run;
  version.last_seen = std::max(version.last_seen, use.last_seen);
  entry.runs += use.runs;
  entry.last_run = std::max(entry.last_run, use.last_run);
  entry.last_seen = std::max(entry.last_seen, use.last_seen);
}

WorkflowSummary WorkflowIndex::summary_of(const Key& key, const Entry& entry) {
  return {.name_space = key.first,
          .name = key.second,
          .versions = static_cast<std::uint32_t>(entry.versions.size()),
          .newest = entry.versions.back(),
          .runs = entry.runs,
          .last_run = entry.last_run,
          .first_seen = entry.versions.front().first_seen,
          .last_seen = entry.last_seen};
}

std::vector<WorkflowSummary> WorkflowIndex::list(const std::vector<std::string>& name_spaces,
                                                 std::size_t first, std::size_t limit) const {
  const std::lock_guard lock(mutex_);
  std::vector<WorkflowSummary> out;
  std::size_t passed = 0;
  for (const auto& [key, entry] : entries_) {
    const bool is_wanted =
        name_spaces.empty() || std::ranges::find(name_spaces, key.first) != name_spaces.end();
    if (!is_wanted || passed++ < first) continue;
    out.push_back(summary_of(key, entry));
    if (out.size() > limit) break;
  }
  return out;
}

std::optional<WorkflowSummary> WorkflowIndex::find(const std::string& name_space,
                                                   const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find({name_space, name});
  if (found == entries_.end()) return std::nullopt;
  return summary_of(found->first, found->second);
}

std::vector<WorkflowVersion> WorkflowIndex::versions(const std::string& name_space,
                                                     const std::string& name, std::size_t first,
                                                     std::size_t limit) const {
  const std::lock_guard lock(mutex_);
  std::vector<WorkflowVersion> out;
  const auto found = entries_.find({name_space, name});
  if (found == entries_.end()) return out;
  const std::vector<WorkflowVersion>& all = found->second.versions;
  for (std::size_t i = all.size() - std::min(all.size(), first); i > 0 && out.size() <= limit; --i)
    out.push_back(all[i - 1]);
  return out;
}

std::optional<WorkflowVersion> WorkflowIndex::version(const std::string& name_space,
                                                      const std::string& name,
                                                      std::uint32_t number) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find({name_space, name});
  if (found == entries_.end() || number < 1 || number > found->second.versions.size())
    return std::nullopt;
  return found->second.versions[number - 1];
}

}  // namespace reeve::api
