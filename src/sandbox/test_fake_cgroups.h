// A machine's control groups as ordinary files in a temporary directory, for tests. Owns and
// removes the directory; one thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace reeve::sandbox {

class FakeCgroups {
 public:
  FakeCgroups();
  ~FakeCgroups();
  FakeCgroups(const FakeCgroups&) = delete;
  FakeCgroups& operator=(const FakeCgroups&) = delete;

  const std::string& root() const { return root_; }
  std::string path(std::string_view file) const { return root_ + "/" + std::string(file); }
  /// Makes the directories above it.
  void write(std::string_view file, std::string_view text) const;
  std::string read(std::string_view file) const;
  void remove(std::string_view file) const;
  /// Whatever opens it as a file fails.
  void replace_by_directory(std::string_view file) const;

  /// For those who are not root.
  void make_read_only(std::string_view directory);

  /// memory, cpu with cpuacct, pids and blkio; we are in /ours of each.
  void make_v1() const;
  /// The group's files below `ours`, as a new group of the kernel would have them.
  void make_v1_group(std::string_view name) const;

  /// All controllers; we are in /ours.
  void make_v2() const;
  void make_v2_group(std::string_view group) const;

 private:
  std::string root_;
  std::vector<std::string> read_only_;
};

/// While it lives, this process has the rights of nobody, if it was root.
class AsNobody {
 public:
  AsNobody();
  ~AsNobody();
  AsNobody(const AsNobody&) = delete;
  AsNobody& operator=(const AsNobody&) = delete;

 private:
  bool was_root_;
};

}  // namespace reeve::sandbox
