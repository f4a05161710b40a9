// What of a machine a task could read where it worked: its work directory and the paths that it was
// given, and there what plain rights let it. An attempt without a sandbox could read what its
// engine can. Values and pure functions, but for scope_of(), which looks up the user; thread-safe.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/sandbox.h"

namespace reeve::artifacts {

/// A directory or file that an attempt sees at the same path as its engine.
struct SourcePlace {
  std::string path;         ///< plain
  bool is_writable = true;  ///< then the attempt is its owner, and of what has the same owner
};

struct SourceScope {
  std::string directory;  ///< where relative paths begin
  bool is_enclosed = false;
  std::vector<SourcePlace> places;  ///< of an enclosed one
  std::string state_directory;      ///< of the engine; an enclosed one sees nothing of it
  /// Whether the attempt was a user of its own, as which the engine cannot open files.
  bool is_other_user = false;
};

SourceScope scope_of(const std::string& directory, const SandboxRequest& sandbox,
                     const std::string& state_directory);

/// The innermost place that holds the path, which is plain; or permission_denied, in words.
/// `said`: as the workflow names it.
Result<SourcePlace> place_of(const SourceScope& scope, const std::string& path,
                             const std::string& said);

/// By owner, group and the others; `place` is what the place itself belongs to. For a directory
/// to be entered `right` is 1, for what is to be read it is 4.
struct Rights {
  const struct stat& place;
  bool is_writable = false;
};
bool may(unsigned right, const struct stat& file, const Rights& rights);

}  // namespace reeve::artifacts
