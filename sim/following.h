// What runs follow, by what became durable: from the submissions in the journal and the ends of
// runs in their rows, apart from how core/ reckons it. Objects when a run goes on before all that
// it waits for has ended as it is to, when it does not end though it never can start, and when the
// rows say something else than was asked for. Where a run ends and is tried again within one
// commit, the order of that cannot be seen from outside: there the row is believed. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/run_after.h"
#include "engine/ports/store.h"
#include "sim/model.h"

namespace reeve::sim {

/// Of one run that another one follows.
enum class Standing : std::uint8_t {
  waited_for,
  met,
  unmet,
  not_asked,  ///< a person has retried the follower
};
struct Followed {
  RunId run;
  core::AfterCondition condition = core::AfterCondition::success;
  Standing standing = Standing::waited_for;
};

class Following {
 public:
  /// Before the rows of the commit are in the model. Gives the first objection, or "".
  void before_rows(const engine::Commit& commit, const Model& model);
  std::string after_rows(const engine::Commit& commit, const Model& model);
  /// Why nothing of the run may be started, or "".
  std::string obstacle(RunId run) const;
  /// Whether what the run follows is what a client has asked for.
  bool is_as_asked(RunId run, const std::vector<core::RunAfter>& asked) const;
  /// What an open run waits for.
  std::vector<RunId> waited_for(RunId run) const;

 private:
  struct Before {
    bool is_known = false;
    core::RunState state = core::RunState::queued;
    std::uint32_t round = 0;
  };
  /// A run by this commit.
  enum class Course : std::uint8_t { open, ended, unclear };
  Course course_of(RunId run, const Model& model) const;
  std::string take_new(const core::RunRecord& row, const Model& model);
  void follow_anew(const core::RunRecord& row, const Model& model);
  void resolve(Followed& followed, const core::RunRecord* row, const Model& model) const;
  std::string check_row(const core::RunRecord& row) const;

  std::map<RunId, std::vector<Followed>> followers_;
  std::map<RunId, Before> before_;  ///< of the rows of the present commit
  std::map<Uuid, std::vector<core::RunAfter>> asked_;
};

}  // namespace reeve::sim
