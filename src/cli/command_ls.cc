// `reeve ls`.
#include <fmt/format.h>

#include "cli/archive.h"
#include "cli/moment.h"
#include "cli/run_cells.h"
#include "cli/system_clock.h"

namespace reeve::cli {
namespace {

constexpr std::uint32_t kPage = 500;

struct Wanted {
  engine::RunFilter filter;
  bool interrupted = false;  ///< --status interrupted is no state of the store
  std::uint64_t limit = 50;
};

Checked<Wanted> read_wanted(const Session& session) {
  const Arguments& arguments = session.arguments;
  Wanted wanted;
  using core::RunState;
  for (const std::string& status : arguments.all("status")) {
    for (const RunState state : {RunState::queued, RunState::running, RunState::succeeded,
                                 RunState::failed, RunState::cancelled}) {
      if (name(state) == status) wanted.filter.states.push_back(state);
    }
    if (status == "interrupted") wanted.interrupted = true;
  }
  if (wanted.interrupted) {
    wanted.filter.states.push_back(RunState::queued);
    wanted.filter.states.push_back(RunState::running);
  }
  wanted.filter.name = arguments.value_or("name", "");
  const std::string label = arguments.value_or("label", "");
  wanted.filter.label_key = label.substr(0, label.find('='));
  if (label.find('=') != std::string::npos)
    wanted.filter.label_value = label.substr(label.find('=') + 1);
  TRY_ASSIGN(wanted.filter.submitted_after, read_moment(arguments, "since"));
  TRY_ASSIGN(const auto limit, arguments.number("limit", 0, 1'000'000'000));
  wanted.limit = static_cast<std::uint64_t>(limit.value_or(50));
  if (wanted.limit == 0) wanted.limit = UINT64_MAX;
  return wanted;
}

bool is_wanted(const Session& session, const std::string& state) {
  const auto wanted = session.arguments.all("status");
  return wanted.empty() || std::ranges::find(wanted, state) != wanted.end();
}

Result<std::uint64_t> expanded_tasks(Archive& archive, RunId run) {
  TRY_ASSIGN(const auto expansions, archive.history->list_expansions(run));
  std::map<GroupIndex, std::uint32_t> counts;
  for (const core::Expansion& expansion : expansions) counts[expansion.group] = expansion.count;
  std::uint64_t total = 0;
  for (const auto& [group, count] : counts) total += count;
  return total;
}

/// What waits for others to end says so, as it is the only wait that people have asked for.
Cell waiting_cell(const JsonObject& run) {
  Cell cell = state_cell(run);
  if (text_of(run, "reason") != name(ReasonCode::after_run)) return cell;
  cell.text += " after " + waits_for_text(run);
  return cell;
}

std::vector<Column> run_columns(Time now) {
  return {
      {"RUN", [](const JsonObject& run) { return text_cell(run, "number"); }, Align::right},
      {"STATE", waiting_cell},
      {"NAME", [](const JsonObject& run) { return text_cell(run, "name"); }, Align::left, true},
      {"TASKS", [](const JsonObject& run) { return counts_cell(run, "tasks"); }, Align::left, true},
      {"SUBMITTED", [now](const JsonObject& run) { return time_cell(run, "submitted_at", now); }},
      {"DURATION", [](const JsonObject& run) { return duration_cell(run, "duration_seconds"); }},
  };
}

}  // namespace

Ended command_ls(const Session& session) {
  TRY_ASSIGN(const OutputChoice choice, OutputChoice::from(session.arguments, "runs"));
  TRY_ASSIGN(Wanted wanted, read_wanted(session));
  TRY_ASSIGN(Archive archive, Archive::open(session));
  const bool held = !archive.engine();
  Listing listing{.kind = "runs", .columns = run_columns(wall_now())};
  while (listing.items.size() < wanted.limit) {
    wanted.filter.limit = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(kPage, wanted.limit - listing.items.size()));
    TRY_ASSIGN(const auto views, archive.history->list_runs(wanted.filter));
    for (const engine::RunView& view : views) {
      if (!is_wanted(session, run_state(view.record, held))) continue;
      TRY_ASSIGN(const std::uint64_t expanded, expanded_tasks(archive, view.record.id));
      listing.items.push_back(
          run_json(view.record, count_json(view.record, view.counts, expanded), held));
    }
    if (views.size() < wanted.filter.limit) break;
    wanted.filter.before = views.back().record.id;
  }
  return session.print(listing, choice);
}

}  // namespace reeve::cli
