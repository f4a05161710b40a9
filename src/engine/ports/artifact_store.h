// Port: keeps the files that a task declared, by digest. collect() returns at once; the answer
// comes through `done`, from any thread. The stored files are read-only and stay until removed by a
// person.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/launch.h"
#include "base/result.h"
#include "base/sandbox.h"

namespace reeve::engine {

struct ArtifactRequest {
  std::string name;
  std::string path;  ///< absolute or relative to `directory`; * and ? in its last component
  bool required = true;
};

/// Where a task worked, and what enclosed it: nothing is collected that it could not read itself.
struct ArtifactScope {
  std::string directory;  ///< absolute
  SandboxRequest sandbox;
};

class ArtifactStore {
 public:
  using Done = std::function<void(Result<std::vector<OutputValue>>)>;  ///< name → stored path
  virtual ~ArtifactStore() = default;
  /// Repeating a collection is harmless. not_found names the missing file, permission_denied one
  /// that was out of the task's reach.
  virtual void collect(TaskId task, ArtifactScope scope, std::vector<ArtifactRequest> files,
                       Done done) = 0;
};

}  // namespace reeve::engine
