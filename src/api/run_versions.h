// How often each run has changed, as far as is remembered: what makes a rendered run stale, and
// what ETags are made of. An observer of the engine.
//
// Thread rule: on_committed() by the engine's thread, of() by any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <unordered_map>

#include "engine/engine.h"

namespace reeve::api {

class RunVersions final : public engine::Observer {
 public:
  void on_committed(const engine::Committed& committed) override;
  /// Grows whenever a row of the run or of one of its tasks was written.
  std::uint64_t of(RunId run) const;

 private:
  void mark(RunId run);

  mutable std::mutex mutex_;                           // guards all below
  std::uint64_t now_ = 1;                              ///< number of the commit
  std::uint64_t floor_ = 1;                            ///< of runs that are not in the table
  std::unordered_map<RunId, std::uint64_t> versions_;  // lookup only
  std::deque<std::pair<RunId, std::uint64_t>> order_;  ///< oldest first; may hold runs twice
};

}  // namespace reeve::api
