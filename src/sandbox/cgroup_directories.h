// The directories of groups: making, killing and removing them, the same for both versions. A group
// `name` is <parent>/reeve.<name> in each hierarchy. GroupDirectories owns those of one group and
// GroupParents knows which groups are alive, and outlives them. Never waits. One owner.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace reeve::sandbox {

/// The leaf into which version 2 moves this process, and the group made to see whether it can be.
inline constexpr std::string_view kSelfGroup = "reeve.self";
inline constexpr std::string_view kTrialGroup = "reeve.trial";

class GroupParents;

class GroupDirectories {
 public:
  ~GroupDirectories();  ///< removes them; what the kernel still holds is leaving
  GroupDirectories(const GroupDirectories&) = delete;
  GroupDirectories& operator=(const GroupDirectories&) = delete;

  /// In the order of the parents.
  const std::vector<std::string>& paths() const { return paths_; }
  /// The group was there already: its limits and counters are not those of a new one.
  bool is_taken_over() const { return is_taken_over_; }
  /// The file `name` of each.
  std::vector<std::string> files(std::string_view name) const;
  /// Leaves pids.max at zero where there is one.
  Status kill() const;

 private:
  friend class GroupParents;
  GroupDirectories(GroupParents& parents, const std::string& name);

  GroupParents& parents_;
  std::string name_;
  std::vector<std::string> paths_;
  bool is_taken_over_ = false;
};

class GroupParents {
 public:
  explicit GroupParents(std::vector<std::string> directories)
      : directories_(std::move(directories)) {}
  ~GroupParents();
  GroupParents(const GroupParents&) = delete;
  GroupParents& operator=(const GroupParents&) = delete;

  Result<std::unique_ptr<GroupDirectories>> make(const std::string& name);
  /// Leaves alone what a GroupDirectories of ours owns.
  void sweep(const std::string& prefix);
  void remove_abandoned();
  /// Tries again to remove what dying processes kept.
  void remove_leaving();
  bool is_leaving() const { return !leaving_.empty(); }

 private:
  friend class GroupDirectories;
  std::vector<std::string> directories_;
  std::set<std::string> alive_;
  std::set<std::string> leaving_;  ///< directories that could not be removed yet
};

/// Whether groups can be made in the directory: makes one and removes it.
Status try_to_make_group_in(const std::string& directory);

}  // namespace reeve::sandbox
