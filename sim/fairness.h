// Nobody starves: of all tasks that ask for the same and wait for nothing but a place, the oldest
// may be passed over by later ones (schedule/waiting.h) only so often (schedule::kOvertakesMax).
// Watches what the engine gives out, commit by commit; takes from its state only who waits. One
// thread.
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
  std::string on_commit(const core::State& state, const Model& model,
                        const std::vector<Token>& issued);
  /// The engine began anew and counts from nought: so do we.
  void forget() {
    waiting_.clear();
    free_since_.clear();
  }

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
    Time since = kUnset;  ///< when it got into the line that it stands in
    std::uint32_t overtaken = 0;
  };
  /// Between which moments the virtual arrival of one that is in line since then lies.
  struct Arrivals {
    Time earliest;
    Time latest;
  };
  static Arrivals arrivals(const Kind& kind, Time since);
  using Waiting = std::map<Kind, Oldest>;
  static Kind kind_of(const RunImage& run, GroupIndex group);
  static bool waits_for_place_only(const RunImage& run, GroupIndex group);
  void note_holds(const core::State& state, Time now);
  Time since(const core::Task& task, RunId run) const;
  void find_oldest(const core::State& state, const Model& model, Waiting& found) const;
  std::string complaint(const core::State& state, const Oldest& oldest, TaskId by) const;

  Waiting waiting_;
  /// Runs that are not held, and since when: a pause, like a restart, costs a run its place in
  /// line.
  std::map<RunId, Time> free_since_;
};

}  // namespace reeve::sim
