#include "api/explanation.h"

#include <algorithm>
#include <array>
#include <iterator>

#include <fmt/format.h>

#include "api/run_json.h"
#include "core/explain.h"
#include "core/launch.h"

namespace reeve::api {
namespace {

constexpr std::size_t kFactsMax = 20;

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

Result<Answer> explain_one_task(engine::History& history, const LoadedRun& loaded,
                                std::uint32_t index, const AskLive& ask, Time now) {
  const core::Run& run = loaded.run();
  const core::Task& task = run.tasks[index];
  Answer answer{.label = core::task_label(run, index), .state = std::string(name(task.state))};
  answer.id = fmt::format("{}/{}", format_uuid("run", run.record.uuid), answer.label);
  bool is_answered = false;
  if (!core::is_final(task.state)) {
    TRY_ASSIGN(is_answered, ask(run.record.id, index, answer));
  }
  if (!is_answered)
    take_over(answer, core::explain_task(loaded.state(), {run.record.id, index}, now));
  if (const JsonObject about = task_json(run, index); !joined(about, "egress").empty())
    answer.facts.push_back("it may reach " + joined(about, "egress") + ", and nothing else");
  TRY_ASSIGN(const auto attempts, history.list_attempts({run.record.id, index}));
  for (const core::AttemptRecord& attempt : attempts) {
    if (answer.facts.size() < kFactsMax) answer.facts.push_back(attempt_fact(attempt));
  }
  if (!attempts.empty() && attempts.back().placed.code != ReasonCode::none &&
      core::is_final(task.state)) {
    answer.facts.push_back("its latest attempt " + describe(attempts.back().placed));
    if (const std::string terms = describe(attempts.back().score); !terms.empty())
      answer.facts.push_back("what decided: " + terms);
  }
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
  std::ranges::move(core::following_facts(run.record, nullptr), std::back_inserter(answer.facts));
  if (run.record.texts && !run.record.texts->cancel_reason.empty())
    answer.facts.push_back("the reason given: " + run.record.texts->cancel_reason);
}

Result<Answer> explain_whole_run(const LoadedRun& loaded, const AskLive& ask, Time now) {
  const core::Run& run = loaded.run();
  Answer answer{.id = format_uuid("run", run.record.uuid),
                .label = fmt::format("run {}", run.record.id.value),
                .state = run_state(run.record, run.record.interrupted)};
  if (core::is_final(run.record.state)) {
    explain_end(run, answer);
    return answer;
  }
  TRY_ASSIGN(const bool is_answered, ask(run.record.id, std::nullopt, answer));
  if (!is_answered) take_over(answer, core::explain_run(loaded.state(), run.record.id, now));
  return answer;
}

}  // namespace

void take_over(Answer& answer, const core::Explanation& explanation) {
  answer.reason = std::string(name(explanation.reason.code));
  answer.sentence = explanation.sentence;
  answer.facts = explanation.facts;
}

Result<Answer> explain(engine::History& history, const LoadedRun& loaded, const std::string& task,
                       const AskLive& ask, Time now) {
  if (task.empty()) return explain_whole_run(loaded, ask, now);
  TRY_ASSIGN(const TaskChoice choice, find_task(loaded.run(), task));
  if (choice.index) return explain_one_task(history, loaded, *choice.index, ask, now);
  return explain_group(loaded, choice.group);
}

JsonObject answer_json(const Answer& answer) {
  boost::json::array facts;
  for (const std::string& fact : answer.facts) facts.emplace_back(fact);
  return {{"id", answer.id},           {"state", answer.state},
          {"reason", answer.reason},   {"sentence", answer.sentence},
          {"facts", std::move(facts)}, {"live", answer.is_live}};
}

}  // namespace reeve::api
