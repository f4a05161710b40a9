// Re-runs a journal through a fresh core and compares what it decides with what was decided then:
// the digest of every step's effects must be the same. Finds non-determinism and shows an incident
// again, step by step. Not thread-safe; reads the store only.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "core/core.h"
#include "engine/ports/store.h"

namespace reeve::engine {

struct ReplayOptions {
  std::vector<core::PoolSetup> pools;  ///< as the engine was set up; CapacitySet events follow
  std::uint64_t until_step = UINT64_MAX;
  /// Called with each step before it is applied, and with the state after it.
  std::function<void(const JournalRecord&, const std::vector<core::Event>&)> on_step;
  std::function<void(const JournalRecord&, const core::State&)> after_step;
  /// Called with what each step changed and the state after it; false ends the replay.
  std::function<bool(const JournalRecord&, const core::State&, const core::Changes&)> on_changes;
  /// Asked at the end of the journal: whether to look for what was written meanwhile. Null: no.
  std::function<bool()> goes_on;
};

struct ReplayReport {
  std::uint64_t steps = 0;
  std::uint64_t events = 0;
  std::uint64_t effects = 0;
  std::optional<std::uint64_t> diverged_at;  ///< first step whose effects differ
};

Result<ReplayReport> replay(Store& store, const ReplayOptions& options);

/// Digest of a step's effects, as the journal keeps it.
Digest effects_digest(const std::vector<core::Effect>& effects);

/// Of the journal's form of a step's events.
Result<std::vector<core::Event>> decode_events(std::string_view bytes);

}  // namespace reeve::engine
