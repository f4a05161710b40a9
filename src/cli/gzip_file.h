// Reads text files that may be compressed with gzip, as logs of workloads are. No thread rule.
#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"

namespace reeve::cli {

/// The whole of it, unpacked, and not more than `bytes_max`: a small file can unpack to anything.
/// "-" is standard input.
Result<std::string> read_maybe_gzipped(const std::string& path, std::size_t bytes_max);

}  // namespace reeve::cli
