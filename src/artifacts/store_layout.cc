#include "artifacts/store_layout.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <memory>

#include "base/resources.h"

namespace reeve::artifacts {

namespace {

/// Who was told the digest of an artifact finds it; nobody can list what there is.
constexpr mode_t kDirectoryMode = 0711;
constexpr mode_t kBoxMode = 0755;
constexpr std::size_t kBufferBytes = std::size_t{128} << 10;
constexpr std::size_t kCopyStepBytes = std::size_t{64} << 20;

Status write_all(int file, std::string_view data) {
  while (!data.empty()) {
    const ssize_t written = ::write(file, data.data(), data.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail_errno(errno, "cannot write the artifact");
    data.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

tl::unexpected<Error> too_large(std::int64_t bytes_max) {
  return fail(ErrorCode::exhausted, "it has more than the " + format_bytes(bytes_max) + " (" +
                                        std::to_string(bytes_max) +
                                        " bytes) that an artifact may have");
}

/// For file systems that cannot copy inside the kernel.
Status copy_by_hand(int from, int to, std::int64_t copied_bytes, std::int64_t bytes_max) {
  const auto buffer = std::make_unique<char[]>(kBufferBytes);
  for (;;) {
    const ssize_t got = ::read(from, buffer.get(), kBufferBytes);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(errno, "cannot read the artifact");
    if (got == 0) return {};
    copied_bytes += got;
    if (copied_bytes > bytes_max) return too_large(bytes_max);
    TRY(write_all(to, {buffer.get(), static_cast<std::size_t>(got)}));
  }
}

/// Shares the blocks where the file system can (reflink), else copies in the kernel, else by hand.
/// A process that the task left behind may still write: `bytes_max` holds then, too.
Status copy_content(int from, int to, std::int64_t bytes_max) {
  std::int64_t copied_bytes = 0;
  while (copied_bytes <= bytes_max) {
    const ssize_t copied = ::copy_file_range(from, nullptr, to, nullptr, kCopyStepBytes, 0);
    if (copied == 0) break;
    if (copied < 0) {
      if (errno == EINTR) continue;
      const bool unable =
          errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP;
      if (unable && copied_bytes == 0) break;
      return fail_errno(errno, "cannot copy the artifact");
    }
    copied_bytes += copied;
  }
  // Also after a copy that ended: pseudo files report no size, and copy_file_range believes it.
  return copy_by_hand(from, to, copied_bytes, bytes_max);
}

Result<Digest> digest_of_file(int file) {
  if (::lseek(file, 0, SEEK_SET) != 0) return fail_errno(errno, "cannot read the stored artifact");
  const auto buffer = std::make_unique<char[]>(kBufferBytes);
  DigestBuilder builder;
  for (;;) {
    const ssize_t got = ::read(file, buffer.get(), kBufferBytes);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(errno, "cannot read the stored artifact");
    if (got == 0) return builder.finish();
    builder.add({buffer.get(), static_cast<std::size_t>(got)});
  }
}

Status sync(const Fd& file, const std::string& path) {
  if (::fsync(file.get()) != 0) return fail_errno(errno, "cannot make '" + path + "' durable");
  return {};
}

Result<Fd> open_directory(const std::string& path) {
  Fd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return fail_errno(errno, "cannot open '" + path + "'");
  return directory;
}

Status make_directory(const std::string& path, mode_t mode = kDirectoryMode) {
  if (::mkdir(path.c_str(), mode) == 0 || errno == EEXIST) return {};
  return fail_errno(errno, "cannot make '" + path + "'");
}

/// Removes the file unless it was renamed away.
class Temporary {
 public:
  explicit Temporary(std::string path) : path_(std::move(path)) {}
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  ~Temporary() { ::unlink(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

}  // namespace

struct StoreLayout::Copied {
  Fd file;
  Digest digest;
  mode_t executable = 0;  // who may execute it
};

StoreLayout::StoreLayout(std::string root, std::int64_t file_bytes_max)
    : root_(std::move(root)),
      file_bytes_max_(file_bytes_max) {}

Result<std::string> StoreLayout::keep(const Fd& source, std::string_view name) {
  TRY(prepare());
  const Temporary temporary(root_ + "/new/" + std::to_string(next_temporary_++));
  TRY_ASSIGN(const Copied copied, copy_in(source, temporary.path()));
  return place(temporary.path(), copied, name);
}

/// The first time: makes the root, and removes what a killed engine left half copied.
Status StoreLayout::prepare() {
  const std::lock_guard lock(mutex_);
  if (prepared_) return {};
  std::error_code error;
  std::filesystem::remove_all(root_ + "/new", error);
  std::filesystem::create_directories(root_ + "/new", error);
  if (error) return fail_errno(error.value(), "cannot make '" + root_ + "'");
  const std::filesystem::path parent = std::filesystem::path(root_).parent_path();
  if (!parent.empty()) {
    TRY_ASSIGN(const Fd above, open_directory(parent));
    TRY(sync(above, parent));
  }
  prepared_ = true;
  return {};
}

Result<StoreLayout::Copied> StoreLayout::copy_in(const Fd& source, const std::string& temporary) {
  struct stat status {};
  if (::fstat(source.get(), &status) != 0) return fail_errno(errno, "cannot read the artifact");
  if (status.st_size > file_bytes_max_) return too_large(file_bytes_max_);
  Copied copied;
  copied.executable = status.st_mode & 0111;
  const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  copied.file = Fd(::open(temporary.c_str(), flags, 0600));
  if (!copied.file) return fail_errno(errno, "cannot make '" + temporary + "'");
  TRY(copy_content(source.get(), copied.file.get(), file_bytes_max_));
  // The digest is of the copy: whatever still writes to the original cannot come between.
  TRY_ASSIGN(copied.digest, digest_of_file(copied.file.get()));
  return copied;
}

Result<std::string> StoreLayout::place(const std::string& temporary, const Copied& copied,
                                       std::string_view name) {
  const std::string digits = format_digest(copied.digest);
  const std::string shelf_path = root_ + "/" + digits.substr(0, 2);
  const std::string box_path = shelf_path + "/" + digits.substr(2);
  const std::string path = box_path + "/" + std::string(name);
  TRY_ASSIGN(const Fd shelf, open_shelf(digits.substr(0, 2)));
  TRY(make_directory(box_path, kBoxMode));
  TRY_ASSIGN(const Fd box, open_directory(box_path));

  // The same bytes under the same name were executable once: they stay so.
  struct stat earlier {};
  mode_t mode = 0444 | copied.executable;
  if (::lstat(path.c_str(), &earlier) == 0 && S_ISREG(earlier.st_mode)) {
    mode |= earlier.st_mode & 0111;
  }
  if (::fchmod(copied.file.get(), mode) != 0) return fail_errno(errno, "cannot seal the copy");
  TRY(sync(copied.file, path));
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    return fail_errno(errno, "cannot store '" + path + "'");
  }
  TRY(sync(box, box_path));
  TRY(sync(shelf, shelf_path));
  return path;
}

/// The <2 hex> directory. The first use of each by this process also syncs its entry in the root.
Result<Fd> StoreLayout::open_shelf(const std::string& prefix) {
  const std::string path = root_ + "/" + prefix;
  const auto number = static_cast<std::size_t>(std::stoul(prefix, nullptr, 16));
  const std::lock_guard lock(mutex_);
  if (!durable_shelves_[number]) {
    TRY(make_directory(path));
    TRY_ASSIGN(const Fd root, open_directory(root_));
    TRY(sync(root, root_));
    durable_shelves_[number] = true;
  }
  return open_directory(path);
}

}  // namespace reeve::artifacts
