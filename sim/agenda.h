// What will happen in the simulated world, by the world's own time: a queue of actions that stands
// for all of time, threads and networks. Actions of one moment happen in the order in which they
// were put down, so a seed always gives the same history. Knows nothing of real clocks. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/time.h"

namespace reeve::sim {

/// The world begins here.
inline constexpr Time kWorldBegin{std::chrono::sys_days{std::chrono::year{2026} / 1 / 5}};

class Agenda {
 public:
  using Action = std::function<void()>;

  Time now() const { return now_; }
  /// A moment in the past counts as now.
  void at(Time when, Action action);
  void after(Duration delay, Action action);
  bool empty() const { return heap_.empty(); }
  std::size_t size() const { return heap_.size(); }
  /// When the next action is due. REQUIRES !empty().
  Time next() const { return heap_.front().when; }
  /// Moves to the earliest action and does it. REQUIRES !empty().
  void run_next();
  /// Does everything up to `end`, which is now afterwards.
  void run_until(Time end);
  /// How many actions have been begun.
  std::uint64_t begun() const { return begun_; }

 private:
  struct Entry {
    Time when;
    std::uint64_t sequence;
    Action action;
  };
  static bool is_later(const Entry& a, const Entry& b);

  std::vector<Entry> heap_;  // earliest in front
  Time now_ = kWorldBegin;
  std::uint64_t next_sequence_ = 0;
  std::uint64_t begun_ = 0;
};

}  // namespace reeve::sim
