// `reeve lint`.
#include <fmt/format.h>

#include "api/run_json.h"
#include "base/text.h"
#include "cli/session.h"
#include "cli/workflow_file.h"

namespace reeve::cli {
namespace {

std::string plural(std::size_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

}  // namespace

Ended command_lint(const Session& session) {
  TRY_ASSIGN(const OutputChoice choice, OutputChoice::from(session.arguments, "diagnostics"));
  Listing listing{.kind = "diagnostics", .id_field = "file"};
  std::string text;
  std::size_t errors = 0;
  for (const std::string& path : session.arguments.words) {
    TRY_ASSIGN(const spec::Parsed parsed, parse_file(path));
    for (const spec::Diagnostic& diagnostic : parsed.diagnostics) {
      if (diagnostic.severity == spec::Severity::error) ++errors;
      listing.items.push_back(api::diagnostic_json(diagnostic));
      text += sanitize_for_terminal(diagnostic.text()) + "\n";
    }
  }
  const int status = errors == 0 ? kExitDone : kExitConflict;
  if (choice.format != Format::table) return session.print(listing, choice, status);
  TRY(session.print(text));
  session.say(fmt::format("{}: {}", plural(session.arguments.words.size(), "file"),
                          errors == 0 ? "no errors" : plural(errors, "error")));
  return status;
}

}  // namespace reeve::cli
