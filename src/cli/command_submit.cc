// `reeve submit`.
#include <fmt/format.h>

#include "cli/run_cells.h"
#include "cli/service_link.h"
#include "cli/service_run.h"

namespace reeve::cli {

Ended command_submit(const Session& session) {
  TRY_ASSIGN(const OutputChoice choice, OutputChoice::from(session.arguments, "runs"));
  TRY_ASSIGN(const auto service, ServiceLink::open(session));
  TRY_ASSIGN(SubmittedRun run, submit_to(session, *service));
  session.say(
      fmt::format("run {} is submitted; `reeve watch {}` follows it", run.id.value, run.id.value));
  if (choice.format == Format::table && !session.is_quiet())
    return session.print(text_of(run.item, "id") + "\n");
  const Listing listing{.kind = "runs", .items = {std::move(run.item)}, .columns = {}};
  return session.print(listing, choice);
}

}  // namespace reeve::cli
