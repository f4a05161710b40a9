#include "supervisor/disk_use.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/fd.h"

namespace reeve::supervisor {
namespace {

constexpr std::int64_t kStatBlockBytes = 512;
constexpr std::int64_t kDiskReserveBytesMax = 256LL << 20;
constexpr std::int64_t kDiskReserveParts = 100;

Time changed_at(const struct stat& about) {
  return Time(std::chrono::seconds(about.st_ctim.tv_sec) +
              std::chrono::microseconds(about.st_ctim.tv_nsec / 1000));
}

}  // namespace

ChangedFiles::ChangedFiles(std::vector<std::string> roots, Time since)
    : roots_(std::move(roots)),
      since_(since) {}

void ChangedFiles::enter(int parent, const char* name) {
  if (levels_.size() >= kDepthMax) return give_up();
  Fd opened(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NOATIME));
  if (!opened) opened = Fd(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat about {};
  if (!opened || ::fstat(opened.get(), &about) != 0) return;
  if (!levels_.empty() && about.st_dev != levels_.back().device) return;
  DIR* const directory = ::fdopendir(opened.get());
  if (directory == nullptr) return;
  static_cast<void>(opened.release());  // the stream owns it
  levels_.push_back({std::unique_ptr<DIR, Close>(directory), about.st_dev});
}

void ChangedFiles::look_at(const Level& level, const char* name) {
  const int parent = ::dirfd(level.directory.get());
  struct stat about {};
  if (::fstatat(parent, name, &about, AT_SYMLINK_NOFOLLOW) != 0) return;
  if (changed_at(about) >= since_)
    bytes_ += std::int64_t{about.st_blocks} * kStatBlockBytes /
              std::max<std::int64_t>(S_ISDIR(about.st_mode) ? 1 : about.st_nlink, 1);
  if (S_ISDIR(about.st_mode)) enter(parent, name);
}

void ChangedFiles::give_up() {
  bytes_ = kUnbounded;
  levels_.clear();
  roots_.clear();
}

bool ChangedFiles::step(int entries) {
  for (; entries > 0; --entries) {
    if (levels_.empty()) {
      if (roots_.empty()) return true;
      const std::string root = std::move(roots_.back());
      roots_.pop_back();
      enter(AT_FDCWD, root.c_str());
      continue;
    }
    const dirent* const entry = ::readdir(levels_.back().directory.get());
    if (entry == nullptr) {
      levels_.pop_back();
      continue;
    }
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (++entries_ > kEntriesMax) {
      give_up();
      return true;
    }
    look_at(levels_.back(), entry->d_name);
  }
  return levels_.empty() && roots_.empty();
}

DiskSpace DiskSpace::of(const std::string& path) {
  struct statvfs about {};
  if (::statvfs(path.c_str(), &about) != 0) return {};
  const auto block = static_cast<std::int64_t>(about.f_frsize);
  const std::int64_t size = static_cast<std::int64_t>(about.f_blocks) * block;
  return {.free_bytes = static_cast<std::int64_t>(about.f_bavail) * block,
          .reserve_bytes = std::min(size / kDiskReserveParts, kDiskReserveBytesMax)};
}

}  // namespace reeve::supervisor
