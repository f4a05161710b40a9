// What changed in a stored run since it was looked at last, as happenings: for `reeve watch`, which
// sees states and not events. Pure; one owner.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "cli/run_follower.h"

namespace reeve::cli {

class RunChanges {
 public:
  /// The first call sees everything that has started or ended so far.
  std::vector<Happening> compare(const core::Run& run, Time now);

 private:
  struct Seen {
    core::TaskState state = core::TaskState::blocked;
    std::uint16_t attempt = 0;
    bool is_held = false;
  };
  std::vector<Seen> seen_;                         // by task
  std::map<std::uint32_t, std::uint32_t> tenths_;  // by large group
};

}  // namespace reeve::cli
