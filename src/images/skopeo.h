// Runs skopeo, which talks to registries; and says in plain words what went wrong. The process ends
// with the one that started it. Waits; single-threaded.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/image_reference.h"
#include "base/result.h"

namespace reeve::images {

/// What skopeo's complaint means. The code says whether another try could help: unavailable, or
/// io_failed where this machine is in the way; all else will be the same tomorrow.
Error explain_skopeo(std::string_view complaint, const ImageReference& image);

class Skopeo {
 public:
  explicit Skopeo(std::string program = "skopeo") : program_(std::move(program)) {}

  /// The manifest or index behind the name, byte for byte.
  Result<std::string> manifest(const ImageReference& image, const std::string& reference) const;
  /// Copies one image into an OCI layout, its blobs into a directory for all. `tell` is given the
  /// digest of each blob as its transfer begins.
  Status copy(const ImageReference& image, const std::string& digest, const std::string& layout,
              const std::string& blobs, const std::function<void(std::string_view)>& tell) const;

 private:
  Status run(const ImageReference& image, std::vector<std::string> arguments,
             const std::function<void(std::string_view)>& take) const;

  std::string program_;
};

}  // namespace reeve::images
