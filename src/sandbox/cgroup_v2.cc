#include "sandbox/cgroup_v2.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "sandbox/cgroup_directories.h"
#include "sandbox/cgroup_files.h"
#include "sandbox/cgroup_limits.h"
#include "sandbox/cgroup_made.h"

namespace reeve::sandbox {
namespace {

class GroupV2 final : public Cgroup {
 public:
  GroupV2(std::unique_ptr<GroupDirectories> directories, const CgroupAbilities& abilities)
      : directories_(std::move(directories)),
        abilities_(abilities) {
    if (!directories_->is_taken_over()) held_ = CgroupLimits{};
  }

  Status limit(const CgroupLimits& limits) override;
  Result<CgroupUse> use() override;
  std::optional<CgroupStalls> stalls() override;
  Status reset() override;
  std::vector<std::string> join_files() const override {
    return directories_->files("cgroup.procs");
  }
  Status kill() override;

 private:
  std::string file(std::string_view name) const {
    return path_below(directories_->paths().front(), name);
  }
  Status limit_memory(std::int64_t bytes) const;
  Status limit_cpu(std::int64_t millicores) const;
  Status weigh_cpu(std::int64_t weight) const;
  Status limit_processes(std::int64_t count) const;
  Status drop_page_cache() const;
  Result<CgroupUse> counters();
  Status read_memory(CgroupUse& use);
  Status read_io(CgroupUse& use);
  std::optional<Duration> stall_of(std::string_view name);

