#include "api/follow_submission.h"

#include <fmt/format.h>

#include "api/service_parts.h"
#include "base/text.h"

namespace reeve::api {

std::vector<AfterAsked> take_after(BodyReader& reader) {
  std::vector<AfterAsked> out;
  const Json* const given = reader.any("after");
  if (given == nullptr) return out;
  if (!given->is_array()) {
    reader.error("after",
                 "after must be a list: [{\"run\": \"run_…\", \"condition\": \"success\"}]");
    return out;
  }
  if (given->get_array().size() > core::kRunAfterMax) {
    reader.error("after", fmt::format("a run follows {} others at most", core::kRunAfterMax));
    return out;
  }
  for (std::size_t i = 0; i < given->get_array().size(); ++i) {
    const Json& item = given->get_array()[i];
    if (!item.is_object()) {
      reader.item_error("after", i, "must be an object with `run`");
      continue;
    }
    BodyReader inner(item.get_object(), reader.pointer_to("after", i));
    AfterAsked asked{.run = inner.text("run", 100).value_or("")};
    if (asked.run.empty()) inner.error("run", "run, which is to end first, is missing");
    const std::string condition = inner.text("condition").value_or("success");
    if (const auto known = core::parse_after_condition(condition); known)
      asked.condition = *known;
    else
      inner.error("condition", "condition must be success, failure or end");
    reader.take_errors(inner);
    out.push_back(std::move(asked));
  }
  return out;
}

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
