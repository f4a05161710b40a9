// How people name a run: "run_01jdxk…" whole, a unique ending of it, its number or "last". One rule
// for every History; the stores only say which runs there are. No state; no thread rule.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"

namespace reeve::engine {

inline constexpr std::size_t kRunEndingMin = 4;  ///< characters of an ending

struct RunName {
  RunId id;
  Uuid uuid;
};

/// What a store knows of its runs.
class RunNames {
 public:
  virtual ~RunNames() = default;
  virtual Result<bool> exists(RunId run) = 0;
  virtual Result<std::optional<RunId>> with_uuid(const Uuid& uuid) = 0;
  /// Newest first, until `visit` returns false.
  virtual Status visit(const std::function<bool(const RunName&)>& visit) = 0;
};

/// not_found, conflict when several match (the message lists them), or invalid_argument.
Result<RunId> resolve_run(std::string_view reference, RunNames& names);

}  // namespace reeve::engine
