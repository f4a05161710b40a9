// The secrets of attempts without a sandbox as private files: mode 0600 in a directory of ours in
// /dev/shm, which is memory, so that no value reaches a disk. Owns that directory. One owner.
#pragma once

#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"

namespace reeve::supervisor {

class SecretFiles {
 public:
  /// `state_id` tells the supervisors of one machine apart.
  explicit SecretFiles(const std::string& state_id) : directory_("/dev/shm/reeve-" + state_id) {}

  /// Gives the path. unsupported: /dev/shm is not there or not in memory. permission_denied:
  /// somebody else has taken the directory's name.
  Result<std::string> write(Token token, std::string_view name, std::string_view value);
  void remove(Token token);
  /// All of them, also what a dead supervisor left.
  void clear();

 private:
  Status open_directory(const std::string& path) const;

  std::string directory_;
};

}  // namespace reeve::supervisor
