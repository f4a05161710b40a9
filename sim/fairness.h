// Nobody starves: of all tasks that ask for the same and wait for nothing but a place, the oldest
// may be passed over by later ones only so often (schedule::kOvertakesMax). Watches what the engine
// gives out, commit by commit; takes from its state only who waits. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "core/state.h"
#include "sim/model.h"

namespace reeve::sim {

class Fairness {
 public:
  /// After a commit that gave out `issued`. "": fair so far; else who was passed over too often.
  std::string on_issued(const core::State& state, const Model& model,
                        const std::vector<Token>& issued);
  /// The engine began anew and counts from nought: so do we.
  void forget() { waiting_.clear(); }

 private:
  /// What tasks of one kind have in common.
  struct Kind {
    std::int32_t priority = 0;
    Time deadline = kNever;
    Resources request;
    friend auto operator<=>(const Kind&, const Kind&) = default;
  };
  struct Oldest {
    TaskId task;
    Time queued_at = kUnset;
    std::uint32_t overtaken = 0;
  };
  using Waiting = std::map<Kind, Oldest>;
  static Kind kind_of(const RunImage& run, GroupIndex group);
  static bool waits_for_place_only(const RunImage& run, GroupIndex group);
  static void find_oldest(const core::State& state, const Model& model, Waiting& found);

  Waiting waiting_;
};

}  // namespace reeve::sim
