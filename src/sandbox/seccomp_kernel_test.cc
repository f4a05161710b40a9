// The profile under the kernel: children install it, make calls and report through a pipe.
#include <linux/seccomp.h>
#include <sched.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "sandbox/seccomp.h"

namespace reeve::sandbox {
namespace {

/// Ends a child whose filter could not be installed.
constexpr int kNotInstalled = 99;

constexpr long kUnusedNumber = 400;
constexpr long kFutureNumber = 470;
constexpr long kX32Getpid = 0x40000000 | SYS_getpid;

void install(const std::vector<sock_filter>& program) {
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  // A sanitizer would turn the signal of a death into its own report.
  for (const int signal : {SIGSYS, SIGSEGV}) ::signal(signal, SIG_DFL);
  std::vector<sock_filter> copy = program;
  sock_fprog filter{static_cast<unsigned short>(copy.size()), copy.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) != 0)
    ::_exit(kNotInstalled);
}

/// The wait status of a child that does this behind the filter.
int status_of(const std::function<void()>& body) {
  const auto program = compile(SeccompProfile::standard).value();
  const pid_t child = ::fork();
  if (child == 0) {
    install(program);
    body();
    ::_exit(0);
  }
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return status;
}

bool ended_well(int status) { return WIFEXITED(status) && WEXITSTATUS(status) == 0; }

struct Attempted {
  std::string_view name;
  long number;
  std::array<long, 6> arguments{};
};

/// The error numbers of the calls, 0 where they succeed, as one child meets them.
std::vector<int> errors_of(std::span<const Attempted> calls) {
  std::vector<int> errors(calls.size(), -1);
  int ends[2] = {-1, -1};
  EXPECT_EQ(::pipe(ends), 0);
  const int status = status_of([&] {
    for (std::size_t i = 0; i < calls.size(); ++i) {
      const auto& a = calls[i].arguments;
      const long result = ::syscall(calls[i].number, a[0], a[1], a[2], a[3], a[4], a[5]);
      errors[i] = result < 0 ? errno : 0;
    }
    const std::size_t bytes = errors.size() * sizeof(int);
    if (::write(ends[1], errors.data(), bytes) != static_cast<ssize_t>(bytes)) ::_exit(1);
  });
  EXPECT_TRUE(ended_well(status)) << status;
  ::close(ends[1]);
  const std::size_t bytes = errors.size() * sizeof(int);
  EXPECT_EQ(::read(ends[0], errors.data(), bytes), static_cast<ssize_t>(bytes));
  ::close(ends[0]);
  return errors;
}

/// The arguments are such that a call which gets through fails with another number, or harms
/// nobody.
constexpr Attempted kRefusedCalls[] = {
    {"unshare a user namespace", SYS_unshare, {CLONE_NEWUSER}},
    {"unshare a network", SYS_unshare, {CLONE_NEWNET | CLONE_FS}},
    {"clone a user namespace", SYS_clone, {CLONE_NEWUSER | CLONE_FS | SIGCHLD}},
    {"setns", SYS_setns, {-1}},
    {"mount", SYS_mount},
    {"umount2", SYS_umount2},
    {"pivot_root", SYS_pivot_root},
    {"chroot", SYS_chroot},
    {"open_tree", SYS_open_tree, {-1}},
    {"move_mount", SYS_move_mount, {-1, 0, -1}},
    {"fsopen", SYS_fsopen},
    {"fsconfig", SYS_fsconfig, {-1}},
    {"fsmount", SYS_fsmount, {-1}},
    {"fspick", SYS_fspick, {-1}},
    {"mount_setattr", SYS_mount_setattr, {-1}},
    {"ptrace", SYS_ptrace, {0}},
    {"process_vm_readv", SYS_process_vm_readv},
    {"process_vm_writev", SYS_process_vm_writev},
    {"kcmp", SYS_kcmp},
    {"pidfd_getfd", SYS_pidfd_getfd, {-1}},
    {"process_madvise", SYS_process_madvise, {-1}},
    {"io_uring_setup", SYS_io_uring_setup, {1}},
    {"io_uring_enter", SYS_io_uring_enter, {-1}},
    {"io_uring_register", SYS_io_uring_register, {-1}},
    {"bpf", SYS_bpf, {-1}},
    {"perf_event_open", SYS_perf_event_open},
    {"userfaultfd", SYS_userfaultfd, {1}},  // UFFD_USER_MODE_ONLY, which needs no privilege
    {"keyctl", SYS_keyctl, {0, -3}},
    {"add_key", SYS_add_key},
    {"request_key", SYS_request_key},
    {"open_by_handle_at", SYS_open_by_handle_at, {-1}},
    {"memfd_secret", SYS_memfd_secret, {0}},
    {"modify_ldt", SYS_modify_ldt},
    {"syslog", SYS_syslog, {10}},
    {"reboot", SYS_reboot, {0}},
    {"swapon", SYS_swapon},
    {"init_module", SYS_init_module},
    {"iopl", SYS_iopl, {0}},
    {"settimeofday", SYS_settimeofday},
    {"quotactl", SYS_quotactl, {-1}},
    {"acct", SYS_acct, {-1}},
    {"personality ADDR_NO_RANDOMIZE", SYS_personality, {0x40000}},
    {"socket AF_PACKET", SYS_socket, {AF_PACKET, SOCK_RAW}},
    {"socket AF_VSOCK", SYS_socket, {AF_VSOCK, SOCK_STREAM}},
    {"socket AF_ALG", SYS_socket, {AF_ALG, SOCK_SEQPACKET}},
    {"socket NETLINK_NETFILTER", SYS_socket, {AF_NETLINK, SOCK_RAW, 12}},
    {"socketpair AF_TIPC", SYS_socketpair, {AF_TIPC, SOCK_STREAM}},
    {"ioctl TIOCSTI", SYS_ioctl, {-1, TIOCSTI}},
    {"ioctl TIOCSTI dressed up", SYS_ioctl, {-1, TIOCSTI | (1L << 32)}},
    {"ioctl TIOCLINUX", SYS_ioctl, {-1, TIOCLINUX}},
    {"ioctl TIOCSETD", SYS_ioctl, {-1, TIOCSETD}},
};

TEST(SeccompUnderTheKernel, what_is_refused_gives_eperm) {
  const std::vector<int> errors = errors_of(kRefusedCalls);
  for (std::size_t i = 0; i < errors.size(); ++i)
    EXPECT_EQ(errors[i], EPERM) << kRefusedCalls[i].name;
}

TEST(SeccompUnderTheKernel, what_cannot_be_judged_or_is_too_new_does_not_exist) {
  constexpr Attempted kCalls[] = {{"clone3", SYS_clone3},
                                  {"in the gap", kUnusedNumber},
                                  {"newer", kFutureNumber},
                                  {"far", 0x3fffffff}};
  const std::vector<int> errors = errors_of(kCalls);
  for (std::size_t i = 0; i < errors.size(); ++i) EXPECT_EQ(errors[i], ENOSYS) << kCalls[i].name;
}

TEST(SeccompUnderTheKernel, what_is_allowed_reaches_the_kernel) {
  constexpr Attempted kCalls[] = {
      {"getpid", SYS_getpid},
      {"socket AF_INET", SYS_socket, {AF_INET, SOCK_STREAM}},
      {"socket AF_UNIX", SYS_socket, {AF_UNIX, SOCK_STREAM}},
      {"socket NETLINK_ROUTE", SYS_socket, {AF_NETLINK, SOCK_RAW}},
      {"personality asks", SYS_personality, {0xffffffff}},
      {"unshare files", SYS_unshare, {CLONE_FILES}},
      {"close_range", SYS_close_range, {1000000, 1000001}},
  };
  const std::vector<int> errors = errors_of(kCalls);
  for (std::size_t i = 0; i < errors.size(); ++i) EXPECT_EQ(errors[i], 0) << kCalls[i].name;
  // These fail in the kernel, for want of an argument, and not at the filter.
  constexpr Attempted kFailing[] = {{"ioctl", SYS_ioctl, {-1, TIOCGWINSZ}},
                                    {"openat2", SYS_openat2, {-1}},
                                    {"faccessat2", SYS_faccessat2, {-1}},
                                    {"statx", SYS_statx, {-1}},
                                    {"futex_waitv", SYS_futex_waitv}};
  const std::vector<int> failures = errors_of(kFailing);
  for (std::size_t i = 0; i < failures.size(); ++i) {
    EXPECT_NE(failures[i], EPERM) << kFailing[i].name;
    EXPECT_NE(failures[i], 0) << kFailing[i].name;
  }
}

TEST(SeccompUnderTheKernel, threads_start_without_clone3) {
  EXPECT_TRUE(ended_well(status_of([] {
    std::vector<int> done(4, 0);
    std::vector<std::thread> threads;
    threads.reserve(done.size());
    for (int& one : done) threads.emplace_back([&one] { one = 1; });
    for (std::thread& thread : threads) thread.join();
    if (done != std::vector<int>(4, 1)) ::_exit(1);
  })));
}

TEST(SeccompUnderTheKernel, programs_start_without_clone3) {
  EXPECT_TRUE(ended_well(status_of([] {
    std::string shell = "/bin/sh";
    std::string option = "-c";
    std::string script = "echo a | (read -r x; test \"$x\" = a) && test \"$(id -u)\" -ge 0";
    char* const arguments[] = {shell.data(), option.data(), script.data(), nullptr};
    pid_t program = 0;
    int status = -1;
    if (::posix_spawn(&program, shell.c_str(), nullptr, nullptr, arguments, environ) != 0)
      ::_exit(1);
    if (::waitpid(program, &status, 0) != program || status != 0) ::_exit(2);
  })));
}

TEST(SeccompUnderTheKernel, a_call_of_the_x32_abi_kills) {
  const int status = status_of([] { ::syscall(kX32Getpid); });
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) << status;
}

TEST(SeccompUnderTheKernel, it_kills_the_process_and_not_the_thread_alone) {
  const int status = status_of([] { std::thread([] { ::syscall(kX32Getpid); }).join(); });
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) << status;
}

#if defined(__x86_64__)
TEST(SeccompUnderTheKernel, a_call_of_the_i386_abi_kills) {
  const int status = status_of([] {
    constexpr long kGetpidOfI386 = 20;
    long result = kGetpidOfI386;
    asm volatile("int $0x80" : "+a"(result) : : "memory");
  });
  // A kernel without that ABI gives SIGSEGV, before any filter.
  EXPECT_TRUE(WIFSIGNALED(status)) << status;
  EXPECT_TRUE(WTERMSIG(status) == SIGSYS || WTERMSIG(status) == SIGSEGV) << status;
}
#endif

}  // namespace
}  // namespace reeve::sandbox
