// What has versions and is changed by whoever says which of them he saw: ETag, If-Match,
// If-None-Match (RFC 9110, 8.8.3 and 13.1). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "api/call.h"
#include "api/problem.h"
#include "api/submission.h"

namespace reeve::api {

std::string version_tag(std::uint64_t version);
/// 412: the version is another. `what`: what it is of.
Problem is_stale(std::string_view what);
/// The version that If-Match demands: 0 for one that is not there (If-None-Match: *); none: any.
Checked<std::optional<std::uint64_t>> wanted_version(const Call& call);

}  // namespace reeve::api
