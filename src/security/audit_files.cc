#include "security/audit_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include <dirent.h>
#include <fmt/format.h>

#include "base/fd.h"
#include "security/audit_scan.h"
#include "security/private_file.h"

namespace reeve::security {
namespace {

struct OpenedFile {
  Fd file;
  std::uint64_t size = 0;
};
Result<OpenedFile> open_audit_file(const std::string& path) {
  OpenedFile opened{Fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK))};
  if (!opened.file) {
    if (errno == ENOENT) return fail(ErrorCode::not_found, fmt::format("{} is missing", path));
    return fail_errno(errno, fmt::format("cannot open {}", path));
  }
  struct stat found {};
  if (::fstat(opened.file.get(), &found) != 0)
    return fail_errno(errno, fmt::format("cannot read {}", path));
  if (!S_ISREG(found.st_mode) || static_cast<std::uint64_t>(found.st_size) > kSegmentBytesMax)
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} is no file of an audit log: too large, or not regular", path));
  opened.size = static_cast<std::uint64_t>(found.st_size);
  return opened;
}

}  // namespace

Result<std::vector<std::uint32_t>> audit_segments(const std::string& directory) {
  const auto close = [](DIR* opened) { ::closedir(opened); };
  const std::unique_ptr<DIR, decltype(close)> opened(::opendir(directory.c_str()), close);
  if (!opened) {
    if (errno == ENOENT)
      return fail(ErrorCode::not_found, fmt::format("there is no audit log in {}", directory));
    return fail_errno(errno, fmt::format("cannot list {}", directory));
  }
  std::vector<std::uint32_t> numbers;
  while (const dirent* entry = ::readdir(opened.get())) {
    if (const auto number = segment_number(entry->d_name)) numbers.push_back(*number);
  }
  std::ranges::sort(numbers);
  return numbers;
}

Result<std::string> read_audit_file(const std::string& path) {
  TRY_ASSIGN(const OpenedFile opened, open_audit_file(path));
  return read_up_to(opened.file.get(), static_cast<std::size_t>(opened.size), path);
}

Result<std::uint64_t> audit_file_size(const std::string& path) {
  TRY_ASSIGN(const OpenedFile opened, open_audit_file(path));
  return opened.size;
}

Result<std::string> read_audit_part(const std::string& path, std::uint64_t offset,
                                    std::size_t bytes_max) {
  TRY_ASSIGN(const OpenedFile opened, open_audit_file(path));
  if (offset >= opened.size) return std::string();
  if (::lseek(opened.file.get(), static_cast<off_t>(offset), SEEK_SET) < 0)
    return fail_errno(errno, fmt::format("cannot read {}", path));
  return read_up_to(
      opened.file.get(),
      static_cast<std::size_t>(std::min<std::uint64_t>(bytes_max, opened.size - offset)), path);
}

}  // namespace reeve::security
