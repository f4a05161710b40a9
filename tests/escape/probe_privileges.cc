// Probes that try to gain rights: users, capabilities, devices.
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "tests/escape/probe.h"

namespace reeve::escape {
namespace {

constexpr uid_t kNobody = 65534;

/// Runs one of the runner's programs, which exits with 0 if it has got rights.
Outcome run_as_nobody(const char* program) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && ::setresuid(kNobody, kNobody, kNobody) != 0) ::_exit(9);
    ::execl(program, program, "has_rights", nullptr);
    ::_exit(8);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) > 1) return unclear("it did not run");
  return WEXITSTATUS(status) == 0 ? escaped("it got rights") : prevented("it got none");
}
Outcome setuid_program() { return run_as_nobody("./setuid_program"); }
Outcome image_setuid_program() {
  return run_as_nobody(setting("ESCAPE_IMAGE_SETUID", "/none").c_str());
}
Outcome capable_program() { return run_as_nobody("./capable_program"); }
Outcome has_rights() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  if (::syscall(SYS_capget, &header, data) != 0) return unclear(error_name(errno));
  if (::geteuid() == 0) return escaped("effective user 0");
  const bool has_some = (data[0].effective | data[1].effective) != 0;
  return has_some ? escaped("has capabilities") : prevented("no capability");
}
Outcome new_privileges() {
  return ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0 ? escaped("may gain some")
                                                       : prevented("no_new_privs is set");
}
Outcome become_root() {
  // EINVAL: there is no such user in its namespace.
  return ::setresuid(0, 0, 0) == 0 ? escaped("done") : prevented(error_name(errno));
}
Outcome drop_groups() { return answer(::setgroups(0, nullptr)); }
Outcome plant(mode_t mode, bool by_descriptor) {
  const char* const path = "planted";
  const int file = ::open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0755);
  if (file < 0) return unclear(error_name(errno));
  errno = 0;
  const int result = by_descriptor ? ::fchmod(file, mode) : ::chmod(path, mode);
  const int error = errno;
  struct stat about {};
  ::fstat(file, &about);
  ::close(file);
  ::unlink(path);
  if ((about.st_mode & (S_ISUID | S_ISGID)) != 0) return escaped("the work directory has one");
  return prevented(result != 0 ? error_name(error) : "without effect");
}
Outcome plant_setuid() { return plant(04755, false); }
Outcome plant_setuid_by_descriptor() { return plant(04755, true); }
Outcome plant_setgid() { return plant(02755, false); }
/// The mode lies in memory, where a filter cannot look; but whoever writes clears it.
Outcome plant_setuid_at_creation() {
  struct {
    std::uint64_t flags = O_RDWR | O_CREAT | O_CLOEXEC, mode = 04755, resolve = 0;
  } how;
  const long file = ::syscall(SYS_openat2, AT_FDCWD, "planted", &how, sizeof how);
  if (file < 0) return prevented(error_name(errno));
  const bool is_written = ::write(static_cast<int>(file), "#!", 2) == 2;
  struct stat about {};
  ::fstat(static_cast<int>(file), &about);
  ::unlink("planted");
  const bool is_planted = is_written && (about.st_mode & S_ISUID) != 0;
  return is_planted ? escaped("one that was written") : prevented("writing cleared it");
}
Outcome plant_capability() {
  const int file = ::open("planted", O_RDWR | O_CREAT | O_CLOEXEC, 0755);
  const std::uint32_t all[] = {0x02000001, 0xffffffff, 0, 0, 0};
  const int result = ::fsetxattr(file, "security.capability", all, sizeof all, 0);
  const int error = errno;
  ::unlink("planted");
  errno = error;
  return answer(result);
}

Outcome device(mode_t type, unsigned major_number, unsigned minor_number) {
  const int made = ::mknod("device", type | 0600, makedev(major_number, minor_number));
  if (made != 0) return prevented("mknod: " + error_name(errno));
  const Outcome outcome = try_open("device", O_RDONLY);
  ::unlink("device");
  return outcome;
}
Outcome device_made() { return device(S_IFCHR, 1, 3); }
Outcome disk_made() { return device(S_IFBLK, 7, 0); }
Outcome device_given() { return try_open("given_device", O_RDONLY); }
Outcome disk_of_host() { return try_open("/dev/loop0", O_RDONLY); }
Outcome raw_socket() { return answer(::socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)); }
Outcome packet_socket() { return answer(::socket(AF_PACKET, SOCK_RAW, 0)); }
Outcome hypervisor_socket() { return answer(::socket(AF_VSOCK, SOCK_STREAM, 0)); }

constexpr Probe kProbes[] = {
    {"setuid_program", setuid_program},
    {"capable_program", capable_program},
    {"image_setuid_program", image_setuid_program},
    {"has_rights", has_rights},
    {"new_privileges", new_privileges},
    {"become_root", become_root},
    {"drop_groups", drop_groups},
    {"plant_setuid", plant_setuid},
    {"plant_setuid_by_descriptor", plant_setuid_by_descriptor},
    {"plant_setgid", plant_setgid},
    {"plant_setuid_at_creation", plant_setuid_at_creation},
    {"plant_capability", plant_capability},
    {"device_made", device_made},
    {"disk_made", disk_made},
    {"device_given", device_given},
    {"disk_of_host", disk_of_host},
    {"raw_socket", raw_socket},
    {"packet_socket", packet_socket},
    {"hypervisor_socket", hypervisor_socket},
};

}  // namespace

std::span<const Probe> privilege_probes() { return kProbes; }

}  // namespace reeve::escape
