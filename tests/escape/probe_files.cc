// Probes that reach for files, mounts and their rights.
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/escape/probe.h"

namespace reeve::escape {
namespace {

namespace fs = std::filesystem;

constexpr int kFirstFree = 3;
constexpr int kDescriptorsSeen = 256;

/// Where a probe may try to mount: in the work directory, which the runner has made.
constexpr const char* kPlace = "place";

Outcome inherited_descriptor() {
  std::string found;
  // The pipe of the runner of probes is the only one it may have.
  for (int i = kFirstFree; i < kDescriptorsSeen; ++i)
    if (const int flags = ::fcntl(i, F_GETFD); flags >= 0 && (flags & FD_CLOEXEC) == 0)
      found += " " + std::to_string(i);
  return found.empty() ? prevented("none above 2") : escaped("open:" + found);
}

Outcome descriptor_leads_out() {
  for (int i = 0; i < kDescriptorsSeen; ++i) {
    for (const char* path : {"shadow", "etc/shadow", "../../../../../etc/shadow"}) {
      const int file = ::openat(i, path, O_RDONLY | O_CLOEXEC);
      if (file >= 0) return escaped("descriptor " + std::to_string(i) + " leads to " + path);
    }
  }
  return prevented("none leads to /etc/shadow");
}

Outcome work_directory_leads_out() {
  return try_open("/proc/self/cwd/../../../../../../../.." + setting("ESCAPE_SECRET_FILE", "/none"),
                  O_RDONLY);
}

Outcome root_leads_out() {
  int file = ::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (int i = 0; i < 32 && file >= 0; ++i) file = ::openat(file, "..", O_RDONLY | O_CLOEXEC);
  if (file < 0) return prevented(error_name(errno));
  const int secret = ::openat(file, setting("ESCAPE_SECRET_FILE", "/none").c_str() + 1, O_RDONLY);
  return answer(secret);
}

/// Process 1 of the sandbox; the control names one of its own instead.
Outcome of_init(const char* file, int flags) {
  return try_open("/proc/" + setting("ESCAPE_INIT", "1") + file, flags);
}
Outcome init_program() { return of_init("/exe", O_RDONLY); }
Outcome init_root() { return of_init("/root/etc", O_RDONLY); }
Outcome init_memory() { return of_init("/mem", O_RDWR); }
Outcome init_descriptors() { return of_init("/fd", O_RDONLY | O_DIRECTORY); }
Outcome system_program_write() { return try_open("/usr/bin/true", O_WRONLY); }
Outcome loader_write() { return try_open("/lib64/ld-linux-x86-64.so.2", O_RDWR | O_APPEND); }

Outcome new_entry_in(const std::string& directory) {
  const std::string path = directory + "/escape_probe_link";
  const int result = ::symlink("/etc", path.c_str());
  const int error = errno;
  if (result == 0) ::unlink(path.c_str());
  errno = error;
  return answer(result);
}
Outcome device_directory_write() { return new_entry_in("/dev"); }
Outcome root_write() { return new_entry_in("/"); }
Outcome etc_write() { return new_entry_in("/etc"); }
Outcome opt_write() { return new_entry_in("/opt"); }

Outcome bind_over_device() {
  return answer(::mount("/dev/null", "/dev/full", nullptr, MS_BIND, nullptr));
}
Outcome state_uncover() { return answer(::umount2(".reeve", MNT_DETACH)); }
Outcome state_read() { return try_open(".reeve/reeve.db", O_RDONLY); }
Outcome state_rename() {
  const int result = ::rename(".reeve", "moved");
  const int error = errno;
  if (result == 0) static_cast<void>(::rename("moved", ".reeve"));
  errno = error;
  return answer(result);
}
/// The mount that hides a directory would go along with a directory above it.
Outcome state_parent_rename() {
  const int result = ::rename("deep", "moved");
  const int error = errno;
  if (result == 0) static_cast<void>(::rename("moved", "deep"));
  errno = error;
  return answer(result);
}

Outcome sysctl_write() { return try_open("/proc/sys/kernel/pid_max", O_WRONLY); }
Outcome sysctl_network_write() { return try_open("/proc/sys/net/ipv4/ip_forward", O_WRONLY); }
Outcome mount_over_proc() { return answer(::mount("x", "/proc/sys", "tmpfs", 0, nullptr)); }
Outcome mount_proc() { return answer(::mount("x", kPlace, "proc", 0, nullptr)); }
Outcome uncover_proc() { return answer(::umount2("/proc", MNT_DETACH)); }
Outcome oom_score_lower() {
  std::ofstream file("/proc/self/oom_score_adj");
  file << "-900";
  file.flush();
  return file ? escaped("written") : prevented("refused");
}

Outcome remount_writable() {
  return answer(::mount(nullptr, setting("ESCAPE_REMOUNT", "/etc").c_str(), nullptr,
                        MS_REMOUNT | MS_BIND, nullptr));
}

Outcome cgroup_mount(const char* type, const char* options) {
  return answer(::mount("x", kPlace, type, 0, options));
}
Outcome cgroup_mount_v1() { return cgroup_mount("cgroup", "memory"); }
Outcome cgroup_mount_v2() { return cgroup_mount("cgroup2", nullptr); }
Outcome cgroup_file(const char* name) {
  Outcome last = prevented("no control groups in sight");
  for (const char* group : {"/sys/fs/cgroup", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/systemd"}) {
    last = try_open(std::string(group) + "/" + name, O_WRONLY);
    if (last.result == Result::escaped) return last;
  }
  return last;
}
Outcome cgroup_release_agent() { return cgroup_file("release_agent"); }
Outcome cgroup_leave() { return cgroup_file("cgroup.procs"); }
Outcome cgroup_namespace() { return answer(::unshare(CLONE_NEWCGROUP)); }

/// ext4 and many others: inode number and generation. The root of a disk is inode 2.
Outcome open_handle(const char* of) {
  alignas(file_handle) char space[sizeof(file_handle) + MAX_HANDLE_SZ] = {};
  auto* const handle = reinterpret_cast<file_handle*>(space);
  handle->handle_bytes = MAX_HANDLE_SZ;
  int mount = 0;
  if (of == nullptr) {
    const unsigned root[] = {2, 0};
    handle->handle_bytes = sizeof root;
    handle->handle_type = 1;
    std::memcpy(handle->f_handle, root, sizeof root);
  } else if (::name_to_handle_at(AT_FDCWD, of, handle, &mount, 0) != 0) {
    return unclear("no handle: " + error_name(errno));
  }
  const int at = ::open(".", O_RDONLY | O_CLOEXEC);
  return answer(::open_by_handle_at(at, handle, O_RDONLY | O_CLOEXEC));
}
Outcome handle_of_own_file() { return open_handle("own"); }
Outcome handle_of_directory() { return open_handle("."); }
Outcome handle_of_disk_root() { return open_handle(nullptr); }

Outcome core_pattern() { return try_open("/proc/sys/kernel/core_pattern", O_WRONLY); }
Outcome modprobe_path() { return try_open("/proc/sys/kernel/modprobe", O_WRONLY); }
Outcome binfmt_mount() { return answer(::mount("x", kPlace, "binfmt_misc", 0, nullptr)); }
Outcome sysrq() { return try_open("/proc/sysrq-trigger", O_WRONLY); }
Outcome uevent() { return try_open("/sys/class/net/lo/uevent", O_WRONLY); }
Outcome sys_write() { return try_open("/sys/kernel/mm/transparent_hugepage/enabled", O_WRONLY); }
Outcome sys_mount() { return answer(::mount("x", kPlace, "sysfs", 0, nullptr)); }

/// Another than the one that it was told of.
std::string first_artifact() {
  const fs::path told = setting("ESCAPE_ARTIFACT", "");
  std::error_code error;
  for (fs::recursive_directory_iterator at(".reeve/artifacts", error), end; !error && at != end;
       at.increment(error))
    if (at->is_regular_file(error) && !fs::equivalent(at->path(), told, error))
      return at->path().string();
  return "";
}
Outcome with_artifact(long (*act)(const std::string& path)) {
  const std::string path = setting("ESCAPE_ARTIFACT", "");
  return path.empty() ? unclear("no artifact was named") : answer(act(path));
}
Outcome artifact_write() {
  return with_artifact(
      [](const std::string& path) -> long { return ::open(path.c_str(), O_WRONLY | O_CLOEXEC); });
}
Outcome artifact_replace() {
  return with_artifact([](const std::string& path) -> long {
    return ::rename(path.c_str(), (path + ".moved").c_str()) == 0
               ? ::rename((path + ".moved").c_str(), path.c_str())
               : -1;
  });
}
Outcome artifact_list() {
  const std::string path = first_artifact();
  return path.empty() ? prevented("none can be listed") : escaped(path);
}
Outcome artifact_mode() {
  return with_artifact([](const std::string& path) -> long { return ::chmod(path.c_str(), 0644); });
}
Outcome artifact_add() {
  const std::string path = ".reeve/artifacts/escape_probe";
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  const int error = errno;
  if (file >= 0) ::unlink(path.c_str());
  errno = error;
  return answer(file);
}

bool contains(const std::string& path, const std::string& marker) {
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  return text.find(marker) != std::string::npos;
}
/// The runner has started a process that carries the marker. The control looks at that one only.
Outcome find_in_processes(const char* file) {
  const std::string marker = setting("ESCAPE_MARKER", "").append("-victim");
  if (const std::string only = setting("ESCAPE_ONLY", ""); !only.empty())
    return contains("/proc/" + only + "/" + file, marker) ? escaped("seen") : unclear("not there");
  std::error_code error;
  for (fs::directory_iterator at("/proc", error), end; !error && at != end; at.increment(error))
    if (contains(at->path() / file, marker)) return escaped("seen in " + at->path().string());
  return prevented("not in sight");
}
Outcome process_environment_of_others() { return find_in_processes("environ"); }
Outcome process_arguments_of_others() { return find_in_processes("cmdline"); }
Outcome kernel_addresses() {
  std::ifstream file("/proc/kallsyms");
  std::string line;
  while (std::getline(file, line))
    if (!line.starts_with("0000000000000000")) return escaped(line.substr(0, 8) + "...");
  return prevented("all are 0, or none is there");
}
Outcome kernel_messages() { return try_open("/proc/kmsg", O_RDONLY); }
Outcome kernel_messages_device() { return try_open("/dev/kmsg", O_RDONLY); }
Outcome kernel_memory() { return try_open("/proc/kcore", O_RDONLY); }

Outcome shared_memory_directory() {
  return try_open("/dev/shm/" + setting("ESCAPE_MARKER", "") + "-file", O_RDONLY);
}
Outcome temporary_directory() {
  return try_open("/tmp/" + setting("ESCAPE_MARKER", "") + "-file", O_RDONLY);
}

// What layers hold; the control has twins of it.
std::string image_file() { return setting("ESCAPE_IMAGE_FILE", "/none"); }
Outcome image_file_write() { return try_open(image_file(), O_WRONLY); }
Outcome image_file_mode() { return answer(::chmod(image_file().c_str(), 0777)); }
Outcome image_file_rename() {
  const std::string moved = image_file() + ".moved";
  return answer(::rename(image_file().c_str(), moved.c_str()) == 0
                    ? ::rename(moved.c_str(), image_file().c_str())
                    : -1);
}
Outcome image_file_link() {
  const int result = ::link(image_file().c_str(), "escape_probe_link");
  const int error = errno;
  if (result == 0) ::unlink("escape_probe_link");
  errno = error;
  return answer(result);
}
Outcome image_link_out() { return try_open(setting("ESCAPE_IMAGE_LINK", "/none"), O_RDONLY); }
Outcome image_device() { return try_open(setting("ESCAPE_IMAGE_DEVICE", "/none"), O_RDONLY); }
Outcome layer_store_read() { return try_open(setting("ESCAPE_LAYERS", "/none"), O_RDONLY); }
Outcome overlay_mount() {
  return answer(::mount("x", kPlace, "overlay", MS_RDONLY, "lowerdir=/etc:/usr"));
}

constexpr Probe kProbes[] = {
    {"image_file_write", image_file_write},
    {"image_file_mode", image_file_mode},
    {"image_file_rename", image_file_rename},
    {"image_file_link", image_file_link},
    {"image_link_out", image_link_out},
    {"image_device", image_device},
    {"layer_store_read", layer_store_read},
    {"overlay_mount", overlay_mount},
    {"inherited_descriptor", inherited_descriptor},
    {"descriptor_leads_out", descriptor_leads_out},
    {"work_directory_leads_out", work_directory_leads_out},
    {"root_leads_out", root_leads_out},
    {"init_program", init_program},
    {"init_root", init_root},
    {"init_memory", init_memory},
    {"init_descriptors", init_descriptors},
    {"system_program_write", system_program_write},
    {"loader_write", loader_write},
    {"device_directory_write", device_directory_write},
    {"root_write", root_write},
    {"etc_write", etc_write},
    {"opt_write", opt_write},
    {"bind_over_device", bind_over_device},
    {"state_uncover", state_uncover},
    {"state_read", state_read},
    {"state_rename", state_rename},
    {"state_parent_rename", state_parent_rename},
    {"sysctl_write", sysctl_write},
    {"sysctl_network_write", sysctl_network_write},
    {"mount_over_proc", mount_over_proc},
    {"mount_proc", mount_proc},
    {"uncover_proc", uncover_proc},
    {"oom_score_lower", oom_score_lower},
    {"remount_writable", remount_writable},
    {"cgroup_mount_v1", cgroup_mount_v1},
    {"cgroup_mount_v2", cgroup_mount_v2},
    {"cgroup_release_agent", cgroup_release_agent},
    {"cgroup_leave", cgroup_leave},
    {"cgroup_namespace", cgroup_namespace},
    {"handle_of_own_file", handle_of_own_file},
    {"handle_of_directory", handle_of_directory},
    {"handle_of_disk_root", handle_of_disk_root},
    {"core_pattern", core_pattern},
    {"modprobe_path", modprobe_path},
    {"binfmt_mount", binfmt_mount},
    {"sysrq", sysrq},
    {"uevent", uevent},
    {"sys_write", sys_write},
    {"sys_mount", sys_mount},
    {"artifact_write", artifact_write},
    {"artifact_replace", artifact_replace},
    {"artifact_mode", artifact_mode},
    {"artifact_list", artifact_list},
    {"artifact_add", artifact_add},
    {"process_environment_of_others", process_environment_of_others},
    {"process_arguments_of_others", process_arguments_of_others},
    {"kernel_addresses", kernel_addresses},
    {"kernel_messages", kernel_messages},
    {"kernel_messages_device", kernel_messages_device},
    {"kernel_memory", kernel_memory},
    {"shared_memory_directory", shared_memory_directory},
    {"temporary_directory", temporary_directory},
};

}  // namespace

std::span<const Probe> file_probes() { return kProbes; }

}  // namespace reeve::escape
