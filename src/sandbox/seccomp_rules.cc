#include "sandbox/seccomp_rules.h"

#include <linux/netlink.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>

namespace reeve::sandbox {
namespace {

// What the default profile of Docker, containerd and podman allows to a process without
// capabilities, less what refused_calls() lists. Among what stays, on purpose:
// - prctl is not filtered: it changes its caller, and the kernel checks what goes further;
//   PR_SET_PTRACER admits nobody in here, as ptrace itself is refused;
// - adjtimex and clock_adjtime read the clock's state; whether they change it stands in memory,
//   where a filter cannot look, and the kernel asks for CAP_SYS_TIME then;
// - name_to_handle_at tells mounts apart, and its handle opens nothing without
//   open_by_handle_at;
// - mknod makes FIFOs; devices need a capability;
// - raw sockets need a capability too.
constexpr std::string_view kUnconditional[] = {
    "accept",
    "accept4",
    "access",
    "adjtimex",
    "alarm",
    "arch_prctl",
    "bind",
    "brk",
    "cachestat",
    "capget",
    "capset",
    "chdir",
    "chown",
    "clock_adjtime",
    "clock_getres",
    "clock_gettime",
    "clock_nanosleep",
    "close",
    "close_range",
    "connect",
    "copy_file_range",
    "creat",
    "dup",
    "dup2",
    "dup3",
    "epoll_create",
    "epoll_create1",
    "epoll_ctl",
    "epoll_pwait",
    "epoll_pwait2",
    "epoll_wait",
    "eventfd",
    "eventfd2",
    "execve",
    "execveat",
    "exit",
    "exit_group",
    "faccessat",
    "faccessat2",
    "fadvise64",
    "fallocate",
    "fchdir",
    "fchown",
    "fchownat",
    "fcntl",
    "fdatasync",
    "fgetxattr",
    "flistxattr",
    "flock",
    "fork",
    "fremovexattr",
    "fsetxattr",
    "fstat",
    "fstatfs",
    "fsync",
    "ftruncate",
    "futex",
    "futex_requeue",
    "futex_wait",
    "futex_waitv",
    "futex_wake",
    "futimesat",
    "get_robust_list",
    "getcpu",
    "getcwd",
    "getdents",
    "getdents64",
    "getegid",
    "geteuid",
    "getgid",
    "getgroups",
    "getitimer",
    "getpeername",
    "getpgid",
    "getpgrp",
    "getpid",
    "getppid",
    "getpriority",
    "getrandom",
    "getresgid",
    "getresuid",
    "getrlimit",
    "getrusage",
    "getsid",
    "getsockname",
    "getsockopt",
    "gettid",
    "gettimeofday",
    "getuid",
    "getxattr",
    "inotify_add_watch",
    "inotify_init",
    "inotify_init1",
    "inotify_rm_watch",
    "io_cancel",
    "io_destroy",
    "io_getevents",
    "io_pgetevents",
    "io_setup",
    "io_submit",
    "ioprio_get",
    "ioprio_set",
    "kill",
    "landlock_add_rule",
    "landlock_create_ruleset",
    "landlock_restrict_self",
    "lchown",
    "lgetxattr",
    "link",
    "linkat",
    "listen",
    "listxattr",
    "llistxattr",
    "lremovexattr",
    "lseek",
    "lsetxattr",
    "lstat",
    "madvise",
    "map_shadow_stack",
    "membarrier",
    "memfd_create",
    "mincore",
    "mkdir",
    "mkdirat",
    "mknod",
    "mknodat",
    "mlock",
    "mlock2",
    "mlockall",
    "mmap",
    "mprotect",
    "mq_getsetattr",
    "mq_notify",
    "mq_open",
    "mq_timedreceive",
    "mq_timedsend",
    "mq_unlink",
    "mremap",
    "msgctl",
    "msgget",
    "msgrcv",
    "msgsnd",
    "msync",
    "munlock",
    "munlockall",
    "munmap",
    "name_to_handle_at",
    "nanosleep",
    "newfstatat",
    "open",
    "openat",
    "openat2",
    "pause",
    "pidfd_open",
    "pidfd_send_signal",
    "pipe",
    "pipe2",
    "pkey_alloc",
    "pkey_free",
    "pkey_mprotect",
    "poll",
    "ppoll",
    "prctl",
    "pread64",
    "preadv",
    "preadv2",
    "prlimit64",
    "process_mrelease",
    "pselect6",
    "pwrite64",
    "pwritev",
    "pwritev2",
    "read",
    "readahead",
    "readlink",
    "readlinkat",
    "readv",
    "recvfrom",
    "recvmmsg",
    "recvmsg",
    "remap_file_pages",
    "removexattr",
    "rename",
    "renameat",
    "renameat2",
    "restart_syscall",
    "rmdir",
    "rseq",
    "rt_sigaction",
    "rt_sigpending",
    "rt_sigprocmask",
    "rt_sigqueueinfo",
    "rt_sigreturn",
    "rt_sigsuspend",
    "rt_sigtimedwait",
    "rt_tgsigqueueinfo",
    "sched_get_priority_max",
    "sched_get_priority_min",
    "sched_getaffinity",
    "sched_getattr",
    "sched_getparam",
    "sched_getscheduler",
    "sched_rr_get_interval",
    "sched_setaffinity",
    "sched_setattr",
    "sched_setparam",
    "sched_setscheduler",
    "sched_yield",
    "seccomp",
    "select",
    "semctl",
    "semget",
    "semop",
    "semtimedop",
    "sendfile",
    "sendmmsg",
    "sendmsg",
    "sendto",
    "set_robust_list",
    "set_tid_address",
    "setfsgid",
    "setfsuid",
    "setgid",
    "setgroups",
    "setitimer",
    "setpgid",
    "setpriority",
    "setregid",
    "setresgid",
    "setresuid",
    "setreuid",
    "setrlimit",
    "setsid",
    "setsockopt",
    "setuid",
    "setxattr",
    "shmat",
    "shmctl",
    "shmdt",
    "shmget",
    "shutdown",
    "sigaltstack",
    "signalfd",
    "signalfd4",
    "splice",
    "stat",
    "statfs",
    "statx",
    "symlink",
    "symlinkat",
    "sync",
    "sync_file_range",
    "syncfs",
    "sysinfo",
    "tee",
    "tgkill",
    "time",
    "timer_create",
    "timer_delete",
    "timer_getoverrun",
    "timer_gettime",
    "timer_settime",
    "timerfd_create",
    "timerfd_gettime",
    "timerfd_settime",
    "times",
    "tkill",
    "truncate",
    "umask",
    "uname",
    "unlink",
    "unlinkat",
    "utime",
    "utimensat",
    "utimes",
    "vfork",
    "vmsplice",
    "wait4",
    "waitid",
    "write",
    "writev",
};

constexpr std::uint32_t kAllBits = 0xffffffff;
/// In clone the lowest byte is a signal, and none has the number of CLONE_NEWTIME.
constexpr std::uint32_t kNewtime = 0x80;
constexpr std::uint32_t kNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                      CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | kNewtime;

constexpr ArgumentTest is(std::uint32_t index, std::uint32_t value) {
  return {.index = index, .mask = kAllBits, .value = value};
}
constexpr ArgumentTest has_none_of(std::uint32_t index, std::uint32_t mask) {
  return {.index = index, .mask = mask, .value = 0};
}

/// A program with one of these bits, in a work directory, would give its user to anybody on the
/// machine. What is created with them (open, openat2, mknod) is empty, and loses them when written.
constexpr std::uint32_t kSetId = S_ISUID | S_ISGID;
constexpr std::string_view kNoSetId = "no set-user-ID or set-group-ID bit";

constexpr ConditionalCall kConditional[] = {
    {"chmod", kNoSetId, has_none_of(1, kSetId)},
    {"fchmod", kNoSetId, has_none_of(1, kSetId)},
    {"fchmodat", kNoSetId, has_none_of(2, kSetId)},
    {"fchmodat2", kNoSetId, has_none_of(2, kSetId)},
    {"clone", "no `CLONE_NEW*` flag", has_none_of(0, kNamespaces)},
    {"unshare", "no `CLONE_NEW*` flag", has_none_of(0, kNamespaces)},
    {"personality", "`PER_LINUX`", is(0, PER_LINUX)},
    {"personality", "`PER_LINUX32`", is(0, PER_LINUX32)},
    {"personality", "`UNAME26`", is(0, UNAME26)},
    {"personality", "`PER_LINUX32` with `UNAME26`",
     is(0, std::uint32_t{PER_LINUX32} | std::uint32_t{UNAME26})},
    {"personality", "0xffffffff, which asks", is(0, kAllBits)},
    {"socket", "`AF_UNIX`", is(0, AF_UNIX)},
    {"socket", "`AF_INET`", is(0, AF_INET)},
    {"socket", "`AF_INET6`", is(0, AF_INET6)},
    {"socket", "`AF_NETLINK` with `NETLINK_ROUTE`", is(0, AF_NETLINK), is(2, NETLINK_ROUTE)},
    {"socketpair", "`AF_UNIX`", is(0, AF_UNIX)},
};

/// They put words into a terminal's input, and load line disciplines.
constexpr std::uint32_t kRefusedIoctls[] = {TIOCSTI, TIOCLINUX, TIOCSETD};
constexpr SeccompRule kIoctl{"ioctl", "not `TIOCSTI`, `TIOCLINUX` or `TIOCSETD`"};

constexpr std::string_view kMounts[] = {
    "mount",      "umount2", "pivot_root", "chroot",  "setns",  "open_tree",
    "move_mount", "fsopen",  "fsconfig",   "fsmount", "fspick", "mount_setattr",
};
constexpr std::string_view kSurface[] = {
    "io_uring_setup", "io_uring_enter", "io_uring_register", "bpf",           "perf_event_open",
    "userfaultfd",    "modify_ldt",     "memfd_secret",      "fanotify_init", "fanotify_mark",
};
constexpr std::string_view kKeys[] = {
    "add_key",
    "request_key",
    "keyctl",
};
constexpr std::string_view kProcesses[] = {
    "ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd", "process_madvise",
};
constexpr std::string_view kHandles[] = {
    "open_by_handle_at",
};
constexpr std::string_view kMachine[] = {
    "acct",          "swapon",        "swapoff",       "reboot",          "sethostname",
    "setdomainname", "syslog",        "kexec_load",    "kexec_file_load", "init_module",
    "finit_module",  "delete_module", "iopl",          "ioperm",          "quotactl",
    "quotactl_fd",   "settimeofday",  "clock_settime", "vhangup",
};
constexpr std::string_view kMemory[] = {
    "mbind",         "set_mempolicy", "get_mempolicy", "set_mempolicy_home_node",
    "migrate_pages", "move_pages",
};
constexpr std::string_view kObsolete[] = {
    "lookup_dcookie",  "uselib",          "ustat",          "sysfs",      "_sysctl",
    "create_module",   "get_kernel_syms", "query_module",   "nfsservctl", "getpmsg",
    "putpmsg",         "afs_syscall",     "tuxcall",        "security",   "set_thread_area",
    "get_thread_area", "epoll_ctl_old",   "epoll_wait_old", "vserver",
};

constexpr RefusedCalls kRefused[] = {
    {"They make, join or rearrange namespaces and mounts", kMounts},
    {"Kernel code that tasks do not need, much of it with a record of escapes", kSurface},
    {"The keyring is not divided between attempts", kKeys},
    {"They reach into other processes; so debuggers and leak checkers do not work", kProcesses},
    {"It opens a file past the directories above it", kHandles},
    {"They configure the machine", kMachine},
    {"They choose the machine's memory nodes, or move the memory of others", kMemory},
    {"Obsolete, or not implemented on x86_64", kObsolete},
};

constexpr auto kRules = [] {
  std::array<SeccompRule, std::size(kUnconditional) + std::size(kConditional) + 1> rules{};
  auto* next = rules.begin();
  for (const std::string_view syscall : kUnconditional) *next++ = {syscall, ""};
  for (const ConditionalCall& call : kConditional) *next++ = {call.syscall, call.condition};
  *next = kIoctl;
  return rules;
}();

}  // namespace

std::span<const SeccompRule> rules_of(SeccompProfile /*profile*/) { return kRules; }
std::span<const std::string_view> unconditional_calls(SeccompProfile /*profile*/) {
  return kUnconditional;
}
std::span<const ConditionalCall> conditional_calls(SeccompProfile /*profile*/) {
  return kConditional;
}
std::span<const std::uint32_t> refused_ioctls(SeccompProfile /*profile*/) { return kRefusedIoctls; }
std::span<const RefusedCalls> refused_calls(SeccompProfile /*profile*/) { return kRefused; }

}  // namespace reeve::sandbox
