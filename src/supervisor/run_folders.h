// The directories runs/<run>/ in which attempts leave their REEVE_OUTPUT and REEVE_PROGRESS files:
// made once per run, removed when nothing of the run is left. One owner.
#pragma once

#include <map>
#include <string>

#include "base/ids.h"
#include "base/result.h"
#include "supervisor/paths.h"

namespace reeve::supervisor {

class RunFolders {
 public:
  explicit RunFolders(std::string state) : state_(std::move(state)) {}

  struct Folder {
    std::string run_id;  ///< "run_01k..."
    std::string path;
  };
  /// The directory of a run, made if it is new. Leaves errno when it fails.
  Result<Folder> open(const Uuid& run);
  /// Removes the directories that are empty, and forgets all.
  void clear();

 private:
  std::string state_;
  std::map<Uuid, Folder> folders_;
};

}  // namespace reeve::supervisor
