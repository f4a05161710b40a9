// The files of an audit log: which segments there are, whole files, the public key. No state; no
// thread rule.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "security/audit_record.h"

namespace reeve::security {

inline constexpr std::uint64_t kSegmentBytesMax = std::uint64_t{2} << 30;  ///< that is looked at

/// Numbers, in order. not_found: no such directory.
Result<std::vector<std::uint32_t>> audit_segments(const std::string& directory);
/// not_found; invalid_argument: larger than kSegmentBytesMax.
Result<std::string> read_audit_file(const std::string& path);

Result<std::uint64_t> audit_file_size(const std::string& path);
/// From `offset` on, at most so many bytes; "" behind its end.
Result<std::string> read_audit_part(const std::string& path, std::uint64_t offset,
                                    std::size_t bytes_max);

}  // namespace reeve::security
