#include "supervisor/files.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>

#include "base/fd.h"

namespace reeve::supervisor {
namespace {

bool is_directory(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

/// Appends up to `bytes_max` bytes of the file and returns 0, or errno.
int read_into(const std::string& path, std::size_t bytes_max, std::string& out) {
  Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW));
  if (!file) return errno;
  while (out.size() < bytes_max) {
    const std::size_t had = out.size();
    out.resize(had + std::min<std::size_t>(bytes_max - had, 64U << 10));
    const ssize_t got = ::read(file.get(), out.data() + had, out.size() - had);
    const int error = errno;
    out.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0 && error == EINTR) continue;
    if (got < 0) return error;
    if (got == 0) break;
  }
  return 0;
}

}  // namespace

bool make_directories(const std::string& path) {
  if (::mkdir(path.c_str(), 0750) == 0) return true;
  if (errno == EEXIST) return is_directory(path);
  if (errno != ENOENT || !make_parent_directories(path)) return false;
  return ::mkdir(path.c_str(), 0750) == 0 || (errno == EEXIST && is_directory(path));
}

bool make_parent_directories(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos || slash == 0) {
    errno = ENOENT;
    return false;
  }
  return make_directories(path.substr(0, slash));
}

std::string read_file_prefix(const std::string& path, std::size_t bytes_max) {
  std::string content;
  if (read_into(path, bytes_max, content) != 0) content.clear();
  return content;
}

Result<std::string> read_file(const std::string& path, std::size_t bytes_max) {
  std::string content;
  const int error = read_into(path, bytes_max + 1, content);
  if (error == ENOENT) return fail(ErrorCode::not_found, "no file " + path);
  if (error != 0) return fail_errno(error, "cannot read " + path);
  if (content.size() > bytes_max)
    return fail(ErrorCode::exhausted, path + " is larger than " + std::to_string(bytes_max));
  return content;
}

Fd open_hostile(int directory, const char* path) {
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  how.resolve = directory == AT_FDCWD ? 0 : RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  if (directory == AT_FDCWD) how.flags |= O_NOFOLLOW;
  return Fd(static_cast<int>(::syscall(SYS_openat2, directory, path, &how, sizeof how)));
}

std::string read_regular(int directory, const char* path, std::size_t bytes_max) {
  const Fd file = open_hostile(directory, path);
  struct stat about {};
  if (!file || ::fstat(file.get(), &about) != 0 || !S_ISREG(about.st_mode)) return {};
  std::string bytes(std::min(static_cast<std::size_t>(about.st_size), bytes_max), '\0');
  const ssize_t got = ::read(file.get(), bytes.data(), bytes.size());
  bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return bytes;
}

bool write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace reeve::supervisor
