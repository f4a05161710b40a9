// What all parts of one simulated world share: its time, its record, its channel, its verdict.
// Owned by the World; everybody else borrows it. One thread.
#pragma once

#include "sim/agenda.h"
#include "sim/clock.h"
#include "sim/fault.h"
#include "sim/random.h"
#include "sim/trace.h"
#include "sim/verdict.h"

namespace reeve::sim {

/// How bad the channel is; chances per mille of each message. All zero: prompt and in order.
struct ChannelRates {
  std::uint32_t lost = 0;
  std::uint32_t twice = 0;
  std::uint32_t late = 0;
  std::uint32_t overtakes = 0;
  Duration late_max{std::chrono::seconds{30}};
};

struct Basics {
  explicit Basics(std::uint64_t world_seed)
      : seed(world_seed),
        channel(world_seed, Concern::channel) {}
  Basics(const Basics&) = delete;
  Basics& operator=(const Basics&) = delete;

  void note(Note what, std::uint64_t a = 0, std::uint64_t b = 0, std::uint64_t c = 0) {
    trace.add({agenda.now(), what, a, b, c});
  }

  const std::uint64_t seed;
  Agenda agenda;
  WallClock wall{agenda};
  Trace trace;
  FaultCounts faults;
  Verdict verdict;
  ChannelRates rates;
  Generator channel;  ///< decides the fate of messages
};

}  // namespace reeve::sim
