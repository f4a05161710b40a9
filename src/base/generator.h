// Random numbers that a seed decides: xoshiro256** (Blackman, Vigna 2018) seeded through
// SplitMix64. Integers only: the same on every machine. For simulation and generated workloads; not
// for secrets. One thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace reeve {

/// A further seed, from a seed and a number.
std::uint64_t derive_seed(std::uint64_t seed, std::uint64_t number);

class Generator {
 public:
  explicit Generator(std::uint64_t seed);

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

}  // namespace reeve
