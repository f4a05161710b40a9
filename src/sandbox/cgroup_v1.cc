#include "sandbox/cgroup_v1.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include "sandbox/cgroup_directories.h"
#include "sandbox/cgroup_files.h"
#include "sandbox/cgroup_limits.h"
#include "sandbox/cgroup_made.h"

namespace reeve::sandbox {
namespace {

enum class Controller : std::uint8_t { memory, cpu, cpuacct, pids, blkio };
constexpr std::array<std::string_view, 5> kNames{"memory", "cpu", "cpuacct", "pids", "blkio"};

/// What was found, the same for all groups.
struct Layout {
  std::vector<std::string> parents;                     ///< our own group, one per hierarchy in use
  std::array<std::optional<std::size_t>, 5> parent_of;  ///< by controller: index into `parents`
  bool counts_swap = false;
  bool splits_cpu = false;  ///< cpuacct.usage_user and _sys
  std::string io_file;
  CgroupAbilities abilities;

  bool has(Controller one) const { return parent_of[static_cast<std::size_t>(one)].has_value(); }
};

class GroupV1 final : public Cgroup {
 public:
  GroupV1(std::unique_ptr<GroupDirectories> directories, const Layout& layout)
      : directories_(std::move(directories)),
        layout_(layout) {
    if (!directories_->is_taken_over()) held_ = CgroupLimits{};
  }

  Status limit(const CgroupLimits& limits) override;
  Result<CgroupUse> use() override;
  std::optional<CgroupStalls> stalls() override { return std::nullopt; }
  Status reset() override;
  /// Not cgroup.procs: a thread that moves itself alone takes no lock of the whole machine, which
  /// costs more than 10 ms when nobody held it lately (Linux 5.19, "Optimize single thread
  /// migration"). Who joins has one thread.
  std::vector<std::string> join_files() const override { return directories_->files("tasks"); }
  Status kill() override;

 private:
  /// REQUIRES the layout to have the controller.
  std::string file(Controller one, std::string_view name) const {
    const std::size_t parent = layout_.parent_of[static_cast<std::size_t>(one)].value();
    return path_below(directories_->paths()[parent], name);
  }
  Status limit_memory(std::int64_t bytes) const;
  Status limit_cpu(std::int64_t millicores) const;
  Status weigh_cpu(std::int64_t weight) const;
  Status limit_processes(std::int64_t count) const;
  Status drop_page_cache() const;
  Result<CgroupUse> counters();
  Status read_memory(CgroupUse& use);
  Status read_cpu(CgroupUse& use);
  Status read_io(CgroupUse& use);