  std::unique_ptr<GroupDirectories> directories_;
  const CgroupAbilities& abilities_;
  std::optional<CgroupLimits> held_;  ///< what the files say; none when that is not known
  CgroupUse base_;
  KeptCgroupFiles kept_;  ///< what use() reads
};

Status GroupV2::limit(const CgroupLimits& limits) {
  TRY(check_limits(limits, abilities_));
  if (held_ == limits) return {};
  // Until all are written nobody knows what holds.
  const std::optional<CgroupLimits> before = std::exchange(held_, std::nullopt);
  if (abilities_.memory && (!before || before->memory_bytes != limits.memory_bytes))
    TRY(limit_memory(limits.memory_bytes));
  if (abilities_.cpu && (!before || before->cpu_millicores != limits.cpu_millicores))
    TRY(limit_cpu(limits.cpu_millicores));
  if (abilities_.cpu && (!before || before->cpu_weight != limits.cpu_weight))
    TRY(weigh_cpu(limits.cpu_weight));
  if (abilities_.processes && (!before || before->processes_max != limits.processes_max))
    TRY(limit_processes(limits.processes_max));
  held_ = limits;
  return {};
}

/// With no swap allowed, memory.max is the limit with swap included.
Status GroupV2::limit_memory(std::int64_t bytes) const {
  const std::string swap = file("memory.swap.max");
  const int error = try_to_write(swap, bytes == 0 ? "max" : "0");
  // A kernel without swap has no such file.
  if (error != 0 && error != ENOENT) return fail_errno(error, "cannot write to " + swap);
  return write_cgroup_file(file("memory.max"), bytes == 0 ? "max" : std::to_string(bytes));
}

Status GroupV2::limit_cpu(std::int64_t millicores) const {
  if (millicores == 0) return write_cgroup_file(file("cpu.max"), "max 100000");
  const CpuQuota quota = cpu_quota(millicores);
  return write_cgroup_file(file("cpu.max"),
                           std::to_string(quota.quota_us) + " " + std::to_string(quota.period_us));
}

/// Quotas are ceilings; this is who comes first below them.
Status GroupV2::weigh_cpu(std::int64_t weight) const {
  return write_cgroup_file(file("cpu.weight"),
                           std::to_string(weight == 0 ? kCpuWeightUsual : weight));
}

Status GroupV2::limit_processes(std::int64_t count) const {
  return write_cgroup_file(file("pids.max"), count == 0 ? "max" : std::to_string(count));
}

Result<CgroupUse> GroupV2::use() {
  TRY_ASSIGN(const CgroupUse now, counters());
  return use_since(base_, now);
}

Status GroupV2::reset() {
  if (abilities_.memory) TRY(drop_page_cache());
  TRY_ASSIGN(base_, counters());
  return {};
}

/// Kernels before 5.19 have no memory.reclaim: there the cache stays until it is in the way.
Status GroupV2::drop_page_cache() const {
  TRY_ASSIGN(const CgroupText stat, read_cgroup_file(file("memory.stat")));
  TRY_ASSIGN(const std::int64_t of_files, number_of(stat, "file"));
  TRY_ASSIGN(const std::int64_t shared, number_of(stat, "shmem"));
  if (of_files - shared <= kCacheKeptBytesMax) return {};
  const std::string reclaim = file("memory.reclaim");
  const int error = try_to_write(reclaim, std::to_string(of_files - shared));
  // EAGAIN: some of it is in use by others, and stays.
  if (error == 0 || error == ENOENT || error == EAGAIN) return {};
  return fail_errno(error, "cannot drop page cache through " + reclaim);
}

Status GroupV2::kill() {
  Status killed = directories_->kill();
  if (!abilities_.processes) return killed;
  const Status restored = limit_processes(held_ ? held_->processes_max : 0);
  return killed ? restored : killed;
}

Result<CgroupUse> GroupV2::counters() {
  CgroupUse use;
  TRY_ASSIGN(const CgroupText cpu, kept_.read(file("cpu.stat")));
  TRY_ASSIGN(const std::int64_t user_us, number_of(cpu, "user_usec"));
  TRY_ASSIGN(const std::int64_t system_us, number_of(cpu, "system_usec"));
  use.user_cpu = Duration(user_us);
  use.system_cpu = Duration(system_us);
  if (abilities_.memory) TRY(read_memory(use));
  if (abilities_.io) TRY(read_io(use));
  if (abilities_.processes) {
    TRY_ASSIGN(const CgroupText pids, kept_.read(file("pids.current")));
    TRY_ASSIGN(use.processes, only_number(pids));
  }
  return use;
}

/// Of the kernel's own memory, what it keeps only as a cache of files (names, inodes) is left out.
Status GroupV2::read_memory(CgroupUse& use) {
  TRY_ASSIGN(const CgroupText stat, kept_.read(file("memory.stat")));
  TRY_ASSIGN(const std::int64_t anonymous, number_of(stat, "anon"));
  TRY_ASSIGN(const std::int64_t shared, number_of(stat, "shmem"));
  TRY_ASSIGN(const std::optional<std::int64_t> kernel, find_number(stat, "kernel"));
  TRY_ASSIGN(const std::optional<std::int64_t> cached, find_number(stat, "slab_reclaimable"));
  const std::int64_t kept = std::max<std::int64_t>(kernel.value_or(0) - cached.value_or(0), 0);
  TRY_ASSIGN(use.memory_bytes, add(anonymous, shared, stat.path));
  TRY_ASSIGN(use.memory_bytes, add(use.memory_bytes, kept, stat.path));
  TRY_ASSIGN(const CgroupText events, kept_.read(file("memory.events")));
  TRY_ASSIGN(use.oom_kills, number_of(events, "oom_kill"));
  return {};
}

/// Lines "8:0 rbytes=4096 wbytes=0 rios=1 ...", one per device.
Status GroupV2::read_io(CgroupUse& use) {
  constexpr std::string_view kRead = "rbytes=";
  constexpr std::string_view kWritten = "wbytes=";
  TRY_ASSIGN(const CgroupText io, kept_.read(file("io.stat")));
  for (const std::string_view word : words_of(io.text)) {
    const bool is_read = word.starts_with(kRead);
    if (!is_read && !word.starts_with(kWritten)) continue;
    std::int64_t& sum = is_read ? use.read_bytes : use.written_bytes;
    TRY_ASSIGN(const std::int64_t bytes, parse_number(word.substr(kRead.size()), io.path));
    TRY_ASSIGN(sum, add(sum, bytes, io.path));
  }
  return {};
}

/// "some avg10=0.00 avg60=0.00 avg300=0.00 total=1234": microseconds.
std::optional<Duration> GroupV2::stall_of(std::string_view name) {
  constexpr std::string_view kTotal = "total=";
  const auto text = kept_.read(file(name));
  if (!text) return std::nullopt;
  for (const std::string_view line : lines_of(text->text)) {
    const std::vector<std::string_view> words = words_of(line);
    if (words.empty() || words.front() != "some" || !words.back().starts_with(kTotal)) continue;
    const auto total = parse_number(words.back().substr(kTotal.size()), text->path);
    return total ? std::optional(Duration(*total)) : std::nullopt;
  }
  return std::nullopt;
}

std::optional<CgroupStalls> GroupV2::stalls() {
  const auto cpu = stall_of("cpu.pressure");
  const auto memory = stall_of("memory.pressure");
  const auto io = stall_of("io.pressure");
  if (!cpu || !memory || !io) return std::nullopt;
  return CgroupStalls{*cpu, *memory, *io};
}

class GroupsV2 final : public MadeCgroups {
 public:
  GroupsV2(const CgroupAbilities& abilities, const std::string& base)
      : MadeCgroups(abilities, {base}) {}

