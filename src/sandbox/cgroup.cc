#include "sandbox/cgroup.h"

#include <algorithm>

#include "sandbox/cgroup_files.h"
#include "sandbox/cgroup_mounts.h"
#include "sandbox/cgroup_v1.h"
#include "sandbox/cgroup_v2.h"

namespace reeve::sandbox {
namespace {

class NoGroups final : public Cgroups {
 public:
  explicit NoGroups(std::string why_not) { abilities_.why_not = std::move(why_not); }
  const CgroupAbilities& abilities() const override { return abilities_; }
  Result<std::unique_ptr<Cgroup>> make(const std::string&) override {
    return fail(ErrorCode::unsupported,
                "control groups cannot be used here: " + abilities_.why_not);
  }
  void sweep(const std::string&) override {}
  void remove_abandoned() override {}
  bool is_leaving() const override { return false; }
  void remove_leaving() override {}

 private:
  CgroupAbilities abilities_;
};

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
  if (!mounts) return std::make_unique<NoGroups>(mounts.error().text() + "; mount /proc");
  if (mounts->empty())
    return std::make_unique<NoGroups>(
        "no control groups are mounted; mount cgroup2 at /sys/fs/cgroup");
  const CgroupMount* const v2 = version_2_to_use(*mounts);
  return v2 != nullptr ? detect_v2(*v2) : detect_v1(*mounts);
}

}  // namespace reeve::sandbox
