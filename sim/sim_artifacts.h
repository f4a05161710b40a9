// The ArtifactStore port of the simulated world: files exist or not by the seed, and answers come
// late. An answer may get lost with the process that asked. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/ports/artifact_store.h"
#include "sim/basics.h"
#include "sim/link.h"

namespace reeve::sim {

class SimArtifacts final : public engine::ArtifactStore {
 public:
  SimArtifacts(Basics& basics, EngineProcess& process) : basics_(basics), process_(process) {}
  void collect(TaskId task, engine::ArtifactScope scope, std::vector<engine::ArtifactRequest> files,
               Done done) override;
  /// What is under way now is never answered.
  void drop_answers() { ++round_; }

 private:
  void answer(std::uint64_t round, Result<std::vector<OutputValue>> result, const Done& done);

  Basics& basics_;
  EngineProcess& process_;
  std::uint64_t round_ = 0;
};

}  // namespace reeve::sim