 private:
  std::unique_ptr<Cgroup> group_of(std::unique_ptr<GroupDirectories> directories) override {
    return std::make_unique<GroupV2>(std::move(directories), abilities());
  }
};

std::string directory_above(const std::string& directory) {
  return directory.substr(0, directory.rfind('/'));
}

/// The other processes of our own group; the rule against processes in a group with limits below it
/// holds for them as for us, but they are not ours to move.
Result<std::size_t> others_in(const std::string& group) {
  TRY_ASSIGN(const CgroupText procs, read_cgroup_file(group + "/cgroup.procs"));
  std::size_t others = 0;
  for (const std::string_view word : words_of(procs.text)) {
    TRY_ASSIGN(const std::int64_t pid, parse_number(word, procs.path));
    if (pid != ::getpid()) ++others;
  }
  return others;
}

Status move_into_leaf(const std::string& group) {
  const std::string leaf = path_below(group, kSelfGroup);
  if (::mkdir(leaf.c_str(), 0755) != 0 && errno != EEXIST)
    return fail_errno(errno, "no write access to " + group);
  return write_cgroup_file(leaf + "/cgroup.procs", "0");
}

/// Groups can be made there, and processes moved below it.
Status check_base(const std::string& group) {
  TRY(try_to_make_group_in(group));
  const std::string procs = group + "/cgroup.procs";
  if (::faccessat(AT_FDCWD, procs.c_str(), W_OK, AT_EACCESS) != 0)
    return fail_errno(errno, "no write access to " + procs);
  return {};
}

/// The group below which ours are made.
Result<std::string> find_base(const CgroupMount& mount) {
  const std::string& own = mount.own;
  // Only the root of all has no cgroup.events, and it is free of the rule.
  const bool is_bound = cgroup_file_exists(own + "/cgroup.events");
  const bool is_leaf = own.ends_with("/" + std::string(kSelfGroup)) && own != mount.mount_point;
  if (!is_bound || is_leaf) {
    const std::string base = is_leaf ? directory_above(own) : own;
    TRY(check_base(base));
    return base;
  }
  TRY_ASSIGN(const std::size_t others, others_in(own));
  Status failure = check_base(own);
  if (failure && others > 0)
    failure = fail(ErrorCode::conflict,
                   "other processes (" + std::to_string(others) + ") are in our own group " + own);
  if (failure) failure = move_into_leaf(own);
  if (failure) return own;
  const std::string above = directory_above(own);
  if (own != mount.mount_point && check_base(above)) return above;
  return tl::unexpected(std::move(failure).error());
}

Status enable(std::string_view controller, const std::string& base) {
  const auto listed_in = [&](std::string_view name) -> Result<bool> {
    TRY_ASSIGN(const CgroupText list, read_cgroup_file(path_below(base, name)));
    return has_word(list.text, controller);
  };
  TRY_ASSIGN(const bool is_enabled, listed_in("cgroup.subtree_control"));
  if (is_enabled) return {};
  TRY_ASSIGN(const bool is_available, listed_in("cgroup.controllers"));
  if (!is_available)
    return fail(ErrorCode::unsupported, "the controller is not available in " + base);
  return write_cgroup_file(base + "/cgroup.subtree_control", "+" + std::string(controller));
}

}  // namespace

std::unique_ptr<Cgroups> detect_v2(const CgroupMount& mount) {
  if (mount.own.empty())
    return no_cgroups("our own group is outside of what is mounted at " + mount.mount_point +
                      "; mount the whole hierarchy there");
  const auto base = find_base(mount);
  if (!base)
    return no_cgroups(base.error().text() +
                      "; start it alone in a group of its own: " + std::string(kDelegateAdvice));
  Shortfalls missing;
  const auto check = [&](std::string_view controller) {
    const Status enabled = enable(controller, *base);
    if (!enabled)
      missing.add(std::string(controller) + ": " + enabled.error().text(),
                  "let systemd delegate all controllers (Delegate=yes), or enable them in "
                  "cgroup.subtree_control of the groups above");
    return enabled.has_value();
  };
  CgroupAbilities abilities;
  abilities.version = 2;
  abilities.memory = check("memory");
  abilities.cpu = check("cpu");
  abilities.processes = check("pids");
  abilities.io = check("io");
  abilities.why_not = missing.text();
  return std::make_unique<GroupsV2>(abilities, *base);
}

}  // namespace reeve::sandbox
