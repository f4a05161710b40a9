// What attempts take of disks: how much files hold that were changed since an instant, and whether
// a file system has so little left that somebody has to end. One owner; not thread-safe.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <dirent.h>

#include "base/time.h"

namespace reeve::supervisor {

/// A walk through directories in small portions. Nothing is trusted: links are not followed, other
/// file systems not entered, and what is nested or large beyond reason counts as kUnbounded.
/// A file with several names counts in parts, one for each name.
class ChangedFiles {
 public:
  /// `roots`: absolute paths; one that is not there holds nothing.
  ChangedFiles(std::vector<std::string> roots, Time since);

  /// Looks at some `entries` more. True: at its end.
  bool step(int entries);
  /// Bytes of disk that files hold whose content or properties were changed since then, so far.
  std::int64_t bytes() const { return bytes_; }

  static constexpr std::int64_t kUnbounded = std::numeric_limits<std::int64_t>::max();
  static constexpr std::size_t kDepthMax = 64;
  static constexpr std::int64_t kEntriesMax = 2'000'000;

 private:
  struct Close {
    void operator()(DIR* directory) const { ::closedir(directory); }
  };
  struct Level {
    std::unique_ptr<DIR, Close> directory;
    dev_t device = 0;
  };

  void enter(int parent, const char* name);
  void look_at(const Level& level, const char* name);
  void give_up();

  std::vector<std::string> roots_;
  Time since_;
  std::vector<Level> levels_;  // the last one is being read
  std::int64_t bytes_ = 0;
  std::int64_t entries_ = 0;
};

/// The space of a file system that unprivileged processes may still take, and what attempts are to
/// leave of it: a hundredth, at most 256 MiB, for the engine's own records and for other attempts.
struct DiskSpace {
  std::int64_t free_bytes = ChangedFiles::kUnbounded;
  std::int64_t reserve_bytes = 0;

  /// Unbounded when it cannot be told.
  static DiskSpace of(const std::string& path);
  bool is_short() const { return free_bytes < reserve_bytes; }
  /// May become short before the next look at leisure: within a second, say.
  bool is_near() const { return free_bytes / 16 < reserve_bytes; }
};

}  // namespace reeve::supervisor
