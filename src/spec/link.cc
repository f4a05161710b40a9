#include "spec/link.h"

#include <algorithm>

#include "base/text.h"
#include "spec/suggest.h"

namespace reeve::spec {
namespace {

constexpr std::size_t kCycleShownMax = 12;  ///< tasks of one cycle that are named
constexpr std::size_t kCyclesMax = 20;
constexpr std::size_t kIdsReadMax = 200'000;  ///< for all suggestions of a file

std::string_view phase_name(Phase phase) {
  switch (phase) {
    case Phase::main: return "tasks";
    case Phase::on_failure: return "on_failure";
    case Phase::finally: break;
  }
  return "finally";
}

void report_duplicates(const TaskReader& tasks, const GroupNames& names, const Workflow& workflow,
                       Diagnostics& diagnostics) {
  for (std::uint32_t i = 0; i < workflow.groups.size(); ++i) {
    const std::uint32_t first = names.find(workflow.groups[i].id);
    // Within one map the YAML reader has reported the key already.
    if (first == i || workflow.groups[first].phase == workflow.groups[i].phase) continue;
    diagnostics.error(tasks.keys()[i],
                      "the task '" + workflow.groups[i].id + "' is already defined under '" +
                          std::string(phase_name(workflow.groups[first].phase)) + "'");
  }
}

void report_repeated_needs(const TaskReader& tasks, Workflow& workflow, Diagnostics& diagnostics) {
  for (std::uint32_t i = 0; i < workflow.groups.size(); ++i) {
    TaskGroup& group = workflow.groups[i];
    if (group.needs.size() < 2) continue;
    std::vector<GroupIndex> sorted;
    sorted.reserve(group.needs.size());
    for (const Need& need : group.needs) sorted.push_back(need.group);
    std::ranges::sort(sorted);
    const auto twice = std::ranges::adjacent_find(sorted);
    if (twice == sorted.end()) continue;
    diagnostics.error(tasks.keys()[i], "the task '" + group.id + "' needs '" +
                                           workflow.groups[twice->value].id + "' twice");
  }
}

// Removes what needs nothing that is left; what stays needs itself in the end.
class CycleSearch {
 public:
  explicit CycleSearch(std::span<const TaskGroup> groups)
      : groups_(groups),
        open_(groups.size(), 0),
        removed_(groups.size(), false) {
    std::vector<std::uint32_t> count(groups.size() + 1, 0);
    for (const TaskGroup& group : groups) {
      for (const Need& need : group.needs) ++count[need.group.value + 1];
    }
    for (std::size_t i = 1; i < count.size(); ++i) count[i] += count[i - 1];
    begin_ = count;
    dependents_.resize(count.back());
    for (std::uint32_t i = 0; i < groups.size(); ++i) {
      open_[i] = static_cast<std::uint32_t>(groups[i].needs.size());
      for (const Need& need : groups[i].needs) dependents_[count[need.group.value]++] = i;
    }
  }

  std::vector<std::vector<std::uint32_t>> run() {
    for (std::uint32_t i = 0; i < groups_.size(); ++i) {
      if (open_[i] == 0 && !removed_[i]) remove(i);
    }
    std::vector<std::vector<std::uint32_t>> cycles;
    for (std::uint32_t i = 0; i < groups_.size(); ++i) {
      while (!removed_[i] && cycles.size() < kCyclesMax) {
        cycles.push_back(walk_from(i));
        for (const std::uint32_t member : cycles.back()) {
          if (!removed_[member]) remove(member);
        }
      }
    }
    return cycles;
  }

 private:
  void remove(std::uint32_t start) {
    std::vector<std::uint32_t> ready{start};
    removed_[start] = true;
    while (!ready.empty()) {
      const std::uint32_t group = ready.back();
      ready.pop_back();
      for (std::uint32_t i = begin_[group]; i < begin_[group + 1]; ++i) {
        const std::uint32_t dependent = dependents_[i];
        if (open_[dependent] > 0) --open_[dependent];
        if (open_[dependent] > 0 || removed_[dependent]) continue;
        removed_[dependent] = true;
        ready.push_back(dependent);
      }
    }
  }

  // Everything that is left has a need that is left, so following those must come back somewhere.
  std::vector<std::uint32_t> walk_from(std::uint32_t start) {
    std::vector<std::uint32_t> path;
    std::unordered_map<std::uint32_t, std::size_t> position;  // lookup only
    for (std::uint32_t at = start;;) {
      const auto [seen, is_new] = position.emplace(at, path.size());
      if (!is_new) {
        path.erase(path.begin(), path.begin() + static_cast<std::ptrdiff_t>(seen->second));
        return path;
      }
      path.push_back(at);
      for (const Need& need : groups_[at].needs) {
        if (removed_[need.group.value]) continue;
        at = need.group.value;
        break;
      }
    }
  }

