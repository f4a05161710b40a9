// Reads what StoreLayout keeps. Of a stored path only the shelf, the box and the name count, and
// they are looked for below the present root: a state directory may have been moved or restored,
// and no path leads anywhere else, nor through a symbolic link. Thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "engine/ports/kept_artifacts.h"

namespace reeve::artifacts {

/// The last three parts of a stored path: 2 and 62 hexadecimal digits, and a name.
struct StoredPlace {
  Digest digest;
  std::string inner;  ///< below the root
  std::string file;
};
/// corrupt: it has no such parts.
Result<StoredPlace> parse_stored_path(std::string_view stored);

class KeptFiles final : public engine::KeptArtifacts {
 public:
  /// `root`: <state>/artifacts
  explicit KeptFiles(std::string root) : root_(std::move(root)) {}
  Result<engine::KeptArtifact> open(std::string_view stored) override;

 private:
  const std::string root_;
};

}  // namespace reeve::artifacts
