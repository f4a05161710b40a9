#include "api/follow_submission.h"

#include <fmt/format.h>

#include "api/service_parts.h"
#include "base/text.h"

namespace reeve::api {

Checked<void> find_after(const ServiceParts& parts, const Call& call, engine::History& history,
                         NewRun& run) {
  run.after.clear();
  for (const AfterAsked& asked : run.after_asked) {
    const std::string unknown =
        fmt::format("there is no run {} to follow", sanitize_for_terminal(asked.run));
    const auto id = history.find_run(asked.run);
    if (!id && id.error().code == ErrorCode::not_found)
      return tl::unexpected(Problem(404, "not-found", "Not found", unknown));
    if (!id) return tl::unexpected(Problem(id.error()));
    TRY_ASSIGN(const engine::RunView view, history.get_run(*id));
    TRY(parts.authorise(call, security::Action::runs_read, namespace_of(view.record),
                        view.record.uuid, unknown));
    run.after.push_back({.run = *id, .uuid = view.record.uuid, .condition = asked.condition});
  }
  return {};
}

}  // namespace reeve::api
