#include "sandbox/host.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>

#include <fmt/format.h>

#include "sandbox/zygote_image.h"

namespace reeve::sandbox {
namespace {

constexpr std::string_view kSystem[] = {"/usr",   "/etc",   "/bin",    "/sbin", "/lib",
                                        "/lib32", "/lib64", "/libx32", "/opt",  "/var/lib/dpkg"};
constexpr std::string_view kDevices[] = {"/dev/null",   "/dev/zero",    "/dev/full",
                                         "/dev/random", "/dev/urandom", "/dev/tty"};

Status write_file(const std::string& path, std::string_view text) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return fail_errno(errno, "cannot write " + path);
  return {};
}

tl::unexpected<Error> no_user_namespaces(int error) {
  auto failure = fail_errno(
      error,
      "no sandbox: this machine refuses user namespaces; allow them "
      "(sysctl kernel.unprivileged_userns_clone=1, user.max_user_namespaces > 0), or run with "
      "--sandbox none");
  failure.value().code = ErrorCode::unsupported;
  return failure;
}

/// An ordinary user's supervisor has all rights in a user namespace of its own, with its own
/// mounts. It has no user 0: of a zygote, which executes in it, and of its inits, what the kernel
/// gives to the namespace's user 0 because they are not dumpable would be the attempts' user's.
Status enter_own_namespace(const UserAndGroup& own) {
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return no_user_namespaces(errno);
  TRY(write_file("/proc/self/setgroups", "deny"));
  TRY(write_file("/proc/self/uid_map", fmt::format("{0} {0} 1", own.user)));
  return write_file("/proc/self/gid_map", fmt::format("{0} {0} 1", own.group));
}

/// Waits, in a new user namespace, for its end: all that it is for is to be looked at.
int idle_in_namespace(void* pipe) {
  const int* const ends = static_cast<const int*>(pipe);
  ::close(ends[1]);
  char byte = 0;
  ::_exit(::read(ends[0], &byte, 1) == 0 ? 0 : 1);
}

/// A user namespace in which `inside` is `outside` of ours.
Result<Fd> make_user_namespace(const UserAndGroup& inside, const UserAndGroup& outside) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno(errno, "cannot make a pipe");
  const Fd reader(ends[0]);
  Fd writer(ends[1]);
  alignas(16) static char stack[16384];
  const pid_t child = ::clone(idle_in_namespace, stack + sizeof stack, CLONE_NEWUSER | SIGCHLD,
                              static_cast<void*>(ends));
  if (child < 0) return no_user_namespaces(errno);
  const std::string process = fmt::format("/proc/{}/", child);
  Status mapped =
      write_file(process + "uid_map", fmt::format("{} {} 1", inside.user, outside.user));
  if (mapped)
    mapped = write_file(process + "gid_map", fmt::format("{} {} 1", inside.group, outside.group));
  Fd found(::open((process + "ns/user").c_str(), O_RDONLY | O_CLOEXEC));
  const int error = errno;
  writer.reset();
  ::waitpid(child, nullptr, 0);
  if (!mapped) return tl::unexpected(std::move(mapped).error());
  if (!found) return fail_errno(error, "cannot open a user namespace");
  return found;
}

}  // namespace

Result<Host> Host::open() {
  Host host;
  host.is_root_ = ::geteuid() == 0;
  if (!host.is_root_) {
    host.outside_ = {::geteuid(), ::getegid()};
    TRY(enter_own_namespace(host.outside_));
  }
  TRY(host.user_namespace(kSandboxUser));  // whether there can be any shows here
  TRY(host.open_image());
  return host;
}

