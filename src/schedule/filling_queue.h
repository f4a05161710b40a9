// Jobs that wait, in an order, to be asked for the first that fits: of each amount, the first whose
// length is at most what that amount is free for. Blocks of neighbours know their shortest, so that
// a question passes over those that have none; a hundred thousand jobs cost some hundred steps.
// Pure; one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <tuple>
#include <vector>

#include "base/time.h"

namespace reeve::schedule {

struct BackfillJob {
  std::uint32_t id = 0;     ///< the caller's
  std::int64_t amount = 1;  ///< of the capacity; > 0 and not more than it
  Time arrival{};
  Duration expected{1};  ///< length; > 0: what the order goes by
  Duration promised{1};  ///< length, not below `expected`: what reservations count with
};

/// Smallest key first, then who came first.
struct RankedJob {
  std::int64_t key = 0;
  BackfillJob job;
  bool operator<(const RankedJob& other) const {
    return std::tuple(key, job.arrival, job.id) <
           std::tuple(other.key, other.job.arrival, other.job.id);
  }
};

class FillingQueue {
 public:
  void insert(const RankedJob& job);
  /// REQUIRES that it is there.
  void erase(const RankedJob& job);
  /// The first of those for which promised <= length_of(amount), where length_of is asked once for
  /// each amount from the smallest on, and never grows; the first amount for which it is negative,
  /// and all larger, have none.
  template <class LengthOf>
  std::optional<RankedJob> first_that_fits(const LengthOf& length_of) const {
    const RankedJob* best = nullptr;
    for (const auto& [amount, blocks] : by_amount_) {
      const Duration length = length_of(amount);
      if (length < Duration{0}) break;
      const RankedJob* const found = first_in(blocks, length, best);
      if (found != nullptr) best = found;
    }
    if (best == nullptr) return std::nullopt;
    return *best;
  }

 private:
  struct Block {
    std::vector<RankedJob> jobs;  ///< sorted, never empty
    Duration shortest{0};         ///< promised
  };
  using Blocks = std::vector<Block>;

  static std::size_t block_of(const Blocks& blocks, const RankedJob& job);
  /// Before `bound`, if that is not null.
  static const RankedJob* first_in(const Blocks& blocks, Duration length, const RankedJob* bound);

  std::map<std::int64_t, Blocks> by_amount_;
};

}  // namespace reeve::schedule
