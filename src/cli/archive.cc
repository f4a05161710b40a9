#include "cli/archive.h"

#include <fmt/format.h>

#include "cli/system_clock.h"
#include "store/sqlite/sqlite_history.h"

namespace reeve::cli {
Result<Archive> Archive::open(StateLayout layout) {
  auto history = store::sqlite::SqliteHistory::open(layout.database());
  if (!history && history.error().code == ErrorCode::not_found)
    return fail(ErrorCode::not_found, "nothing has been run yet in " + layout.root);
  if (!history) return tl::unexpected(std::move(history).error());
  return Archive{std::move(layout), *std::move(history)};
}

Result<Archive> Archive::open(const Session& session) {
  TRY_ASSIGN(StateLayout layout, session.find_state());
  return open(std::move(layout));
}

Result<LoadedRun> Archive::load(RunId id) {
  return api::load_run(*history, id, !engine(), wall_now());
}

Result<Target> find_target(Archive& archive, const std::string& text) {
  const std::size_t slash = text.find('/');
  TRY_ASSIGN(const RunId run, archive.history->find_run(text.substr(0, slash)));
  return Target{run, slash == std::string::npos ? "" : text.substr(slash + 1)};
}

}  // namespace reeve::cli