Status Host::open_image() {
  const std::string_view program = zygote_program();
  image_.reset(::memfd_create("reeve-zygote", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!image_ ||
      ::write(image_.get(), program.data(), program.size()) != static_cast<ssize_t>(program.size()))
    return fail_errno(errno, "cannot copy the zygote's program into memory");
  constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  if (::fcntl(image_.get(), F_ADD_SEALS, kSeals) != 0)
    return fail_errno(errno, "cannot seal the zygote's program");
  // Executed through a descriptor that cannot write.
  Fd read_only(::open(fmt::format("/proc/self/fd/{}", image_.get()).c_str(), O_RDONLY | O_CLOEXEC));
  if (!read_only) return fail_errno(errno, "cannot open the zygote's program again");
  image_ = std::move(read_only);
  return {};
}

Result<int> Host::namespace_of_owner(const UserAndGroup& owner) {
  Fd& found = owners_[owner];
  if (!found) {
    TRY_ASSIGN(found, make_user_namespace(owner, outside_));
  }
  return found.get();
}

Result<Fd> Host::open_path(const GivenPath& path) {
  // Another attempt may be putting a link in its way at this moment.
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_NO_SYMLINKS;
  const Fd found(
      static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, path.path.c_str(), &how, sizeof how)));
  if (!found && (errno == ELOOP || errno == ENOTDIR))
    return fail(ErrorCode::permission_denied, "cannot give the sandbox " + path.path +
                                                  ": it was exchanged for a symbolic link, or "
                                                  "goes through one, just now");
  if (!found) return fail_errno(errno, "cannot give the sandbox " + path.path);
  Fd tree(static_cast<int>(::syscall(SYS_open_tree, found.get(), "",
                                     OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH)));
  if (!tree) return fail_errno(errno, "cannot give the sandbox " + path.path);
  mount_attr change{};
  change.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
  if (!path.is_writable) change.attr_set |= MOUNT_ATTR_RDONLY;
  struct stat about {};
  if (::fstat(tree.get(), &about) != 0) return fail_errno(errno, "cannot look at " + path.path);
  if (is_root_ && path.is_writable) {
    TRY_ASSIGN(const int owner, namespace_of_owner({about.st_uid, about.st_gid}));
    change.attr_set |= MOUNT_ATTR_IDMAP;
    change.userns_fd = static_cast<std::uint64_t>(owner);
  }
  if (::syscall(SYS_mount_setattr, tree.get(), "", AT_EMPTY_PATH, &change, sizeof change) != 0) {
    if (errno != EINVAL) return fail_errno(errno, "cannot give the sandbox " + path.path);
    return fail(ErrorCode::unsupported,
                "cannot give the sandbox " + path.path +
                    " as its user's: the file system there does not know id maps; name a path on "
                    "another one");
  }
  return tree;
}

Result<Fd> Host::open_layers(const std::string& directory) {
  Fd tree(static_cast<int>(::syscall(SYS_open_tree, AT_FDCWD, directory.c_str(),
                                     OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW)));
  if (!tree)
    return fail(ErrorCode::unavailable,
                "cannot open the layers of images, " + directory + ": " + std::strerror(errno));
  mount_attr change{};
  change.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
  if (::syscall(SYS_mount_setattr, tree.get(), "", AT_EMPTY_PATH, &change, sizeof change) != 0)
    return fail_errno(errno, "cannot make the layers of images read-only");
  return tree;
}

std::vector<SystemEntry> Host::system_entries() {
  std::vector<SystemEntry> entries;
  for (const std::string_view path : kSystem) {
    std::error_code error;
    const auto status = std::filesystem::symlink_status(path, error);
    if (error) continue;
    if (std::filesystem::is_symlink(status)) {
      entries.push_back({std::string(path), std::filesystem::read_symlink(path, error).string()});
    } else if (std::filesystem::is_directory(status)) {
      entries.push_back({std::string(path), ""});
    }
  }
  return entries;
}

std::vector<std::string> Host::devices() {
  std::vector<std::string> found;
  for (const std::string_view path : kDevices)
    if (::access(std::string(path).c_str(), F_OK) == 0) found.emplace_back(path);
  return found;
}

}  // namespace reeve::sandbox
