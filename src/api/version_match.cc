#include "api/version_match.h"

#include <fmt/format.h>

namespace reeve::api {

std::string version_tag(std::uint64_t version) { return fmt::format("\"{}\"", version); }

Problem is_stale(std::string_view what) {
  return {412, "precondition-failed", "Changed meanwhile",
          fmt::format("the {} is no longer as If-Match says: read it again", what)};
}

Checked<std::optional<std::uint64_t>> wanted_version(const Call& call) {
  const std::string* const none = call.request.header("if-none-match");
  if (none != nullptr && *none == "*") return std::optional<std::uint64_t>(0);
  const std::string* const match = call.request.header("if-match");
  if (match == nullptr || *match == "*") return std::optional<std::uint64_t>();
  std::uint64_t version = 0;
  for (std::size_t i = 1; i + 1 < match->size(); ++i) {
    const char c = (*match)[i];
    if (c < '0' || c > '9' || i > 18) return tl::unexpected(is_stale("thing"));
    version = version * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (version > 0 && *match == version_tag(version)) return std::optional(version);
  return tl::unexpected(is_stale("thing"));
}

}  // namespace reeve::api
