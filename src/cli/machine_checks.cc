#include "cli/machine_checks.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>

#include <fmt/format.h>

#include "base/fd.h"
#include "base/resources.h"
#include "base/time.h"

namespace reeve::cli {
namespace {

using FoundStatus = MachineCheck::Status;

std::string read_text(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 16384> buffer{};
  const ssize_t size = file ? ::read(file.get(), buffer.data(), buffer.size()) : -1;
  std::string text(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

/// "CapEff:\t0000..." → "0000..."
std::string status_field(const std::string& name) {
  const std::string text = read_text("/proc/self/status");
  const std::size_t at = text.find("\n" + name + ":");
  if (at == std::string::npos) return {};
  const std::size_t begin = text.find_first_not_of(" \t", at + name.size() + 2);
  return text.substr(begin, text.find('\n', begin) - begin);
}

MachineCheck kernel_check() {
  utsname names{};
  ::uname(&names);
  return {"kernel", FoundStatus::good,
          fmt::format("{} {} {}", names.sysname, names.release, names.machine), ""};
}

MachineCheck pidfd_check() {
  const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
  if (process) return {"pidfd", FoundStatus::good, "yes", ""};
  return {"pidfd", FoundStatus::bad, "no",
          "tasks cannot be supervised: Linux 5.3 or newer is needed"};
}

MachineCheck cgroup_check() {
  struct statfs found {};
  if (::statfs("/sys/fs/cgroup", &found) != 0)
    return {"control groups", FoundStatus::missing, "none", "no limits of memory and cpu per task"};
  if (static_cast<unsigned long>(found.f_type) != CGROUP2_SUPER_MAGIC)
    return {"control groups", FoundStatus::missing, "version 1", "limits per task need root"};
  const std::string own = read_text("/proc/self/cgroup");
  const std::string path = "/sys/fs/cgroup" + own.substr(std::min(own.find("::") + 2, own.size()));
  const bool writable = ::access((path + "/cgroup.procs").c_str(), W_OK) == 0;
  return {"control groups", FoundStatus::good,
          fmt::format("version 2, controllers: {}", read_text("/sys/fs/cgroup/cgroup.controllers")),
          writable ? "delegated to this user" : "not delegated to this user"};
}

/// Tries it in a child: sysctls, AppArmor and containers all have their say.
MachineCheck user_namespace_check() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(::unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID) == 0 ? 0 : errno);
  int status = 0;
  const bool reaped = child > 0 && ::waitpid(child, &status, 0) == child;
  if (reaped && WIFEXITED(status) && WEXITSTATUS(status) == 0)
    return {"user namespaces", FoundStatus::good, "can be made", ""};
  const int error = reaped && WIFEXITED(status) ? WEXITSTATUS(status) : EAGAIN;
  return {"user namespaces", FoundStatus::missing,
          fmt::format("refused ({})", std::generic_category().message(error)),
          "no sandbox without root"};
}

MachineCheck capability_check() {
  const std::string effective = status_field("CapEff");
  const bool none = effective.find_first_not_of('0') == std::string::npos;
  return {"capabilities", FoundStatus::good, none ? "none" : effective,
          ::geteuid() == 0 ? "this is root; only tasks without a sandbox are, too" : ""};
}

MachineCheck overlay_check() {
  const bool found = read_text("/proc/filesystems").find("overlay") != std::string::npos;
  return {"overlayfs", found ? FoundStatus::good : FoundStatus::missing, found ? "yes" : "no",
          found ? "" : "images cannot be used as roots"};
}

MachineCheck seccomp_check() {
  const std::string actions = read_text("/proc/sys/kernel/seccomp/actions_avail");
  if (actions.empty())
    return {"seccomp", FoundStatus::missing, "no", "system calls cannot be filtered"};
  return {"seccomp", FoundStatus::good, actions, ""};
}

MachineCheck landlock_check() {
  const long version =
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 1) return {"Landlock", FoundStatus::missing, "no", ""};
  return {"Landlock", FoundStatus::good, fmt::format("version {}", version), ""};
}

MachineCheck limit_check(const std::string& name, int resource, rlim_t least,
                         const std::string& meaning) {
  rlimit limit{};
  ::getrlimit(static_cast<__rlimit_resource>(resource), &limit);
  const auto text = [](rlim_t value) {
    return value == RLIM_INFINITY ? std::string("unlimited") : fmt::format("{}", value);
  };
  const bool enough = limit.rlim_cur == RLIM_INFINITY || limit.rlim_max >= least;
  return {name, enough ? FoundStatus::good : FoundStatus::bad,
          fmt::format("{} (at most {})", text(limit.rlim_cur), text(limit.rlim_max)),
          enough ? "" : meaning};
}

struct FileSystem {
  unsigned long magic;
  std::string_view name;
  bool is_network = false;
};
constexpr auto kFileSystems = std::to_array<FileSystem>({
    {EXT4_SUPER_MAGIC, "ext4"},
    {XFS_SUPER_MAGIC, "xfs"},
    {BTRFS_SUPER_MAGIC, "btrfs"},
    {TMPFS_MAGIC, "tmpfs"},
    {OVERLAYFS_SUPER_MAGIC, "overlayfs"},
    {NFS_SUPER_MAGIC, "nfs", true},
    {SMB_SUPER_MAGIC, "smb", true},
    {0xFF534D42UL, "cifs", true},
    {0x65735546UL, "fuse", true},
    {0x2FC12FC1UL, "zfs"},
});

MachineCheck file_system_check(const std::string& directory) {
  struct statfs found {};
  if (::statfs(directory.c_str(), &found) != 0)
    return {"file system", FoundStatus::bad, std::generic_category().message(errno), ""};
  const auto magic = static_cast<unsigned long>(found.f_type);
  const auto known = std::ranges::find(kFileSystems, magic, &FileSystem::magic);
  const std::string name =
      known == kFileSystems.end() ? fmt::format("type {:#x}", magic) : std::string(known->name);
  const bool is_network = known != kFileSystems.end() && known->is_network;
  if (is_network)
    return {"file system", FoundStatus::missing, name,
            "locks and shared memory of SQLite may fail there: use a local disk (--state DIR)"};
  return {"file system", FoundStatus::good, name,
          magic == TMPFS_MAGIC ? "gone after a restart of the machine" : ""};
}

/// Median of a few writes of a page with fdatasync: what every commit waits for.
MachineCheck sync_check(const std::string& directory) {
  using std::chrono::steady_clock;
  constexpr std::size_t kTries = 15;
  const Fd file(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!file)
    return {"durable write", FoundStatus::bad, std::generic_category().message(errno),
            "nothing can be recorded in " + directory};
  const std::array<char, 4096> page{};
  std::vector<Duration> times;
  for (std::size_t i = 0; i < kTries; ++i) {
    const auto begin = steady_clock::now();
    const bool written =
        ::write(file.get(), page.data(), page.size()) > 0 && ::fdatasync(file.get()) == 0;
    if (!written)
      return {"durable write", FoundStatus::bad, std::generic_category().message(errno), ""};
    times.push_back(std::chrono::duration_cast<Duration>(steady_clock::now() - begin));
  }
  std::ranges::sort(times);
  const Duration median = times[kTries / 2];
  const bool slow = median > std::chrono::milliseconds{50};
  return {"durable write", FoundStatus::good, format_duration(median),
          slow ? "slow: each round of decisions waits for it" : ""};
}

MachineCheck space_check(const std::string& directory) {
  constexpr std::int64_t kBytesMin = std::int64_t{256} << 20;
  struct statfs found {};
  if (::statfs(directory.c_str(), &found) != 0)
    return {"disk space", FoundStatus::bad, std::generic_category().message(errno), ""};
  const auto free = static_cast<std::int64_t>(found.f_bavail) * found.f_bsize;
  return {"disk space", free >= kBytesMin ? FoundStatus::good : FoundStatus::bad,
          format_bytes(free) + " free", free >= kBytesMin ? "" : "logs and records need room"};
}

}  // namespace

std::vector<MachineCheck> kernel_checks() {
  return {kernel_check(),     pidfd_check(),   cgroup_check(),  user_namespace_check(),
          capability_check(), overlay_check(), seccomp_check(), landlock_check()};
}

std::vector<MachineCheck> limit_checks() {
  return {limit_check("open files", RLIMIT_NOFILE, 256, "too few for more than some tasks"),
          limit_check("processes", RLIMIT_NPROC, 64, "too few for more than some tasks")};
}

std::vector<MachineCheck> disk_checks(const std::string& directory) {
  return {file_system_check(directory), sync_check(directory), space_check(directory)};
}

}  // namespace reeve::cli
