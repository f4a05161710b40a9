#include "sandbox/cgroup.h"

#include <algorithm>

#include "sandbox/cgroup_files.h"
#include "sandbox/cgroup_made.h"
#include "sandbox/cgroup_mounts.h"
#include "sandbox/cgroup_v1.h"
#include "sandbox/cgroup_v2.h"

namespace reeve::sandbox {
namespace {

/// A controller is in one version or the other; where the machine has both, memory decides, because
/// it is what attempts die of.
const CgroupMount* version_2_to_use(const std::vector<CgroupMount>& mounts) {
  const auto any_of = [&](std::string_view controller) {
    return std::ranges::any_of(mounts,
                               [&](const CgroupMount& mount) { return mount.has(controller); });
  };
  if (any_of("memory")) return nullptr;
  const CgroupMount* found = nullptr;
  for (const CgroupMount& mount : mounts)
    if (mount.version == 2 && (found == nullptr || found->own.empty())) found = &mount;
  if (found == nullptr || !(any_of("cpu") || any_of("cpuacct") || any_of("pids"))) return found;
  const auto list = read_cgroup_file(found->own + "/cgroup.controllers");
  return list && has_word(list->text, "memory") ? found : nullptr;
}

}  // namespace

std::unique_ptr<Cgroups> Cgroups::detect(const std::string& root) {
  const auto mounts = cgroup_mounts(root == "/" ? "" : root);
  if (!mounts) return no_cgroups(mounts.error().text() + "; mount /proc");
  if (mounts->empty())
    return no_cgroups("no control groups are mounted; mount cgroup2 at /sys/fs/cgroup");
  const CgroupMount* const v2 = version_2_to_use(*mounts);
  return v2 != nullptr ? detect_v2(*v2) : detect_v1(*mounts);
}

}  // namespace reeve::sandbox
