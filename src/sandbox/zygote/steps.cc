#include "sandbox/zygote/steps.h"

#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include <net/if.h>
#include <string.h>

namespace reeve::sandbox::zygote {
namespace {

constexpr std::size_t kWord = sizeof(std::uint64_t);

int result_of(long result) { return result < 0 ? errno : 0; }

const char* null_if_empty(const char* text) { return *text == '\0' ? nullptr : text; }

int write_file(const char* path, const char* text) {
  const int file = ::open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return errno;
  const int error = result_of(::write(file, text, ::strlen(text)));
  ::close(file);
  return error;
}

/// With what is missing above it. Refuses links: the path is the composed root's own.
int make_directory(const char* path, mode_t mode) {
  char partial[PATH_MAX];
  const std::size_t size = ::strlen(path);
  if (size == 0 || size >= sizeof partial) return ENAMETOOLONG;
  ::memcpy(partial, path, size + 1);
  for (std::size_t i = 1; i <= size; ++i) {
    if (partial[i] != '/' && partial[i] != '\0') continue;
    const char kept = partial[i];
    partial[i] = '\0';
    if (::mkdir(partial, mode) != 0 && errno != EEXIST) return errno;
    partial[i] = kept;
  }
  return 0;
}

int make_file(const char* path) {
  char above[PATH_MAX];
  const char* const slash = ::strrchr(path, '/');
  if (slash == nullptr || static_cast<std::size_t>(slash - path) >= sizeof above) return EINVAL;
  ::memcpy(above, path, static_cast<std::size_t>(slash - path));
  above[slash - path] = '\0';
  if (slash != path) {
    if (const int error = make_directory(above, 0755); error != 0) return error;
  }
  const int file = ::open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (file < 0) return errno;
  ::close(file);
  return 0;
}

int seal(const char* path, std::uint64_t attributes) {
  mount_attr change{};
  change.attr_set = attributes;
  return result_of(
      ::syscall(SYS_mount_setattr, AT_FDCWD, path, AT_RECURSIVE, &change, sizeof change));
}

int attach(int descriptor, const char* path) {
  return result_of(
      ::syscall(SYS_move_mount, descriptor, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH));
}

int keep(const char* path, int& descriptor) {
  const long copy =
      ::syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
  if (copy < 0) return errno;
  descriptor = static_cast<int>(copy);
  return 0;
}

int pivot(const char* root) {
  if (::chdir(root) != 0) return errno;
  // The old root lands on top of the new one, and is taken off again (pivot_root(2), notes).
  if (::syscall(SYS_pivot_root, ".", ".") != 0) return errno;
  if (::umount2(".", MNT_DETACH) != 0) return errno;
  return result_of(::chdir("/"));
}

int become(unsigned id, bool drops_groups) {
  if (drops_groups && ::syscall(SYS_setgroups, 0, nullptr) != 0) return errno;
  if (::syscall(SYS_setresgid, id, id, id) != 0) return errno;
  return result_of(::syscall(SYS_setresuid, id, id, id));
}

int bring_loopback_up() {
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return errno;
  ifreq request{};
  ::memcpy(request.ifr_name, "lo", 3);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  const int error = result_of(::ioctl(socket, SIOCSIFFLAGS, &request));
  ::close(socket);
  return error;
}

int make_keyring() {
  const int error = result_of(::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr));
  return error == ENOSYS ? 0 : error;  // a kernel without keys has none to hide
}

int give_up_privileges() {
  for (int capability = 0; capability < 64; ++capability) {
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) {
      if (errno == EINVAL) break;  // the kernel knows no more
      return errno;
    }
  }
  return result_of(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

int mount_at(const StepView& step) {
  return result_of(::mount(null_if_empty(step.source), step.target, null_if_empty(step.source),
                           step.flags, null_if_empty(step.data)));
}

/// The names of the layers are short because they are seen from their directory: the options of a
/// mount have one page.
int mount_overlay(const StepView& step) {
  static char options[4096];
  constexpr char kStart[] = "userxattr,lowerdir=";
  constexpr std::size_t kStartSize = sizeof kStart - 1;
  const std::size_t size = ::strlen(step.data);
  if (kStartSize + size >= sizeof options) return E2BIG;
  ::memcpy(options, kStart, kStartSize);
  ::memcpy(options + kStartSize, step.data, size + 1);
  if (::chdir(step.source) != 0) return errno;
  const int error = result_of(::mount("overlay", step.target, "overlay", step.flags, options));
  return ::chdir("/") != 0 && error == 0 ? errno : error;
}

int limit(int resource, std::uint64_t value) {
  const rlimit limits{value, value};
  return result_of(::setrlimit(static_cast<__rlimit_resource_t>(resource), &limits));
}

}  // namespace

std::uint64_t BlobReader::number() {
  std::uint64_t value = 0;
  if (!is_good_ || static_cast<std::size_t>(end_ - at_) < kWord) {
    is_good_ = false;
    return 0;
  }
  ::memcpy(&value, at_, kWord);
  at_ += kWord;
  return value;
}

const char* BlobReader::text(std::size_t& size) {
  size = number();
  const std::size_t left = static_cast<std::size_t>(end_ - at_);
  if (!is_good_ || size >= left || at_[size] != '\0') {
    is_good_ = false;
    size = 0;
    return "";
  }
  const char* const found = at_;
  const std::size_t padded = (size + 1 + kWord - 1) / kWord * kWord;
  at_ += padded < left ? padded : left;
  return found;
}

const char* BlobReader::text() {
  std::size_t size = 0;
  return text(size);
}

StepView read_step(BlobReader& reader) {
  StepView step;
  step.kind = static_cast<StepKind>(reader.number());
  step.flags = reader.number();
  step.number = static_cast<int>(reader.number());
  step.source = reader.text();
  step.target = reader.text();
  step.data = reader.text();
  return step;
}

int carry_out(const StepView& step, Descriptors& descriptors) {
  const bool names_one = step.number >= 0 && step.number < static_cast<int>(kDescriptorsMax);
  int& descriptor = descriptors.numbers[names_one ? step.number : 0];
  switch (step.kind) {
    case StepKind::join_group: return write_file(step.source, "0");
    case StepKind::write_file: return write_file(step.source, step.data);
    case StepKind::enter_user: return result_of(::setns(descriptor, CLONE_NEWUSER));
    case StepKind::become: return become(static_cast<unsigned>(step.number), step.flags != 0);
    case StepKind::unshare: return result_of(::unshare(static_cast<int>(step.flags)));
    case StepKind::propagation:
      return result_of(::mount(nullptr, "/", nullptr, step.flags, nullptr));
    case StepKind::mount: return mount_at(step);
    case StepKind::overlay: return mount_overlay(step);
    case StepKind::unmount: return result_of(::umount2(step.target, MNT_DETACH));
    case StepKind::bind:
      return result_of(::mount(step.source, step.target, nullptr, MS_BIND | MS_REC, nullptr));
    case StepKind::seal: return seal(step.target, step.flags);
    case StepKind::attach: return attach(descriptor, step.target);
    case StepKind::keep: return keep(step.source, descriptor);
    case StepKind::directory: return make_directory(step.target, static_cast<mode_t>(step.flags));
    case StepKind::file: return make_file(step.target);
    case StepKind::link: return result_of(::symlink(step.source, step.target));
    case StepKind::pivot: return pivot(step.target);
    case StepKind::loopback: return bring_loopback_up();
    case StepKind::keyring: return make_keyring();
    case StepKind::no_privileges: return give_up_privileges();
    case StepKind::limit: return limit(step.number, step.flags);
  }
  return EINVAL;
}

}  // namespace reeve::sandbox::zygote
