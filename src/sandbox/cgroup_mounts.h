// Where control groups are mounted, and where in each hierarchy this process is: from
// proc/self/mountinfo and proc/self/cgroup. Reads, never writes; plain values; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace reeve::sandbox {

/// One hierarchy.
struct CgroupMount {
  int version = 0;
  std::vector<std::string> controllers;  ///< of version 1: those mounted together
  std::string mount_point;
  std::string own;  ///< the directory of our own group; "" when the mount does not show it

  bool has(std::string_view controller) const;
  friend bool operator==(const CgroupMount&, const CgroupMount&) = default;
};

/// `root` goes before every path that is read or given back: "" but in tests.
Result<std::vector<CgroupMount>> cgroup_mounts(const std::string& root);

}  // namespace reeve::sandbox
