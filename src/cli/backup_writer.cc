#include "cli/backup_writer.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include <fmt/format.h>

#include "security/private_file.h"

namespace reeve::cli {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{256} << 10;

tl::unexpected<Error> is_there(const std::string& path) {
  return fail(ErrorCode::conflict,
              fmt::format("{} is there already: name another file, or move it away", path));
}

}  // namespace

Result<std::unique_ptr<BackupWriter>> BackupWriter::create(const std::string& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) == 0) return is_there(path);
  std::string temporary = fmt::format("{}.{}.partial", path, ::getpid());
  Fd file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) return fail_errno(errno, fmt::format("cannot write {}", temporary));
  return std::unique_ptr<BackupWriter>(
      new BackupWriter(path, std::move(temporary), std::move(file)));
}

BackupWriter::~BackupWriter() {
  if (!finished_) ::unlink(temporary_.c_str());
}

Status BackupWriter::put(std::string_view bytes) {
  whole_.add(bytes);
  bytes_ += bytes.size();
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail_errno(errno, fmt::format("cannot write {}", temporary_));
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

void BackupWriter::note(std::string_view path, const Digest& digest) {
  digests_ += fmt::format("{}  {}\n", format_digest(digest), path);
  ++files_;
}

Status BackupWriter::add_directory(const std::string& path, std::uint32_t mode) {
  return put(encode_backup_entry({.path = path, .is_directory = true, .mode = mode & 0777}));
}

Status BackupWriter::add_text(const std::string& path, std::uint32_t mode,
                              std::string_view content) {
  TRY(put(encode_backup_entry({.path = path, .mode = mode & 0777, .bytes = content.size()})));
  TRY(put(content));
  TRY(put(std::string(backup_padding(content.size()), '\0')));
  note(path, digest_of(content));
  return {};
}

Status BackupWriter::add_file(const std::string& path, int file, const std::string& source) {
  struct stat found {};
  if (::fstat(file, &found) != 0) return fail_errno(errno, fmt::format("cannot read {}", source));
  const auto bytes = static_cast<std::uint64_t>(found.st_size);
  TRY(put(encode_backup_entry({.path = path, .mode = found.st_mode & 0777U, .bytes = bytes})));
  const auto buffer = std::make_unique<char[]>(kPieceBytes);
  DigestBuilder digest;
  for (std::uint64_t left = bytes; left > 0;) {
    const ssize_t got = ::read(
        file, buffer.get(), static_cast<std::size_t>(std::min<std::uint64_t>(left, kPieceBytes)));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(errno, fmt::format("cannot read {}", source));
    if (got == 0)
      return fail(ErrorCode::conflict,
                  fmt::format("{} became shorter while it was read: start again", source));
    const std::string_view piece(buffer.get(), static_cast<std::size_t>(got));
    digest.add(piece);
    TRY(put(piece));
    left -= piece.size();
  }
  TRY(put(std::string(backup_padding(bytes), '\0')));
  note(path, digest.finish());
  return {};
}

Status BackupWriter::finish() {
  const std::string digests = std::move(digests_);
  TRY(add_text(std::string(kBackupDigestsName), 0600, digests));
  const std::string seal = format_digest(whole_.finish()) + "\n";
  whole_ = DigestBuilder();
  TRY(add_text(std::string(kBackupSealName), 0600, seal));
  TRY(put(std::string(2 * kBackupBlockBytes, '\0')));
  files_ -= 3;  // its own ones
  if (::fsync(file_.get()) != 0)
    return fail_errno(errno, fmt::format("cannot sync {}", temporary_));
  if (::renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, path_.c_str(), RENAME_NOREPLACE) != 0) {
    if (errno == EEXIST) return is_there(path_);
    return fail_errno(errno, fmt::format("cannot rename {} to {}", temporary_, path_));
  }
  finished_ = true;
  return security::sync_directory_of(path_);
}

}  // namespace reeve::cli