  std::unique_ptr<GroupDirectories> directories_;
  const Layout& layout_;
  std::optional<CgroupLimits> held_;  ///< what the files say; none when that is not known
  CgroupUse base_;
  KeptCgroupFiles kept_;  ///< what use() reads
};

Status GroupV1::limit(const CgroupLimits& limits) {
  TRY(check_limits(limits, layout_.abilities));
  if (held_ == limits) return {};
  // Until all are written nobody knows what holds.
  const std::optional<CgroupLimits> before = std::exchange(held_, std::nullopt);
  if (layout_.abilities.memory && (!before || before->memory_bytes != limits.memory_bytes))
    TRY(limit_memory(limits.memory_bytes));
  if (layout_.abilities.cpu && (!before || before->cpu_millicores != limits.cpu_millicores))
    TRY(limit_cpu(limits.cpu_millicores));
  if (layout_.abilities.cpu && (!before || before->cpu_weight != limits.cpu_weight))
    TRY(weigh_cpu(limits.cpu_weight));
  if (layout_.abilities.processes && (!before || before->processes_max != limits.processes_max))
    TRY(limit_processes(limits.processes_max));
  held_ = limits;
  return {};
}

/// The limit with swap may at no moment be below the one without.
Status GroupV1::limit_memory(std::int64_t bytes) const {
  const std::string text = bytes == 0 ? "-1" : std::to_string(bytes);
  const std::string without_swap = file(Controller::memory, "memory.limit_in_bytes");
  if (!layout_.counts_swap) return write_cgroup_file(without_swap, text);
  const std::string with_swap = file(Controller::memory, "memory.memsw.limit_in_bytes");
  TRY_ASSIGN(const CgroupText file_now, read_cgroup_file(with_swap));
  TRY_ASSIGN(const std::int64_t now, only_number(file_now));
  const bool is_raised = bytes == 0 || bytes > now;
  TRY(write_cgroup_file(is_raised ? with_swap : without_swap, text));
  return write_cgroup_file(is_raised ? without_swap : with_swap, text);
}

Status GroupV1::limit_cpu(std::int64_t millicores) const {
  const std::string quota_file = file(Controller::cpu, "cpu.cfs_quota_us");
  // Without a quota any period is allowed.
  TRY(write_cgroup_file(quota_file, "-1"));
  if (millicores == 0) return {};
  const CpuQuota quota = cpu_quota(millicores);
  TRY(write_cgroup_file(file(Controller::cpu, "cpu.cfs_period_us"),
                        std::to_string(quota.period_us)));
  // Version 1 refuses a quota above that of the groups above, which then hold the tighter one.
  const int error = try_to_write(quota_file, std::to_string(quota.quota_us));
  if (error == 0 || error == EINVAL) return {};
  return fail_errno(error, "cannot write the cpu limit to " + quota_file);
}

/// Quotas are ceilings; this is who comes first below them.
Status GroupV1::weigh_cpu(std::int64_t weight) const {
  return write_cgroup_file(file(Controller::cpu, "cpu.shares"),
                           std::to_string(cpu_shares(weight == 0 ? kCpuWeightUsual : weight)));
}

Status GroupV1::limit_processes(std::int64_t count) const {
  return write_cgroup_file(file(Controller::pids, "pids.max"),
                           count == 0 ? "max" : std::to_string(count));
}

Result<CgroupUse> GroupV1::use() {
  TRY_ASSIGN(const CgroupUse now, counters());
  return use_since(base_, now);
}

Status GroupV1::reset() {
  if (layout_.has(Controller::memory)) TRY(drop_page_cache());
  TRY_ASSIGN(base_, counters());
  return {};
}

Status GroupV1::drop_page_cache() const {
  TRY_ASSIGN(const CgroupText stat, read_cgroup_file(file(Controller::memory, "memory.stat")));
  TRY_ASSIGN(const std::int64_t cached, number_of(stat, "total_cache"));
  TRY_ASSIGN(const std::optional<std::int64_t> shared, find_number(stat, "total_shmem"));
  if (cached - shared.value_or(0) <= kCacheKeptBytesMax) return {};
  return write_cgroup_file(file(Controller::memory, "memory.force_empty"), "0");
}

Status GroupV1::kill() {
  Status killed = directories_->kill();
  if (!layout_.abilities.processes) return killed;
  const Status restored = limit_processes(held_ ? held_->processes_max : 0);
  return killed ? restored : killed;
}

Result<CgroupUse> GroupV1::counters() {
  CgroupUse use;
  if (layout_.has(Controller::memory)) TRY(read_memory(use));
  if (layout_.has(Controller::cpuacct)) TRY(read_cpu(use));
  if (layout_.has(Controller::blkio)) TRY(read_io(use));
  if (layout_.has(Controller::pids)) {
    TRY_ASSIGN(const CgroupText pids, kept_.read(file(Controller::pids, "pids.current")));
    TRY_ASSIGN(use.processes, only_number(pids));
  }
  return use;
}

Status GroupV1::read_memory(CgroupUse& use) {
  TRY_ASSIGN(const CgroupText stat, kept_.read(file(Controller::memory, "memory.stat")));
  TRY_ASSIGN(use.memory_bytes, number_of(stat, "total_rss"));
  for (const std::string_view key : {"total_shmem", "total_swap"}) {
    TRY_ASSIGN(const std::optional<std::int64_t> more, find_number(stat, key));
    TRY_ASSIGN(use.memory_bytes, add(use.memory_bytes, more.value_or(0), stat.path));
  }
  TRY_ASSIGN(const CgroupText oom, kept_.read(file(Controller::memory, "memory.oom_control")));
  TRY_ASSIGN(use.oom_kills, number_of(oom, "oom_kill"));
  return {};
}

Status GroupV1::read_cpu(CgroupUse& use) {
  if (layout_.splits_cpu) {
    const auto read = [&](std::string_view name) -> Result<Duration> {
      TRY_ASSIGN(const CgroupText text, kept_.read(file(Controller::cpuacct, name)));
      TRY_ASSIGN(const std::int64_t nanoseconds, only_number(text));
      return std::chrono::duration_cast<Duration>(std::chrono::nanoseconds(nanoseconds));
    };
    TRY_ASSIGN(use.user_cpu, read("cpuacct.usage_user"));
    TRY_ASSIGN(use.system_cpu, read("cpuacct.usage_sys"));
    return {};
  }
  TRY_ASSIGN(const CgroupText stat, kept_.read(file(Controller::cpuacct, "cpuacct.stat")));
  const std::int64_t tick_us = 1'000'000 / std::max(::sysconf(_SC_CLK_TCK), 1L);
  TRY_ASSIGN(const std::int64_t user_ticks, number_of(stat, "user"));
  TRY_ASSIGN(const std::int64_t system_ticks, number_of(stat, "system"));
  TRY_ASSIGN(const std::int64_t user_us, multiply(user_ticks, tick_us, stat.path));
  TRY_ASSIGN(const std::int64_t system_us, multiply(system_ticks, tick_us, stat.path));
  use.user_cpu = Duration(user_us);
  use.system_cpu = Duration(system_us);
  return {};
}

/// Lines "8:0 Read 4096", one per device and direction, and a total.
Status GroupV1::read_io(CgroupUse& use) {
  TRY_ASSIGN(const CgroupText io, kept_.read(file(Controller::blkio, layout_.io_file)));
  for (const std::string_view line : lines_of(io.text)) {
    const std::vector<std::string_view> words = words_of(line);
    if (words.size() != 3) continue;
    if (words[1] != "Read" && words[1] != "Write") continue;
    std::int64_t& sum = words[1] == "Read" ? use.read_bytes : use.written_bytes;
    TRY_ASSIGN(const std::int64_t bytes, parse_number(words[2], io.path));
    TRY_ASSIGN(sum, add(sum, bytes, io.path));
  }
  return {};
}

class GroupsV1 final : public MadeCgroups {
 public:
  explicit GroupsV1(Layout layout)
      : MadeCgroups(layout.abilities, layout.parents),
        layout_(std::move(layout)) {}

