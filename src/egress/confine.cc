#include "egress/confine.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string_view>

#include "base/fd.h"
#include "egress/machine.h"

namespace reeve::egress {
namespace {

constexpr const char* kRoot = "/tmp";
constexpr std::string_view kSystem[] = {"/usr",   "/bin",   "/sbin",  "/lib",
                                        "/lib32", "/lib64", "/libx32"};
/// Libraries in unusual places are found by it.
constexpr const char* kLibraryCache = "/etc/ld.so.cache";

tl::unexpected<Error> cannot(const std::string& step) {
  return fail_errno(errno, "egress: cannot shut slirp4netns in: " + step);
}

std::string staged(std::string_view path) { return std::string(kRoot).append(path); }

Status show(const std::string& source, const std::string& target, std::uint64_t attributes) {
  if (::mount(source.c_str(), target.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0)
    return cannot("bind " + source);
  mount_attr change{};
  change.attr_set = attributes;
  if (::syscall(SYS_mount_setattr, AT_FDCWD, target.c_str(), AT_RECURSIVE, &change,
                sizeof change) != 0)
    return cannot("make " + source + " read-only");
  return {};
}

/// Onto an empty file.
Status show_file(const std::string& source, std::string_view path, std::uint64_t attributes) {
  const std::string target = staged(path);
  const Fd made(::open(target.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!made) return cannot("make " + target);
  return show(source, target, attributes);
}

Status compose_system() {
  for (const std::string_view path : kSystem) {
    std::error_code error;
    const auto status = std::filesystem::symlink_status(path, error);
    const std::string target = staged(path);
    if (std::filesystem::is_symlink(status)) {
      const std::string to = std::filesystem::read_symlink(path, error).string();
      if (::symlink(to.c_str(), target.c_str()) != 0) return cannot("link " + target);
    } else if (std::filesystem::is_directory(status)) {
      if (::mkdir(target.c_str(), 0755) != 0) return cannot("make " + target);
      TRY(show(std::string(path), target,
               MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV));
    }
  }
  return {};
}

}  // namespace

Status confine(int network) {
  if (::unshare(CLONE_NEWNS) != 0) return cannot("unshare");
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0)
    return cannot("keep mounts from spreading");
  // A mount hides what is there, and what is bound comes from elsewhere.
  if (::mount("tmpfs", kRoot, "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=0755,size=64k") != 0)
    return cannot("mount an empty root");
  TRY(compose_system());
  // slirp4netns makes a root of its own of these three.
  for (const std::string_view path : {"/dev", "/dev/net", "/etc", "/run", "/tmp"})
    if (::mkdir(staged(path).c_str(), 0755) != 0) return cannot("make " + staged(path));
  constexpr std::uint64_t kFile = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
  if (::access(kLibraryCache, F_OK) == 0) TRY(show_file(kLibraryCache, kLibraryCache, kFile));
  TRY(show_file(kTunDevice, kTunDevice, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC));
  TRY(show_file("/proc/self/fd/" + std::to_string(network), kNetworkFile, kFile));
  if (::mount(nullptr, kRoot, nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NOEXEC,
              nullptr) != 0)
    return cannot("make its root read-only");
  if (::chdir(kRoot) != 0 || ::syscall(SYS_pivot_root, ".", ".") != 0 ||
      ::umount2(".", MNT_DETACH) != 0 || ::chdir("/") != 0)
    return cannot("change its root");
  return {};
}

}  // namespace reeve::egress
