// `reeve diff`.
#include <algorithm>

#include <fmt/format.h>

#include "api/run_difference.h"
#include "base/text.h"
#include "cli/archive.h"
#include "cli/run_cells.h"

namespace reeve::cli {
namespace {

constexpr std::size_t kDigestShown = 12;

/// A line for people of what differs between the runs as a whole; "" if they would see no
/// difference.
std::string change_line(const JsonObject& change) {
  const std::string field = text_of(change, "field");
  std::string what = field;
  std::string a = text_of(change, "a");
  std::string b = text_of(change, "b");
  if (field == "workflow_digest") {
    what = "specification";
    a.resize(std::min<std::size_t>(a.size(), kDigestShown));
    b.resize(std::min<std::size_t>(b.size(), kDigestShown));
  }
  if (field == "duration_seconds") {
    what = "duration";
    a = duration_cell(change, "a").text;
    b = duration_cell(change, "b").text;
  }
  if (a == b) return {};
  return sanitize_for_terminal(fmt::format("{}: {} → {}", what, a, b)) + "\n";
}

Cell pair_cell(const std::string& a, const std::string& b) {
  if (a == b) return {a};
  return {fmt::format("{} → {}", a.empty() ? "-" : a, b.empty() ? "-" : b)};
}

std::vector<Column> difference_columns() {
  return {
      {"TASK", [](const JsonObject& item) { return text_cell(item, "task"); }, Align::left, true},
      {"CHANGE", [](const JsonObject& item) { return text_cell(item, "change"); }},
      {"STATE",
       [](const JsonObject& item) {
         return pair_cell(text_of(item, "state_a"), text_of(item, "state_b"));
       }},
      {"ATTEMPTS",
       [](const JsonObject& item) {
         return pair_cell(text_of(item, "attempts_a"), text_of(item, "attempts_b"));
       }},
      {"DURATION",
       [](const JsonObject& item) {
         return pair_cell(duration_cell(item, "duration_seconds_a").text,
                          duration_cell(item, "duration_seconds_b").text);
       }},
  };
}

}  // namespace

Ended command_diff(const Session& session) {
  TRY_ASSIGN(const OutputChoice choice, OutputChoice::from(session.arguments, "differences"));
  TRY_ASSIGN(Archive archive, Archive::open(session));
  TRY_ASSIGN(const RunId a, archive.history->find_run(session.arguments.words[0]));
  TRY_ASSIGN(const RunId b, archive.history->find_run(session.arguments.words[1]));
  TRY_ASSIGN(const LoadedRun left, archive.load(a));
  TRY_ASSIGN(const LoadedRun right, archive.load(b));
  Listing listing{.kind = "differences",
                  .id_field = "task",
                  .items = api::task_differences(left.run(), right.run()),
                  .columns = difference_columns()};
  if (choice.format != Format::table) return session.print(listing, choice);
  // People want what changed; programs get all.
  std::erase_if(listing.items, [](const JsonObject& item) { return !api::is_change(item); });
  std::string out;
  for (const JsonObject& change : api::run_changes(left.run(), right.run()))
    out += change_line(change);
  if (listing.items.empty()) {
    out += out.empty() ? "no differences\n" : "no differences between tasks\n";
    return session.print(out);
  }
  out += out.empty() ? "" : "\n";
  out += render_listing(listing, choice, session.out.colour(), session.table_columns());
  return session.print(out);
}

}  // namespace reeve::cli
