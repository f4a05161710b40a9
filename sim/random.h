// Random numbers of the simulation: xoshiro256** (Blackman, Vigna 2018) seeded through SplitMix64.
// One generator per concern, each derived from the seed and the concern's own number, so that one
// more draw in one place leaves all other decisions as they were. Integers only: the same on every
// machine. One thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/time.h"
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
};

/// A further seed, from a seed and a number.
std::uint64_t derive_seed(std::uint64_t seed, std::uint64_t number);

class Generator {
 public:
  explicit Generator(std::uint64_t seed);
  Generator(std::uint64_t seed, Concern concern);

  std::uint64_t bits();
  /// Uniform in [0, bound). REQUIRES bound > 0.
  std::uint64_t below(std::uint64_t bound);
  /// Uniform in [low, high].
  std::int64_t between(std::int64_t low, std::int64_t high);
  Duration between(Duration low, Duration high);
  /// Any order of magnitude between the two is about as likely as any other. REQUIRES low > 0.
  Duration any_scale(Duration low, Duration high);
  bool chance(std::uint32_t per_mille);
  template <class Range>
  auto& pick(Range& range) {
    return range[static_cast<std::size_t>(below(range.size()))];
  }

 private:
  std::array<std::uint64_t, 4> state_{};
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
