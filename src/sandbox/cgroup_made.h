// What the groups of both versions have in common: their directories are made, swept and left to
// the kernel in the same way. A version adds how it limits and counts. One owner.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sandbox/cgroup.h"
#include "sandbox/cgroup_directories.h"

namespace reeve::sandbox {

class MadeCgroups : public Cgroups {
 public:
  const CgroupAbilities& abilities() const final { return abilities_; }
  Result<std::unique_ptr<Cgroup>> make(const std::string& name) final;
  void sweep(const std::string& prefix) final { parents_.sweep(prefix); }
  void remove_abandoned() final { parents_.remove_abandoned(); }
  bool is_leaving() const final { return parents_.is_leaving(); }
  void remove_leaving() final { parents_.remove_leaving(); }

 protected:
  /// `parents`: the directories below which a group has one each.
  MadeCgroups(CgroupAbilities abilities, std::vector<std::string> parents)
      : abilities_(std::move(abilities)),
        parents_(std::move(parents)) {}

 private:
  virtual std::unique_ptr<Cgroup> group_of(std::unique_ptr<GroupDirectories> directories) = 0;

  CgroupAbilities abilities_;
  GroupParents parents_;
};

/// Of a machine on which none can be made: make() says why not.
std::unique_ptr<Cgroups> no_cgroups(std::string why_not);

}  // namespace reeve::sandbox
