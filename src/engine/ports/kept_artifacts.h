// Port: reading the files that tasks handed on, once they are kept. Thread-safe; reads the disk.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "base/fd.h"
#include "base/result.h"

namespace reeve::engine {

/// One of them, open for reading.
struct KeptArtifact {
  Fd bytes;
  std::string file;  ///< its name, without directories; never empty, "." or ".."
  Digest digest;     ///< under which it is kept
  std::int64_t size_bytes = 0;
};

class KeptArtifacts {
 public:
  virtual ~KeptArtifacts() = default;
  /// `stored`: a path as ArtifactStore::collect() gave it, of whichever root. not_found: it has
  /// been removed; corrupt: this is no such path, or what lies there is no file of the store.
  virtual Result<KeptArtifact> open(std::string_view stored) = 0;
};

}  // namespace reeve::engine
