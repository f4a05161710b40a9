// Probes that reach for parts of the kernel: namespaces, filters, terminals, foreign call tables.
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/netlink.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "tests/escape/probe.h"

namespace reeve::escape {
namespace {

Outcome unshare_user() { return answer(::unshare(CLONE_NEWUSER)); }
Outcome unshare_network() { return answer(::unshare(CLONE_NEWNET)); }

Outcome cloned(long pid) {
  if (pid == 0) ::_exit(0);
  const int error = errno;
  if (pid > 0) ::waitpid(static_cast<pid_t>(pid), nullptr, 0);
  errno = error;
  return answer(pid);
}
Outcome clone_user() {
  return cloned(::syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
}
Outcome clone3_user() {
  clone_args arguments{};
  arguments.flags = CLONE_NEWUSER;
  arguments.exit_signal = SIGCHLD;
  return cloned(::syscall(SYS_clone3, &arguments, sizeof arguments));
}
Outcome join_namespace() {
  const int file = ::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  return answer(::syscall(SYS_setns, file, CLONE_NEWNET));
}
Outcome open_filesystem() { return answer(::syscall(SYS_fsopen, "tmpfs", 0)); }
Outcome packet_filter_socket() { return answer(::socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER)); }
Outcome audit_socket() { return answer(::socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT)); }

Outcome io_uring() {
  io_uring_params parameters{};
  return answer(::syscall(SYS_io_uring_setup, 4, &parameters));
}
Outcome bpf_map() {
  bpf_attr attributes{};
  attributes.map_type = BPF_MAP_TYPE_ARRAY;
  attributes.key_size = 4;
  attributes.value_size = 4;
  attributes.max_entries = 1;
  return answer(::syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes));
}
Outcome perf_event() {
  perf_event_attr attributes{};
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.size = sizeof attributes;
  attributes.config = PERF_COUNT_SW_TASK_CLOCK;
  return answer(::syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0));
}
Outcome userfaultfd() { return answer(::syscall(SYS_userfaultfd, O_CLOEXEC)); }
Outcome key_add() {
  return answer(::syscall(SYS_add_key, "user", "escape", "x", 1, KEY_SPEC_PROCESS_KEYRING));
}
Outcome key_ring() {
  return answer(::syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 1));
}
Outcome kernel_log() { return answer(::klogctl(10, nullptr, 0)); }  // how large it is
Outcome host_name() {
  char name[65] = {};
  if (::gethostname(name, sizeof name - 1) != 0) return unclear("no name");
  return answer(::sethostname(name, ::strlen(name)));
}

/// A terminal of its own, so that nobody else's gets the word.
int own_terminal(int& controller) {
  controller = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  char name[64];
  if (controller < 0 || ::unlockpt(controller) != 0) return -1;
  if (::ptsname_r(controller, name, sizeof name) != 0) return -1;
  ::setsid();
  return ::open(name, O_RDWR | O_CLOEXEC);
}
Outcome on_terminal(unsigned long request, const void* argument) {
  int controller = -1;
  const int terminal = own_terminal(controller);
  if (terminal < 0) return unclear("no terminal: " + error_name(errno));
  return answer(::syscall(SYS_ioctl, terminal, request, argument));
}
Outcome terminal_input() { return on_terminal(TIOCSTI, "x"); }
/// The kernel looks at 32 bits of the request only.
Outcome terminal_input_high_bits() { return on_terminal(TIOCSTI | 1UL << 32, "x"); }
Outcome terminal_discipline() {
  const int plain = 0;
  return on_terminal(TIOCSETD, &plain);
}
Outcome console_selection() {
  const int console = ::open("/dev/tty0", O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (console < 0) return prevented("/dev/tty0: " + error_name(errno));
  char shift_state = 6;
  return answer(::ioctl(console, TIOCLINUX, &shift_state));
}
Outcome terminal_of_host() { return try_open(setting("ESCAPE_TERMINAL", "/none"), O_RDWR); }

/// `number` of the table of 32 bit programs.
Outcome call_32(int number, int argument) {
  int result = number;
  asm volatile("int $0x80" : "+a"(result) : "b"(argument) : "memory");
  if (result >= 0) return escaped("done");
  return prevented(error_name(-result));
}
Outcome int80_getpid() { return call_32(20, 0); }
Outcome int80_unshare() { return call_32(310, CLONE_NEWUSER); }
Outcome int80_userfaultfd() { return call_32(374, O_CLOEXEC); }
Outcome x32_getpid() { return answer(::syscall(0x40000000 + SYS_getpid)); }

constexpr Probe kProbes[] = {
    {"unshare_user", unshare_user},
    {"unshare_network", unshare_network},
    {"clone_user", clone_user},
    {"clone3_user", clone3_user},
    {"join_namespace", join_namespace},
    {"open_filesystem", open_filesystem},
    {"packet_filter_socket", packet_filter_socket},
    {"audit_socket", audit_socket},
    {"io_uring", io_uring},
    {"bpf_map", bpf_map},
    {"perf_event", perf_event},
    {"userfaultfd", userfaultfd},
    {"key_add", key_add},
    {"key_ring", key_ring},
    {"kernel_log", kernel_log},
    {"host_name", host_name},
    {"terminal_input", terminal_input},
    {"terminal_input_high_bits", terminal_input_high_bits},
    {"terminal_discipline", terminal_discipline},
    {"console_selection", console_selection},
    {"terminal_of_host", terminal_of_host},
    {"int80_getpid", int80_getpid},
    {"int80_unshare", int80_unshare},
    {"int80_userfaultfd", int80_userfaultfd},
    {"x32_getpid", x32_getpid},
};

}  // namespace

std::span<const Probe> kernel_probes() { return kProbes; }

}  // namespace reeve::escape
