#include "images/confine.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <seccomp.h>

#include "base/fd.h"

namespace reeve::images {
namespace {

constexpr std::array kAllowed{
    // files below the root
    SCMP_SYS(openat), SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(pwrite64), SCMP_SYS(close),
    SCMP_SYS(lseek), SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(mkdirat),
    SCMP_SYS(symlinkat), SCMP_SYS(linkat), SCMP_SYS(unlinkat), SCMP_SYS(mknodat),
    SCMP_SYS(ftruncate), SCMP_SYS(fchmod), SCMP_SYS(utimensat), SCMP_SYS(fsetxattr),
    SCMP_SYS(fcntl), SCMP_SYS(syncfs),
    // memory and the end
    SCMP_SYS(brk), SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
    SCMP_SYS(mprotect), SCMP_SYS(futex), SCMP_SYS(getrandom), SCMP_SYS(exit), SCMP_SYS(exit_group),
    SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask), SCMP_SYS(getpid), SCMP_SYS(gettid),
    SCMP_SYS(tgkill)};

tl::unexpected<Error> cannot(const char* step, int error) {
  return fail_errno(error, std::string("cannot shut the reader of archives in: ") + step);
}

Status write_own(const char* path, const std::string& text) {
  const Fd file(::open(path, O_WRONLY | O_CLOEXEC));
  const bool is_written =
      file && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  return is_written ? Status() : cannot("map its user", errno);
}

/// Who is not root has the right to the rest in a user namespace of its own only.
Status unshare_all() {
  constexpr int kNamespaces = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC;
  const uid_t user = ::geteuid();
  const gid_t group = ::getegid();
  if (::unshare(user == 0 ? kNamespaces : kNamespaces | CLONE_NEWUSER) != 0)
    return cannot("unshare", errno);
  if (user == 0) return {};
  TRY(write_own("/proc/self/setgroups", "deny"));
  TRY(write_own("/proc/self/uid_map", fmt::format("{0} {0} 1", user)));
  return write_own("/proc/self/gid_map", fmt::format("{0} {0} 1", group));
}

Status see_only(const char* directory) {
  TRY(unshare_all());
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return cannot("keep mounts from spreading", errno);
  constexpr unsigned long kFlags = MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV | MS_NOEXEC;
  if (::mount(directory, directory, nullptr, MS_BIND, nullptr) != 0 ||
      ::mount(nullptr, directory, nullptr, kFlags, nullptr) != 0)
    return cannot("mount its directory", errno);
  if (::chdir(directory) != 0 || ::syscall(SYS_pivot_root, ".", ".") != 0 ||
      ::umount2(".", MNT_DETACH) != 0 || ::chdir("/") != 0)
    return cannot("change its root", errno);
  return {};
}

Status drop_privileges() {
  for (int capability = 0; capability < 64; ++capability)
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 && errno == EINVAL) break;
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  // Layers close directories before they fill them.
  data[0].effective = data[0].permitted = 1U << CAP_DAC_OVERRIDE;
  if (::syscall(SYS_capset, &header, data) != 0) return cannot("give up capabilities", errno);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return cannot("no_new_privs", errno);
  return {};
}

Status filter_system_calls() {
  const std::unique_ptr<void, decltype(&seccomp_release)> filter(
      seccomp_init(SCMP_ACT_KILL_PROCESS), &seccomp_release);
  if (!filter) return cannot("make a filter", ENOMEM);
  for (const int call : kAllowed) {
    if (const int error = seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 0); error != 0)
      return cannot("make a filter", -error);
  }
  if (const int error = seccomp_load(filter.get()); error != 0)
    return cannot("filter system calls", -error);
  return {};
}

}  // namespace

Status confine_to(const char* directory) {
  ::umask(0);
  TRY(see_only(directory));
  TRY(drop_privileges());
  return filter_system_calls();
}

}  // namespace reeve::images
