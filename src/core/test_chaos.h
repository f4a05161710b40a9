// A world left to chance, for properties: workflows of every kind, attempts that end as a hash of
// their task and number says (so that the order of things does not matter to how they end), people
// who interfere, reports that are lost, doubled or late, restarts. Deterministic from its seed.
#pragma once

#include <cstdint>

#include "core/test_world.h"

namespace reeve::core::test {

struct Chances {  // of a thousand, for each move
  std::uint32_t restart = 0;
  std::uint32_t people = 0;  ///< cancel, pause, resume, approve, retry
  std::uint32_t faults = 0;  ///< of reports
};

class Chaos {
 public:
  Chaos(std::uint64_t seed, Chances chances);
  /// Until every run has ended. False if it takes too long: something hangs.
  bool run_to_end();
  World& world() { return world_; }
  /// How every run and task ended, in order.
  std::string ends() const;

 private:
  std::uint64_t next_bits();
  std::uint64_t below(std::uint64_t limit) { return next_bits() % limit; }
  bool chance(std::uint32_t of_thousand) { return below(1000) < of_thousand; }
  void move();
  void interfere();
  void report(Attempt& attempt);
  void report_wrongly();
  void collect(Attempt& attempt);
  void wake_everything();
  Report end_of(const Attempt& attempt) const;

  std::uint64_t seed_;
  std::uint64_t state_;
  Chances chances_;
  World world_;
  std::uint32_t runs_ = 0;
  std::uint32_t moves_ = 0;
};

}  // namespace reeve::core::test
