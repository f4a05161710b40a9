#include "base/generator.h"

#include <bit>

#include "base/ensure.h"

namespace reeve {
namespace {

std::uint64_t split_mix(std::uint64_t& state) {
  state += 0x9e3779b97f4a7c15ULL;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

}  // namespace

std::uint64_t derive_seed(std::uint64_t seed, std::uint64_t number) {
  std::uint64_t state = seed ^ (number + 1) * 0xd1342543de82ef95ULL;
  split_mix(state);
  return split_mix(state);
}

Generator::Generator(std::uint64_t seed) {
  for (std::uint64_t& word : state_) word = split_mix(seed);
}

std::uint64_t Generator::bits() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::uint64_t Generator::below(std::uint64_t bound) {
  ENSURE(bound > 0);
  // The remainder's bias is far below what a simulation could notice.
  return bits() % bound;
}

std::int64_t Generator::between(std::int64_t low, std::int64_t high) {
  ENSURE(low <= high);
  return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low) + 1));
}

Duration Generator::between(Duration low, Duration high) {
  return Duration{between(low.count(), high.count())};
}

Duration Generator::any_scale(Duration low, Duration high) {
  ENSURE(low.count() > 0 && low <= high);
  std::int64_t doublings = 0;
  for (std::int64_t reach = low.count(); reach < high.count(); reach *= 2) ++doublings;
  if (doublings == 0) return low;
  const std::int64_t base = low.count() << below(static_cast<std::uint64_t>(doublings));
  return Duration{between(base, std::min(base * 2, high.count()))};
}

bool Generator::chance(std::uint32_t per_mille) { return below(1000) < per_mille; }

}  // namespace reeve
