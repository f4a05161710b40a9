// `reeve explain`: from the engine where one runs, else from what is stored.
#include <fmt/format.h>

#include "api/explanation.h"
#include "base/text.h"
#include "cli/archive.h"
#include "cli/engine_access.h"
#include "cli/run_cells.h"
#include "cli/service_history.h"
#include "cli/service_link.h"
#include "cli/system_clock.h"
#include "core/launch.h"

namespace reeve::cli {
namespace {

/// What the engine that works on the run says; false when it does not know it (any more).
Result<bool> ask_engine(const StateLayout& layout, RunId run, std::optional<std::uint32_t> task,
                        api::Answer& answer) {
  TRY_ASSIGN(auto engine, reach_engine(layout));
  if (!engine) return false;
  JsonObject params{{"run", run.value}};
  if (task) params["task"] = *task;
  auto reply = engine->call("explain", std::move(params));
  if (!reply && reply.error().code == ErrorCode::not_found) return false;
  if (!reply) return tl::unexpected(std::move(reply).error());
  answer.reason = text_of(*reply, "reason");
  answer.sentence = text_of(*reply, "sentence");
  if (const Json* facts = reply->if_contains("facts"); facts != nullptr && facts->is_array()) {
    for (const Json& fact : facts->get_array()) {
      if (fact.is_string()) answer.facts.emplace_back(fact.get_string());
    }
  }
  answer.is_live = true;
  return true;
}

/// What the service says of it.
Result<bool> ask_service(Archive& archive, const core::Run& run, std::optional<std::uint32_t> task,
                         api::Answer& answer) {
  std::string target = run_target(run.record.id) + "/explain";
  if (task) target += "?task=" + http::percent_encode(core::task_label(run, *task));
  TRY_ASSIGN(const JsonObject reply, archive.service->get_json(target));
  const Json* const said = reply.if_contains("explanation");
  if (said == nullptr || !said->is_object()) return false;
  answer.reason = text_of(said->get_object(), "reason");
  answer.sentence = text_of(said->get_object(), "sentence");
  answer.facts.clear();
  if (const Json* facts = said->get_object().if_contains("facts"); facts && facts->is_array()) {
    for (const Json& fact : facts->get_array())
      if (fact.is_string()) answer.facts.emplace_back(fact.get_string());
  }
  answer.is_live = text_of(said->get_object(), "live") == "true";
  return true;
}

std::string answer_text(const Session& session, const api::Answer& answer) {
  const Cell state = state_cell({{"state", answer.state}});
  std::string out =
      fmt::format("{}  {} {}\n", to_text(Line(state.text, state.tone), session.out.colour()),
                  sanitize_for_terminal(answer.label), sanitize_for_terminal(answer.sentence));
  for (const std::string& fact : answer.facts)
    out += fmt::format("  {}\n", sanitize_for_terminal(fact));
  return out;
}

}  // namespace

Ended command_explain(const Session& session) {
  TRY_ASSIGN(const OutputChoice choice, OutputChoice::from(session.arguments, "explanation"));
  TRY_ASSIGN(Archive archive, Archive::open(session));
  TRY_ASSIGN(const Target target, find_target(archive, session.arguments.words.front()));
  TRY_ASSIGN(const LoadedRun loaded, archive.load(target.run));
  const api::AskLive ask = [&](RunId run, std::optional<std::uint32_t> task, api::Answer& answer) {
    return archive.service != nullptr ? ask_service(archive, loaded.run(), task, answer)
                                      : ask_engine(archive.layout, run, task, answer);
  };
  TRY_ASSIGN(const api::Answer answer,
             api::explain(*archive.history, loaded, target.task, ask, wall_now()));
  return session.print(render_document("explanation", api::answer_json(answer), choice,
                                       [&] { return answer_text(session, answer); }));
}

}  // namespace reeve::cli
