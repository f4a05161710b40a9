// `reeve wait`.
#include <fmt/format.h>

#include "cli/archive.h"
#include "cli/poll_clock.h"
#include "cli/run_cells.h"
#include "cli/system_clock.h"

namespace reeve::cli {
namespace {

struct Waited {
  RunId run;
  std::string state;  ///< "" while it goes on
  JsonObject item;
};

JsonObject waited_json(const core::RunRecord& record, const std::string& state) {
  const bool is_over = record.ended_at != kUnset;
  return {{"id", format_uuid("run", record.uuid)},
          {"number", record.id.value},
          {"name", run_name(record)},
          {"state", state},
          {"duration_seconds",
           is_over ? seconds_json(record.ended_at - record.submitted_at) : Json(nullptr)}};
}

/// Reads those that were not over the last time.
Result<std::size_t> look(Archive& archive, std::vector<Waited>& all) {
  // Before the rows: an engine that ends between the two has written its last row.
  const bool held = !archive.engine();
  std::size_t over = 0;
  for (Waited& waited : all) {
    if (waited.state.empty()) {
      TRY_ASSIGN(const engine::RunView view, archive.history->get_run(waited.run));
      const std::string state = run_state(view.record, held);
      waited.item = waited_json(view.record, state);
      if (core::is_final(view.record.state) || state == "interrupted") waited.state = state;
    }
    if (!waited.state.empty()) ++over;
  }
  return over;
}

int status_of(const Session& session, const std::vector<Waited>& all) {
  if (session.arguments.has("no-exit-status")) return kExitDone;
  for (const Waited& waited : all) {
    if (!waited.state.empty() && waited.state != "succeeded") return kExitRunUnsuccessful;
  }
  return kExitDone;
}

Ended print_waited(const Session& session, const OutputChoice& choice,
                   const std::vector<Waited>& all) {
  Listing listing{
      .kind = "waited",
      .columns = {
          {"RUN", [](const JsonObject& run) { return text_cell(run, "number"); }, Align::right},
          {"STATE", state_cell},
          {"NAME", [](const JsonObject& run) { return text_cell(run, "name"); }, Align::left,
           true}}};
  for (const Waited& waited : all) {
    if (waited.state.empty()) continue;
    listing.items.push_back(waited.item);
    if (waited.state == "interrupted")
      session.say(fmt::format("run {} was interrupted; `reeve resume {}` goes on with it",
                              waited.run.value, waited.run.value));
  }
  return session.print(listing, choice, status_of(session, all));
}

}  // namespace

Ended command_wait(const Session& session) {
  TRY_ASSIGN(const OutputChoice choice, OutputChoice::from(session.arguments, "waited"));
  TRY_ASSIGN(const auto timeout, session.arguments.duration("timeout"));
  TRY_ASSIGN(Archive archive, Archive::open(session));
  TRY_ASSIGN(Signals signals, Signals::open());
  std::vector<Waited> all;
  for (const std::string& word : session.arguments.words) {
    TRY_ASSIGN(const RunId run, archive.history->find_run(word));
    all.push_back({.run = run, .state = {}, .item = {}});
  }
  const std::size_t wanted = session.arguments.has("any") ? 1 : all.size();
  const Time deadline = timeout ? wall_now() + *timeout : kNever;
  PollClock clock(signals);
  while (true) {
    clock.look_begins();
    TRY_ASSIGN(const std::size_t over, look(archive, all));
    clock.look_ends();
    if (over >= wanted) break;
    if (wall_now() >= deadline) {
      session.say("the time is up; the runs go on");
      TRY(print_waited(session, choice, all));
      return kExitTimedOut;
    }
    const SignalsTaken taken = clock.wait(deadline);
    if (taken.terminations > 0) return kExitTerminated;
    if (taken.interrupts > 0) return kExitInterrupted;
  }
  return print_waited(session, choice, all);
}

}  // namespace reeve::cli
