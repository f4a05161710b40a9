#include "artifacts/kept_files.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"

namespace reeve::artifacts {
namespace {

constexpr std::size_t kShelfDigits = 2;

tl::unexpected<Error> no_stored_path(std::string_view stored) {
  return fail(ErrorCode::corrupt, "'" + sanitize_for_terminal(std::string(stored)) +
                                      "' is no path of the artifact store");
}

}  // namespace

Result<StoredPlace> parse_stored_path(std::string_view stored) {
  const std::size_t name = stored.rfind('/');
  if (name == std::string_view::npos || name == 0) return no_stored_path(stored);
  const std::string_view file = stored.substr(name + 1);
  const std::size_t box = stored.rfind('/', name - 1);
  if (box == std::string_view::npos || box < kShelfDigits) return no_stored_path(stored);
  const std::size_t shelf = box - kShelfDigits;
  if (shelf > 0 && stored[shelf - 1] != '/') return no_stored_path(stored);
  std::string digits(stored.substr(shelf, kShelfDigits));
  digits += stored.substr(box + 1, name - box - 1);
  const auto digest = parse_digest(digits);
  const bool is_name =
      !file.empty() && file != "." && file != ".." && file.find('\0') == std::string_view::npos;
  // Digits have one spelling.
  if (!digest || format_digest(*digest) != digits || !is_name) return no_stored_path(stored);
  return StoredPlace{*digest, std::string(stored.substr(shelf)), std::string(file)};
}

Result<engine::KeptArtifact> KeptFiles::open(std::string_view stored) {
  TRY_ASSIGN(StoredPlace place, parse_stored_path(stored));
  const Fd root(::open(root_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  struct open_how how {};
  // A fifo would wait, and a device notice: nothing but files is ever put there.
  how.flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  Fd file;
  if (root)
    file = Fd(static_cast<int>(
        ::syscall(SYS_openat2, root.get(), place.inner.c_str(), &how, sizeof how)));
  const std::string shown = sanitize_for_terminal(place.file);
  if (!file && (errno == ENOENT || errno == ENOTDIR))
    return fail(ErrorCode::not_found, "the artifact '" + shown + "' has been removed");
  if (!file && (errno == ELOOP || errno == EXDEV))
    return fail(ErrorCode::corrupt, "'" + shown + "' in the artifact store is a symbolic link");
  if (!file) return fail_errno(errno, "cannot open the artifact '" + shown + "'");
  struct stat status {};
  if (::fstat(file.get(), &status) != 0)
    return fail_errno(errno, "cannot read the artifact '" + shown + "'");
  if (!S_ISREG(status.st_mode))
    return fail(ErrorCode::corrupt, "'" + shown + "' in the artifact store is no file");
  return engine::KeptArtifact{std::move(file), std::move(place.file), place.digest, status.st_size};
}

}  // namespace reeve::artifacts
