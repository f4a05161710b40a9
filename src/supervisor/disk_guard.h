// Bounds what attempts take of disks. Nobody may take the last of a file system: when it becomes
// short, the one that has written most to it is to end. And who asked for `resources: {disk: N}`
// is to end when the files that it wrote hold more. Says who, ends nobody. One owner.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/reason.h"
#include "supervisor/attempt.h"

namespace reeve::supervisor {

class DiskGuard {
 public:
  struct Finding {
    Attempt* attempt = nullptr;
    Reason reason;
  };
  /// `writing`: the attempts that run.
  std::vector<Finding> look(const std::vector<Attempt*>& writing, Instant now);
  /// When to look again, as long as anything runs.
  Instant next(Instant now) const { return now + (is_urgent_ ? kUrgentLook : kLook); }

 private:
  static constexpr Duration kLook = std::chrono::seconds(1);
  static constexpr Duration kUrgentLook = std::chrono::milliseconds(50);

  struct Shortage {
    bool is_near = false;
    Finding greediest;  ///< without an attempt: nobody
  };
  Shortage find_shortage(const std::vector<Attempt*>& writing);
  bool is_to_act(const std::string& root, const DiskSpace& space) const;

  // Of what is short, by root: not below this, and nobody else ends. What one took is not given
  // back by its end, so only what goes on falling is a reason for another.
  std::map<std::string, std::int64_t> floors_;
  bool is_urgent_ = false;  // some space is nearly short, or files are being counted
};

}  // namespace reeve::supervisor
