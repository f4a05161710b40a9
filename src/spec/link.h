// Joins the tasks of a workflow: names to indexes, needs, phases, cycles, and what may be counted.
// Every algorithm is a loop: a chain of a million tasks costs no stack. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "spec/diagnostics.h"
#include "spec/read_tasks.h"
#include "spec/workflow.h"

namespace reeve::spec {

/// Which group an id is.
class GroupNames {
 public:
  /// Borrows the ids of `groups`.
  explicit GroupNames(std::span<const TaskGroup> groups);
  /// kNoGroup when there is none. Of equal ids the first.
  std::uint32_t find(std::string_view id) const;
  /// "did you mean 'x'?", or "". Each call reads all ids: a file with many of them and many errors
  /// gets only the first suggestions.
  std::string suggest(std::string_view id);

 private:
  std::unordered_map<std::string_view, std::uint32_t> index_;  // lookup only
  std::vector<std::string_view> ids_;
  std::size_t ids_read_ = 0;
};

/// Reports duplicate ids, and fills `needs` of every group from the names.
void link_needs(const TaskReader& tasks, GroupNames& names, Workflow& workflow,
                Diagnostics& diagnostics);

/// Disjoint cycles among the needs; each a list of groups of which every one needs the next, and
/// the last the first; not more than twenty. Empty: there is none.
std::vector<std::vector<std::uint32_t>> find_cycles(std::span<const TaskGroup> groups);
/// "'a' needs 'b', 'b' needs 'a'".
std::string describe_cycle(std::span<const TaskGroup> groups, std::span<const std::uint32_t> cycle);

/// Locks and the number of tasks.
void check_totals(const TaskReader& tasks, const Workflow& workflow, Diagnostics& diagnostics);

}  // namespace reeve::spec
