#include "supervisor/secret_files.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/fd.h"
#include "supervisor/files.h"

namespace reeve::supervisor {

/// Everybody may make names in /dev/shm: only a directory that is ours alone will do.
Status SecretFiles::open_directory(const std::string& path) const {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return fail_errno(errno, "cannot make " + path + " for secrets");
  struct stat about {};
  if (::lstat(path.c_str(), &about) != 0) return fail_errno(errno, "cannot look at " + path);
  if (!S_ISDIR(about.st_mode) || about.st_uid != ::geteuid() || (about.st_mode & 077U) != 0)
    return fail(ErrorCode::unsupported,
                path + " is not a private directory of this user: remove it");
  return {};
}

Result<std::string> SecretFiles::write(Token token, std::string_view name, std::string_view value) {
  struct statfs about {};
  if (::statfs("/dev/shm", &about) != 0 || about.f_type != TMPFS_MAGIC)
    return fail(ErrorCode::unsupported,
                "secrets of tasks without a sandbox need a tmpfs at /dev/shm, and there is none");
  TRY(open_directory(directory_));
  const std::string folder = directory_ + "/" + std::to_string(token.value);
  TRY(open_directory(folder));
  std::string path = folder + "/" + std::string(name);
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file || !write_all(file.get(), value)) return fail_errno(errno, "cannot write " + path);
  return path;
}

void SecretFiles::remove(Token token) {
  std::error_code ignored;  // clear() tries again
  std::filesystem::remove_all(directory_ + "/" + std::to_string(token.value), ignored);
}

void SecretFiles::clear() {
  std::error_code ignored;  // of another user, who keeps it
  std::filesystem::remove_all(directory_, ignored);
}

}  // namespace reeve::supervisor
