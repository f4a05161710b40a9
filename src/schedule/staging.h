// Attempts that were handed to a node beyond what is free there ("staged"): the executor starts
// those in order as places become free, and this mirrors it, so that short tasks do not wait for
// the engine's next round. Pure; one thread. What is staged holds nothing of the node.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "base/time.h"
#include "schedule/demand.h"

namespace reeve::schedule {

inline constexpr std::uint32_t kStagedMax = 64;

using HolderId = Id<struct HolderIdTag, std::uint32_t>;

class Staging {
 public:
  struct Kind {
    DemandId demand;
    std::uint8_t variant = 0;
    friend bool operator==(const Kind&, const Kind&) = default;
  };
  bool empty() const { return staged_.empty(); }
  std::size_t size() const { return staged_.size(); }
  HolderId front() const { return staged_.front(); }
  void push(HolderId holder) { staged_.push_back(holder); }
  void pop() { staged_.pop_front(); }
  void remove(HolderId holder);

  /// What the node took last: only more of the same is staged, so that a wrong guess costs little.
  void note(Kind kind) { last_ = kind; }
  /// `places`: how many of the kind the node holds when it is full.
  bool may_stage(Kind kind, std::int64_t places) const;

  /// Learns how long attempts take here, for the depth.
  void observe_run_time(Duration run_time);
  std::uint32_t depth(std::int64_t places) const;

 private:
  std::deque<HolderId> staged_;
  std::optional<Kind> last_;
  std::int64_t mean_run_us_ = -1;  // exponentially weighted, 1/8; -1: nothing seen
};

}  // namespace reeve::schedule
