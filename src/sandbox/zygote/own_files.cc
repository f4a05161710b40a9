#include "sandbox/zygote/own_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include <string.h>

#include "sandbox/zygote/directory_entry.h"

namespace reeve::sandbox::zygote {
namespace {

struct Owner {
  uid_t id = 0;  ///< 0: this process
  mode_t mode = 0;
};

/// Below kFilesPath; `path` has one slash at most.
int write_own_file(const char* path, const char* content, std::size_t size, const Owner& owner) {
  char full[PATH_MAX];
  const std::size_t length = ::strlen(path);
  constexpr std::size_t kPrefix = sizeof("/run/reeve/") - 1;
  if (length >= sizeof full - kPrefix) return ENAMETOOLONG;
  ::memcpy(full, "/run/reeve/", kPrefix);
  ::memcpy(full + kPrefix, path, length + 1);
  if (char* const slash = ::strrchr(full + kPrefix, '/'); slash != nullptr) {
    *slash = '\0';
    if (::mkdir(full, 0700) != 0 && errno != EEXIST) return errno;
    if (owner.id != 0 && ::chown(full, owner.id, owner.id) != 0) return errno;
    *slash = '/';
  }
  const int file = ::open(full, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, owner.mode);
  if (file < 0) return errno;
  if (owner.id != 0 && ::fchown(file, owner.id, owner.id) != 0) return errno;
  while (size > 0) {
    const ssize_t written = ::write(file, content, size);
    if (written < 0) return errno;
    content += written;
    size -= static_cast<std::size_t>(written);
  }
  return ::close(file) != 0 ? errno : 0;
}

constexpr int kDepthMax = 64;

bool is_dots(const char* name) {
  return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

int clear_directory(int directory, dev_t device, int depth);

int remove_entry(int directory, const char* name, dev_t device, int depth) {
  if (::unlinkat(directory, name, 0) == 0) return 0;
  if (errno != EISDIR && errno != EPERM) return errno;
  const int below = ::openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (below < 0) return errno;
  const int error = clear_directory(below, device, depth + 1);
  ::close(below);
  if (error != 0) return error;
  return ::unlinkat(directory, name, AT_REMOVEDIR) == 0 ? 0 : errno;
}

/// Never leaves the file system that the attempt's own files are in.
int clear_directory(int directory, dev_t device, int depth) {
  struct stat about {};
  if (::fstat(directory, &about) != 0) return errno;
  if (depth > kDepthMax || about.st_dev != device) return EXDEV;
  alignas(DirectoryEntry) char buffer[2048];
  for (;;) {
    // From the beginning each time: what was there is gone.
    if (::lseek(directory, 0, SEEK_SET) < 0) return errno;
    const long got = ::syscall(SYS_getdents64, directory, buffer, sizeof buffer);
    if (got < 0) return errno;
    bool is_empty = true;
    for (long at = 0; at < got;) {
      const auto* const entry = reinterpret_cast<const DirectoryEntry*>(buffer + at);
      at += entry->length;
      if (is_dots(entry->name)) continue;
      is_empty = false;
      if (const int error = remove_entry(directory, entry->name, device, depth); error != 0)
        return error;
    }
    if (is_empty) return 0;
  }
}

}  // namespace

int clear_own_files() {
  const int directory = ::open("/run/reeve", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return errno;
  struct stat about {};
  const int error =
      ::fstat(directory, &about) != 0 ? errno : clear_directory(directory, about.st_dev, 0);
  ::close(directory);
  return error;
}

int write_own_files(BlobReader& reader) {
  Owner owner;
  owner.id = static_cast<uid_t>(reader.number());
  const std::uint64_t count = reader.number();
  for (std::uint64_t i = 0; reader.is_good() && i < count; ++i) {
    const char* const path = reader.text();
    owner.mode = static_cast<mode_t>(reader.number());
    std::size_t size = 0;
    const char* const content = reader.text(size);
    if (const int error = write_own_file(path, content, size, owner); error != 0) return error;
  }
  return reader.is_good() ? 0 : EBADMSG;
}

}  // namespace reeve::sandbox::zygote
