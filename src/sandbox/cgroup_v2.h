// Control groups of version 2: one tree, in which a group with processes may not have groups with
// limits below it. Moves this process into the leaf reeve.self when its group is delegated to it
// alone; else makes its groups beside its own. Owns the directories of its groups. One owner.
#pragma once

#include <memory>

#include "sandbox/cgroup.h"
#include "sandbox/cgroup_mounts.h"

namespace reeve::sandbox {

/// Never fails: what the mount does not yield is missing from the abilities.
std::unique_ptr<Cgroups> detect_v2(const CgroupMount& mount);

}  // namespace reeve::sandbox
