// What `reeve supervisor` is told when it is started.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace reeve::supervisor {

struct Options {
  std::string state_directory;  ///< absolute
  int engine_socket = -1;       ///< inherited: the engine that started it is at the other end
  /// How long to stay when nothing runs and no engine is there.
  Duration idle_end = std::chrono::seconds(30);
  bool stays = false;  ///< whatever idle_end says: somebody else started it, and ends it
  std::int64_t image_bytes_max = std::int64_t{20} << 30;  ///< of the store of images
  std::string oci_runtime = "runc";                       ///< makes the sandboxes of tier oci
  friend bool operator==(const Options&, const Options&) = default;
};

/// --state DIR [--engine-socket N] [--idle-end-ms N] [--image-bytes-max N] [--oci-runtime NAME]
/// [--stay yes|no]
Result<Options> parse_options(std::span<const std::string> arguments);
std::vector<std::string> format_options(const Options& options);

}  // namespace reeve::supervisor
