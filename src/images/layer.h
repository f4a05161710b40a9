// Reads the archive of a layer, compressed (gzip, zstd) or not, and makes its files. What the
// archive holds is hostile: LayerTree says what is made of it. Single-threaded.
#pragma once

#include <cstdint>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace reeve::images {

struct LayerLimits {
  std::int64_t bytes_max = std::int64_t{32} << 30;  ///< of the uncompressed archive
  std::int64_t entries_max = 2'000'000;
};

/// What was read, to be compared with what the image says.
struct LayerDigests {
  std::string blob;        ///< of the bytes of `archive`
  std::string content;     ///< of the uncompressed archive
  std::int64_t bytes = 0;  ///< of the files made
};

/// Unpacks into the empty directory `root`. corrupt: the archive is damaged or refused;
/// unsupported: it is over a limit; io_failed: this machine could not write it. What was made by
/// then stays.
Result<LayerDigests> unpack_layer(int archive, Fd root, const LayerLimits& limits);

}  // namespace reeve::images
