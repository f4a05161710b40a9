#include "sandbox/zygote/own_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include <string.h>

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

}  // namespace

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
