// Random numbers of the simulation: a generator of base/generator.h for each concern. One thread.
#pragma once

#include <cstdint>

#include "base/generator.h"
#include "engine/ports/clock.h"

namespace reeve::sim {

/// What draws are for. Append only: the numbers are part of what a seed means.
enum class Concern : std::uint8_t {
  shape,      ///< of the whole world: sizes, rates
  workload,   ///< workflows
  processes,  ///< how virtual processes behave
  channel,    ///< what happens to messages
  faults,     ///< when what breaks
  clients,    ///< who asks for what, when
  engine,     ///< what the engine gets from its Random port
  steps,      ///< how late the engine gets to its next round
  following,  ///< which submissions follow which runs
};

/// One generator per concern, each derived from the seed and the concern's own number, so that one
/// more draw in one place leaves all other decisions as they were.
class Generator : public reeve::Generator {
 public:
  using reeve::Generator::Generator;
  Generator(std::uint64_t seed, Concern concern)
      : reeve::Generator(derive_seed(seed, static_cast<std::uint64_t>(concern))) {}
};

/// The engine's Random port. Borrows, so that each life of an engine draws on.
class SimRandom final : public engine::Random {
 public:
  explicit SimRandom(Generator& generator) : generator_(generator) {}
  std::uint64_t bits() override { return generator_.bits(); }

 private:
  Generator& generator_;
};

}  // namespace reeve::sim
