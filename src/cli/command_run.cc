// `reeve run`.
#include <fmt/format.h>

#include "base/ensure.h"
#include "cli/cluster_settings.h"
#include "cli/engine_host.h"
#include "cli/following.h"
#include "cli/resource_list.h"
#include "cli/run_session.h"
#include "cli/service_link.h"
#include "cli/service_run.h"
#include "cli/submission.h"
#include "cli/system_clock.h"
#include "cli/workflow_file.h"

namespace reeve::cli {
namespace {

Checked<void> check_placeable(const spec::Workflow& workflow, const NodeSetup& machine) {
  const auto groups = unplaceable_groups(workflow, machine);
  if (groups.empty()) return {};
  std::string all;
  for (const std::string& group : groups) all += (all.empty() ? "" : "; ") + group;
  return tl::unexpected(Failure(kExitUnplaceable, std::move(all), "-j states what there is"));
}

}  // namespace

Ended command_run(const Session& session) {
  TRY_ASSIGN(const auto service, ServiceLink::choose(session));
  if (service != nullptr) return run_at_service(session);
  SystemRandom random;
  TRY_ASSIGN(Submission submission, make_submission(session, random));
  TRY_ASSIGN(FollowingOptions options, FollowingOptions::from(session));
  options.is_single = submission.is_single;
  if (options.result && submission.is_single)
    return usage("run: --output and --json are for workflows; a command's output is passed on");
  Work work{.runs = {submission.event.uuid}};
  TRY(work.permit(*submission.event.workflow, options.sandbox));
  TRY_ASSIGN(const StateLayout layout, session.make_state());
  TRY_ASSIGN(const auto policy, engine_policy(session.arguments.find("cluster"), layout));
  TRY(check_placeable(*submission.event.workflow, local_node(policy, options.capacity)));
  work.events.emplace_back(std::move(submission.event));
  return follow_runs(session, layout, options, std::move(work));
}

}  // namespace reeve::cli
