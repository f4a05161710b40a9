// The kinds of faults and how many of each a world has seen. RELIABILITY R3 asks for at least
// twenty in each seed. Values.
#pragma once

#include <array>
#include <cstdint>
#include <numeric>
#include <string_view>

namespace reeve::sim {

enum class Fault : std::uint8_t {
  crash_between_rounds,
  crash_before_commit,
  crash_before_act,  ///< after the commit, before one of the answers and effects
  commit_refused,    ///< the store fails and keeps nothing
  commit_unsure,     ///< the store fails, yet what it was given is durable
  message_lost,
  message_twice,
  message_late,
  message_overtakes,
  link_cut,         ///< nothing passes for a while
  executor_crash,   ///< all its attempts die and it remembers nothing
  executor_frozen,  ///< it does nothing for a while; its processes go on
  node_lost,        ///< some attempts die at once
  clock_back,
  clock_forward,
  capacity_changed,
  inbox_full,
  artifacts_lost,     ///< the answer of the artifact store does not come
  machine_saturated,  ///< as others use it, or stalls are seen
};
inline constexpr std::size_t kFaultCount = static_cast<std::size_t>(Fault::machine_saturated) + 1;
std::string_view name(Fault fault);

class FaultCounts {
 public:
  void count(Fault fault) { ++counts_[static_cast<std::size_t>(fault)]; }
  std::uint64_t of(Fault fault) const { return counts_[static_cast<std::size_t>(fault)]; }
  std::uint64_t total() const {
    return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0});
  }
  void add(const FaultCounts& other) {
    for (std::size_t i = 0; i < kFaultCount; ++i) counts_[i] += other.counts_[i];
  }

 private:
  std::array<std::uint64_t, kFaultCount> counts_{};
};

}  // namespace reeve::sim
