#include "security/private_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include <fmt/format.h>
#include <sodium.h>

#include "base/digest.h"
#include "base/ensure.h"
#include "base/fd.h"

namespace reeve::security {
namespace {

Status write_all(int file, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t written = ::write(file, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail_errno(errno, fmt::format("cannot write {}", path));
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

/// Of an open file, so that nothing can be exchanged between the look and the reading.
enum class Owner : std::uint8_t { this_user, whoever_passed_it_on };

Status check_private(int file, const std::string& path, Owner owner) {
  struct stat found {};
  if (::fstat(file, &found) != 0) return fail_errno(errno, fmt::format("cannot look at {}", path));
  if (!S_ISREG(found.st_mode))
    return fail(ErrorCode::permission_denied,
                fmt::format("{} is not a regular file: move it away", path));
  if (owner == Owner::whoever_passed_it_on) {
    if ((found.st_mode & 027) == 0) return {};
    return fail(ErrorCode::permission_denied,
                fmt::format("{} can be read by anybody: pass it on with LoadCredential=", path));
  }
  if (found.st_uid != ::geteuid())
    return fail(ErrorCode::permission_denied,
                fmt::format("{} belongs to user {}, not to this one ({}): `chown` or move it away",
                            path, found.st_uid, ::geteuid()));
  if ((found.st_mode & 077) != 0)
    return fail(ErrorCode::permission_denied,
                fmt::format("{} can be read or written by others (mode {:04o}): what it holds may "
                            "be known to them; make a new one, or `chmod 600` it",
                            path, found.st_mode & 07777));
  return {};
}

}  // namespace

Status sync_directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "."
                                : slash == 0               ? "/"
                                                           : path.substr(0, slash);
  const Fd opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened) return fail_errno(errno, fmt::format("cannot open {}", directory));
  if (::fsync(opened.get()) != 0)
    return fail_errno(errno, fmt::format("cannot sync {}", directory));
  return {};
}

Status create_private_file(const std::string& path, std::string_view content) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) {
    if (errno == EEXIST)
      return fail(ErrorCode::conflict,
                  fmt::format("{} exists already and is not overwritten: move it away", path));
    return fail_errno(errno, fmt::format("cannot make {}", path));
  }
  Status written = write_all(file.get(), content, path);
  if (written && ::fsync(file.get()) != 0)
    written = fail_errno(errno, fmt::format("cannot sync {}", path));
  if (!written) {
    ::unlink(path.c_str());  // half a key is worse than none
    return written;
  }
  return sync_directory_of(path);
}

namespace {

Result<Fd> open_private(const std::string& path, Owner owner = Owner::this_user) {
  Fd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!file) {
    if (errno == ENOENT)
      return fail(ErrorCode::not_found, fmt::format("there is no file {}", path));
    if (errno == ELOOP)
      return fail(ErrorCode::permission_denied,
                  fmt::format("{} is a symbolic link: put the file itself there", path));
    return fail_errno(errno, fmt::format("cannot open {}", path));
  }
  TRY(check_private(file.get(), path, owner));
  return file;
}

}  // namespace

Status check_private_file(const std::string& path) {
  TRY(open_private(path));
  return {};
}

Result<std::string> read_up_to(int file, std::size_t most, const std::string& path) {
  std::string content(most, '\0');
  std::size_t size = 0;
  while (size < content.size()) {
    const ssize_t got = ::read(file, content.data() + size, content.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(errno, fmt::format("cannot read {}", path));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  content.resize(size);
  return content;
}

namespace {

Result<std::string> read_checked(const std::string& path, Owner owner) {
  TRY_ASSIGN(const Fd file, open_private(path, owner));
  TRY_ASSIGN(std::string content, read_up_to(file.get(), kPrivateFileMax + 1, path));
  if (content.size() > kPrivateFileMax)
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("{} is larger than {} bytes: this cannot be it", path, kPrivateFileMax));
  return content;
}

Result<Key> read_key_of(const std::string& path, Owner owner) {
  TRY_ASSIGN(std::string text, read_checked(path, owner));
  auto key = parse_key(text, path);
  sodium_memzero(text.data(), text.size());
  return key;
}

}  // namespace

Result<std::string> read_private_file(const std::string& path) {
  return read_checked(path, Owner::this_user);
}

Key random_key() {
  ENSURE(sodium_init() >= 0);
  Key key;
  randombytes_buf(key.data(), key.size());
  return key;
}

std::string format_key(const Key& key) { return format_digest(Digest{key}); }

Result<Key> parse_key(std::string_view text, std::string_view origin) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  const std::size_t last = text.find_last_not_of(kSpace);
  const auto digest = parse_digest(
      first == std::string_view::npos ? std::string_view() : text.substr(first, last - first + 1));
  if (!digest)
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} does not hold a key: 64 hexadecimal digits, lower case, as "
                            "`openssl rand -hex 32` prints them",
                            origin));
  return digest->bytes;
}

Result<Key> read_key(const std::string& path) { return read_key_of(path, Owner::this_user); }

Result<Key> read_credential_key(const std::string& path) {
  return read_key_of(path, Owner::whoever_passed_it_on);
}

Result<Key> read_or_make_key(const std::string& path) {
  auto found = read_key(path);
  if (found || found.error().code != ErrorCode::not_found) return found;
  const Key key = random_key();
  const Status made = create_private_file(path, format_key(key) + "\n");
  if (made) return key;
  if (made.error().code == ErrorCode::conflict) return read_key(path);  // another was faster
  return tl::unexpected(made.error());
}

}  // namespace reeve::security