 private:
  std::unique_ptr<Cgroup> group_of(std::unique_ptr<GroupDirectories> directories) override {
    return std::make_unique<GroupV1>(std::move(directories), layout_);
  }

  const Layout layout_;
};

/// The file of our own group by which a controller shows that it can do what we need of it; the
/// root group has no pids.max, though its children do.
std::string_view proof_of(Controller one) {
  switch (one) {
    case Controller::memory: return "memory.limit_in_bytes";
    case Controller::cpu: return "cpu.cfs_quota_us";
    case Controller::cpuacct: return "cpuacct.stat";
    case Controller::pids: return "cgroup.procs";
    case Controller::blkio: return "blkio.throttle.io_service_bytes";
  }
  std::unreachable();
}

/// Of the mounts that have the controller, the one that shows our own group.
const CgroupMount* mount_of(const std::vector<CgroupMount>& mounts, std::string_view name) {
  const CgroupMount* found = nullptr;
  for (const CgroupMount& mount : mounts) {
    if (mount.version != 1 || !mount.has(name)) continue;
    if (found == nullptr || found->own.empty()) found = &mount;
  }
  return found;
}

void find_controller(Controller one, const std::vector<CgroupMount>& mounts, Layout& layout,
                     Shortfalls& missing) {
  const std::string name(kNames[static_cast<std::size_t>(one)]);
  const CgroupMount* const mount = mount_of(mounts, name);
  if (mount == nullptr)
    return missing.add(name + ": the controller is not mounted", "mount it below /sys/fs/cgroup");
  if (mount->own.empty())
    return missing.add(
        name + ": our own group is outside of what is mounted at " + mount->mount_point,
        "mount the whole hierarchy there");
  const std::string proof = path_below(mount->own, proof_of(one));
  if (!cgroup_file_exists(proof))
    return missing.add(name + ": no file " + proof, "use a kernel that has it built in");
  const auto known = std::ranges::find(layout.parents, mount->own);
  if (known == layout.parents.end()) {
    const Status made = try_to_make_group_in(mount->own);
    if (!made) return missing.add(name + ": " + made.error().text(), std::string(kDelegateAdvice));
  }
  layout.parent_of[static_cast<std::size_t>(one)] =
      static_cast<std::size_t>(known - layout.parents.begin());
  if (known == layout.parents.end()) layout.parents.push_back(mount->own);
}

}  // namespace

std::unique_ptr<Cgroups> detect_v1(const std::vector<CgroupMount>& mounts) {
  Layout layout;
  Shortfalls missing;
  for (const Controller one : {Controller::memory, Controller::cpu, Controller::cpuacct,
                               Controller::pids, Controller::blkio})
    find_controller(one, mounts, layout, missing);
  if (layout.parents.empty()) return no_cgroups(missing.text());
  const auto own_file = [&](Controller one, std::string_view name) {
    const std::size_t parent = layout.parent_of[static_cast<std::size_t>(one)].value();
    return path_below(layout.parents[parent], name);
  };
  CgroupAbilities& abilities = layout.abilities;
  abilities.version = 1;
  abilities.memory = layout.has(Controller::memory);
  abilities.cpu = layout.has(Controller::cpu);
  abilities.processes = layout.has(Controller::pids);
  abilities.io = layout.has(Controller::blkio);
  if (abilities.memory) {
    layout.counts_swap =
        cgroup_file_exists(own_file(Controller::memory, "memory.memsw.limit_in_bytes"));
    if (!layout.counts_swap)
      missing.add("memory: swap is not counted", "start the kernel with swapaccount=1");
  }
  if (layout.has(Controller::cpuacct))
    layout.splits_cpu = cgroup_file_exists(own_file(Controller::cpuacct, "cpuacct.usage_user")) &&
                        cgroup_file_exists(own_file(Controller::cpuacct, "cpuacct.usage_sys"));
  if (abilities.io) {
    const std::string_view deep = "blkio.throttle.io_service_bytes_recursive";
    layout.io_file =
        cgroup_file_exists(own_file(Controller::blkio, deep)) ? deep : proof_of(Controller::blkio);
  }
  abilities.why_not = missing.text();
  return std::make_unique<GroupsV1>(std::move(layout));
}

}  // namespace reeve::sandbox
