#include "cli/run_report.h"

#include <fmt/format.h>

#include "base/text.h"
#include "cli/run_cells.h"
#include "cli/run_tracker.h"
#include "cli/system_clock.h"
#include "cli/text_width.h"
#include "cli/view_picture.h"

namespace reeve::cli {
namespace {

constexpr int kLabelColumns = 12;

void add_report_field(std::string& out, std::string_view label, const std::string& value) {
  if (value.empty() || value == "{}") return;
  out += fmt::format("{}{}\n", pad_right(std::string(label), kLabelColumns),
                     sanitize_for_terminal(value));
}

std::string when(const JsonObject& run, std::string_view field, Time now) {
  const std::string text = text_of(run, field);
  if (text.empty()) return {};
  return fmt::format("{} ({})", text, time_cell(run, field, now).text);
}

}  // namespace

std::string run_text(const Session& session, const LoadedRun& loaded) {
  const core::Run& run = loaded.run();
  const Time now = wall_now();
  const JsonObject document = run_json(run.record, count_json(run), run.record.interrupted);
  std::string out;
  const Cell state = state_cell(document);
  out +=
      fmt::format("{}  {}  run {}\n", to_text(Line(state.text, state.tone), session.out.colour()),
                  sanitize_for_terminal(run_name(run.record)), run.record.id.value);
  add_report_field(out, "id", text_of(document, "id"));
  add_report_field(out, "workflow", text_of(document, "workflow"));
  add_report_field(out, "submitted", when(document, "submitted_at", now));
  add_report_field(out, "ended", when(document, "ended_at", now));
  add_report_field(out, "duration", duration_cell(document, "duration_seconds").text);
  if (run.record.state != core::RunState::succeeded)
    add_report_field(out, "because", text_of(document, "sentence"));
  add_report_field(out, "cancelled", text_of(document, "cancel_reason"));
  add_report_field(out, "after", after_text(document));
  add_report_field(out, "directory", text_of(document, "directory"));
  add_report_field(out, "inputs", text_of(document, "inputs"));
  add_report_field(out, "outputs", text_of(document, "outputs"));
  add_report_field(out, "labels", text_of(document, "labels"));
  if (run.record.round > 1)
    add_report_field(out, "retries", fmt::format("{}", run.record.round - 1));
  out += "\n";
  RunTracker tracker;
  tracker.reset(run);
  constexpr int kRowsMax = 1'000'000;  // everything: this goes into a pager, not onto a screen
  const int columns = session.table_columns();
  const ViewShape shape{columns == 0 ? 200 : columns, kRowsMax, session.out.ascii()};
  for (const Line& line : render_view(take_picture(tracker.model(), kRowsMax), shape, now))
    out += to_text(line, session.out.colour()) + "\n";
  return out;
}

Ended report_runs(const Session& session, const StateLayout& layout, const std::vector<Uuid>& runs,
                  const OutputChoice& choice, int status) {
  TRY_ASSIGN(Archive archive, Archive::open(layout));
  std::string out;
  for (const Uuid& uuid : runs) {
    TRY_ASSIGN(const RunId id, archive.history->find_run(format_uuid("run", uuid)));
    TRY_ASSIGN(const LoadedRun loaded, archive.load(id));
    out += render_document("run", run_document(loaded.run()), choice,
                           [&] { return run_text(session, loaded); });
  }
  return session.print(out, status);
}

Ended report_existing_run(const Session& session, const StateLayout& layout, RunId run) {
  TRY_ASSIGN(Archive archive, Archive::open(layout));
  TRY_ASSIGN(const engine::RunView view, archive.history->get_run(run));
  const std::string state = run_state(view.record, true);
  session.say(fmt::format("run {} was started with this key before; it is {}", run.value, state));
  const bool is_over = core::is_final(view.record.state);
  if (!is_over) session.say(fmt::format("`reeve resume {}` goes on with it", run.value));
  return view.record.state == core::RunState::succeeded ? kExitDone : kExitFailed;
}

}  // namespace reeve::cli