  std::span<const TaskGroup> groups_;
  std::vector<std::uint32_t> open_;  ///< needs that are left
  std::vector<bool> removed_;
  std::vector<std::uint32_t> begin_;  ///< of each group's dependents
  std::vector<std::uint32_t> dependents_;
};

}  // namespace

GroupNames::GroupNames(std::span<const TaskGroup> groups) {
  index_.reserve(groups.size());
  ids_.reserve(groups.size());
  for (std::uint32_t i = 0; i < groups.size(); ++i) {
    index_.emplace(groups[i].id, i);
    ids_.push_back(groups[i].id);
  }
}

std::uint32_t GroupNames::find(std::string_view id) const {
  const auto found = index_.find(id);
  return found == index_.end() ? kNoGroup : found->second;
}

std::string GroupNames::suggest(std::string_view id) {
  ids_read_ += ids_.size();
  if (ids_read_ > kIdsReadMax) return {};
  return suggestion(closest_match(id, ids_));
}

void link_needs(const TaskReader& tasks, GroupNames& names, Workflow& workflow,
                Diagnostics& diagnostics) {
  report_duplicates(tasks, names, workflow, diagnostics);
  for (const NamedNeed& need : tasks.needs()) {
    TaskGroup& group = workflow.groups[need.group];
    const std::string_view name = need.name.text();
    const std::uint32_t target = names.find(name);
    if (!is_identifier(name)) continue;  // reported as a wrong type or name
    if (target == kNoGroup) {
      const std::string hint = diagnostics.is_full() ? "" : names.suggest(name);
      diagnostics.error(need.name, "unknown task '" + std::string(name) + "' in needs", hint);
    } else if (target == need.group) {
      diagnostics.error(need.name, "the task '" + group.id + "' needs itself");
    } else if (workflow.groups[target].phase > group.phase) {
      diagnostics.error(need.name, "'" + std::string(name) + "' stands under '" +
                                       std::string(phase_name(workflow.groups[target].phase)) +
                                       "', which runs later; a task under '" +
                                       std::string(phase_name(group.phase)) + "' cannot need it");
    } else {
      group.needs.push_back({GroupIndex{target}, need.condition});
    }
  }
  report_repeated_needs(tasks, workflow, diagnostics);
}

std::vector<std::vector<std::uint32_t>> find_cycles(std::span<const TaskGroup> groups) {
  return CycleSearch(groups).run();
}

std::string describe_cycle(std::span<const TaskGroup> groups,
                           std::span<const std::uint32_t> cycle) {
  std::string out;
  for (std::size_t i = 0; i < cycle.size(); ++i) {
    if (i == kCycleShownMax && cycle.size() > kCycleShownMax + 1) {
      return out + ", ... (" + std::to_string(cycle.size()) + " tasks), '" +
             groups[cycle.back()].id + "' needs '" + groups[cycle[0]].id + "'";
    }
    if (i > 0) out += ", ";
    out += "'" + groups[cycle[i]].id + "' needs '" + groups[cycle[(i + 1) % cycle.size()]].id + "'";
  }
  return out;
}

void check_totals(const TaskReader& tasks, const Workflow& workflow, Diagnostics& diagnostics) {
  std::uint64_t total = 0;
  for (std::uint32_t i = 0; i < workflow.groups.size(); ++i) {
    const TaskGroup& group = workflow.groups[i];
    total += group.static_count().value_or(1);
    if (group.policy == 0) continue;
    for (const LockRequest& lock : workflow.policy_of(group).locks) {
      const auto limit = workflow.lock_limits.find(lock.name);
      const std::int32_t units = limit == workflow.lock_limits.end() ? 1 : limit->second;
      if (lock.units <= units) continue;
      diagnostics.error(tasks.keys()[i],
                        "the task '" + group.id + "' asks for " + std::to_string(lock.units) +
                            " units of the lock '" + lock.name + "', of which there " +
                            (units == 1 ? "is 1" : "are " + std::to_string(units)) +
                            "; raise its limit under the top-level 'locks'");
    }
  }
  if (total > kTasksPerRunMax && !workflow.groups.empty()) {
    diagnostics.error(tasks.keys()[0], "the workflow has " + std::to_string(total) +
                                           " tasks; at most " + std::to_string(kTasksPerRunMax) +
                                           " are possible");
  }
}

}  // namespace reeve::spec
