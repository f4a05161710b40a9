// `reeve explain`: from the engine where one runs, else from what is stored.
#include <fmt/format.h>

#include "base/text.h"
#include "cli/archive.h"
#include "cli/engine_access.h"
#include "cli/run_json.h"
#include "cli/run_tracker.h"
#include "cli/system_clock.h"
#include "core/explain.h"
#include "core/launch.h"

namespace reeve::cli {
namespace {

constexpr std::size_t kFactsMax = 20;

struct Answer {
  std::string id;
  std::string label;
  std::string state;
  std::string reason;
  std::string sentence;
  std::vector<std::string> facts;
  bool is_live = false;
};

void take_over(Answer& answer, const core::Explanation& explanation) {
  answer.reason = std::string(name(explanation.reason.code));
  answer.sentence = explanation.sentence;
  answer.facts = explanation.facts;
}

/// What the engine that works on the run says; false when it does not know it (any more).
Result<bool> ask_engine(const StateLayout& layout, RunId run, std::optional<std::uint32_t> task,
                        Answer& answer) {
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

std::string attempt_fact(const core::AttemptRecord& attempt) {
  const bool ran = attempt.started_at != kUnset && attempt.ended_at != kUnset;
  std::string fact = fmt::format("attempt {} {}", attempt.number, describe(attempt.outcome.reason));
  if (ran) {
    fact += fmt::format(" after {}", short_duration(attempt.ended_at - attempt.started_at));
    if (attempt.outcome.kind != OutcomeClass::lost)
      fact += fmt::format(", in tier {}", name(attempt.tier));
  }
  if (attempt.next.code != ReasonCode::none) fact += "; it " + describe(attempt.next);
  return fact;
}

Result<Answer> explain_one_task(Archive& archive, const LoadedRun& loaded, std::uint32_t index) {
  const core::Run& run = loaded.run();
  const core::Task& task = run.tasks[index];
  Answer answer{.label = core::task_label(run, index), .state = std::string(name(task.state))};
  answer.id = fmt::format("{}/{}", format_uuid("run", run.record.uuid), answer.label);
  bool is_answered = false;
  if (!core::is_final(task.state)) {
    TRY_ASSIGN(is_answered, ask_engine(archive.layout, run.record.id, index, answer));
  }
  if (!is_answered)
    take_over(answer, core::explain_task(loaded.state(), {run.record.id, index}, wall_now()));
  if (const JsonObject about = task_json(run, index); !joined(about, "egress").empty())
    answer.facts.push_back("it may reach " + joined(about, "egress") + ", and nothing else");
  TRY_ASSIGN(const auto attempts, archive.history->list_attempts({run.record.id, index}));
  for (const core::AttemptRecord& attempt : attempts) {
    if (answer.facts.size() < kFactsMax) answer.facts.push_back(attempt_fact(attempt));
  }
  if (!attempts.empty() && attempts.back().placed.code != ReasonCode::none &&
      core::is_final(task.state))
    answer.facts.push_back("its latest attempt " + describe(attempts.back().placed));
  return answer;
}

/// Each state that tasks of the group are in, with the reason of the first of them.
void add_states(const core::Run& run, GroupIndex index, std::vector<std::string>& facts) {
  const core::Group& group = run.groups[index.value];
  if (!group.expanded) {
    facts.push_back(run.group_spec(index).id + ": its tasks are known once its needs are done");
    return;
  }
  std::array<std::uint32_t, core::kTaskStateCount> counts{};
  std::array<std::uint32_t, core::kTaskStateCount> first{};
  for (std::uint32_t i = group.first; i < group.first + group.count; ++i) {
    const auto state = static_cast<std::size_t>(run.tasks[i].state);
    if (counts[state]++ == 0) first[state] = i;
  }
  for (std::size_t state = 0; state < counts.size(); ++state) {
    if (counts[state] == 0) continue;
    facts.push_back(fmt::format(
        "{} {}, such as {}: {}", counts[state], name(static_cast<core::TaskState>(state)),
        core::task_label(run, first[state]), describe(run.tasks[first[state]].reason)));
  }
}

Answer explain_group(const LoadedRun& loaded, GroupIndex index) {
  const core::Run& run = loaded.run();
  const JsonObject group = group_json(run, index);
  Answer answer{.label = run.group_spec(index).id, .state = text_of(group, "state")};
  answer.id = fmt::format("{}/{}", format_uuid("run", run.record.uuid), answer.label);
  const core::Group& found = run.groups[index.value];
  answer.sentence = fmt::format("has {} tasks, {} of them ended", found.expanded ? found.count : 0,
                                found.expanded ? found.count - found.open : 0);
  answer.reason = std::string(name(run.record.reason.code));
  add_states(run, index, answer.facts);
  return answer;
}

/// Why a run ended as it did: the tasks that decided it.
void explain_end(const core::Run& run, Answer& answer) {
  std::size_t bad = 0;
  for (std::uint32_t i = 0; i < run.tasks.size(); ++i) {
    const core::Task& task = run.tasks[i];
    const bool is_bad =
        task.state == core::TaskState::failed || task.state == core::TaskState::timed_out;
    if (!is_bad || (task.flags & core::kTaskForgiven) != 0) continue;
    if (++bad <= kFactsMax)
      answer.facts.push_back(fmt::format("{} {}", core::task_label(run, i), describe(task.reason)));
  }
  if (bad > kFactsMax) answer.facts.push_back(fmt::format("and {} more", bad - kFactsMax));
  answer.reason = std::string(name(run.record.reason.code));
  answer.sentence = run_sentence(run.record, false);
  if (run.record.state == core::RunState::succeeded)
    answer.sentence = "all that it wanted was done";
  if (bad > 0) answer.sentence = fmt::format("{} of its tasks did not succeed", bad);
  if (run.record.texts && !run.record.texts->cancel_reason.empty())
    answer.facts.push_back("the reason given: " + run.record.texts->cancel_reason);
}

Result<Answer> explain_whole_run(const Archive& archive, const LoadedRun& loaded) {
  const core::Run& run = loaded.run();
  Answer answer{.id = format_uuid("run", run.record.uuid),
                .label = fmt::format("run {}", run.record.id.value),
                .state = run_state(run.record, run.record.interrupted)};
  if (core::is_final(run.record.state)) {
    explain_end(run, answer);
    return answer;
  }
  TRY_ASSIGN(const bool is_answered,
             ask_engine(archive.layout, run.record.id, std::nullopt, answer));
  if (!is_answered) take_over(answer, core::explain_run(loaded.state(), run.record.id, wall_now()));
  return answer;
}

JsonObject answer_json(const Answer& answer) {
  boost::json::array facts;
  for (const std::string& fact : answer.facts) facts.emplace_back(fact);
  return {{"id", answer.id},           {"state", answer.state},
          {"reason", answer.reason},   {"sentence", answer.sentence},
          {"facts", std::move(facts)}, {"live", answer.is_live}};
}

std::string answer_text(const Session& session, const Answer& answer) {
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
  Answer answer;
  if (target.task.empty()) {
    TRY_ASSIGN(answer, explain_whole_run(archive, loaded));
  } else {
    TRY_ASSIGN(const TaskChoice task, find_task(loaded.run(), target.task));
    if (task.index) {
      TRY_ASSIGN(answer, explain_one_task(archive, loaded, *task.index));
    } else {
      answer = explain_group(loaded, task.group);
    }
  }
  return session.print(render_document("explanation", answer_json(answer), choice,
                                       [&] { return answer_text(session, answer); }));
}

}  // namespace reeve::cli
