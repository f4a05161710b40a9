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

}  // namespace reeve::security
