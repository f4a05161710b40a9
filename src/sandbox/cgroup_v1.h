// Control groups of version 1: one directory per hierarchy, below our own group in each. Needs no
// move of this process. Owns the directories of its groups; never writes to those above. One owner.
#pragma once

#include <memory>
#include <vector>

#include "sandbox/cgroup.h"
#include "sandbox/cgroup_mounts.h"

namespace reeve::sandbox {

/// Never fails: what the mounts do not yield is missing from the abilities.
std::unique_ptr<Cgroups> detect_v1(const std::vector<CgroupMount>& mounts);

}  // namespace reeve::sandbox
