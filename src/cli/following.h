// Starts an engine for runs and follows them to their end: what `run`, `resume` and `retry` share.
// One thread, main's.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/resources.h"
#include "base/sandbox_rules.h"
#include "cli/output.h"
#include "cli/run_session.h"
#include "cli/session.h"

namespace reeve::cli {

struct FollowingOptions {
  Resources capacity;
  SandboxRules sandbox;
  bool is_single = false;
  bool is_plain = false;
  bool log_prefix = false;
  ShownLogs logs = ShownLogs::failed;
  std::optional<OutputChoice> result;  ///< what is printed on stdout at the end

  static Checked<FollowingOptions> from(const Session& session);
};

/// What the engine is to do.
struct Work {
  std::vector<Uuid> runs;                  ///< to be followed
  std::vector<RunId> resume;               ///< unfinished ones that go on
  std::vector<core::Event> events;         ///< obeyed before anything is started
  SandboxTier tier = SandboxTier::native;  ///< the weakest of its tasks

  /// Takes in that a workflow is to run; a failure (6) where that needs permission.
  Checked<void> permit(const spec::Workflow& workflow, const SandboxRules& rules);
};

Ended follow_runs(const Session& session, const StateLayout& layout,
                  const FollowingOptions& options, Work work);

/// Has an engine obey the events and ends it again; runs stay as they are.
Ended apply_events(const Session& session, const StateLayout& layout,
                   std::vector<core::Event> events);

}  // namespace reeve::cli
