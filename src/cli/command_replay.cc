// `reeve replay`.
#include <sys/stat.h>

#include <fmt/format.h>

#include "base/codec_json.h"
#include "cli/archive.h"
#include "cli/resource_list.h"
#include "engine/replay.h"
#include "store/sqlite/sqlite_store.h"

namespace reeve::cli {
namespace {

bool is_state_directory(const std::string& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode);
}

/// The database: of the state directory that is named or found, or the file itself.
Result<std::string> find_database(const Session& session) {
  const auto& words = session.arguments.words;
  if (words.empty()) {
    TRY_ASSIGN(const StateLayout layout, session.find_state());
    return layout.database();
  }
  if (!is_state_directory(words.front())) return words.front();
  const std::string inner = words.front() + "/" + std::string(kStateDirectoryName);
  return StateLayout{is_state_directory(inner) ? inner : words.front()}.database();
}

std::string event_line(const engine::JournalRecord& record, const core::Event& event) {
  const JsonObject line{{"version", kOutputVersion},
                        {"step", record.step},
                        {"at", time_json(record.now)},
                        {"type", core::name(event)},
                        {"event", to_json(event)}};
  return to_json_text(line, false) + "\n";
}

std::string report_text(const engine::ReplayReport& report) {
  std::string out = fmt::format("{} steps, {} events, {} decisions: ", report.steps, report.events,
                                report.effects);
  if (report.diverged_at)
    return out + fmt::format("step {} decides otherwise than it did\n", *report.diverged_at);
  return out + "all as recorded\n";
}

}  // namespace

Ended command_replay(const Session& session) {
  TRY_ASSIGN(const OutputChoice choice, OutputChoice::from(session.arguments, "replay"));
  TRY_ASSIGN(const auto until, session.arguments.number("until", 1, INT64_MAX));
  TRY_ASSIGN(const std::string database, find_database(session));
  struct stat found {};
  if (::stat(database.c_str(), &found) != 0)
    return tl::unexpected(Failure(Error{ErrorCode::not_found, "there is no " + database, {}}));
  const StateLayout layout{database.substr(0, database.rfind('/'))};
  if (const auto holder = EngineLock::holder(layout); holder)
    return tl::unexpected(Failure(kExitConflict,
                                  fmt::format("process {} is writing {}", holder->pid, database),
                                  "wait until it ends, or replay a copy"));
  TRY_ASSIGN(const auto store, store::sqlite::SqliteStore::open(database));
  engine::ReplayOptions options{.pools = {{.name = "local", .capacity = machine_capacity()}}};
  if (until) options.until_step = static_cast<std::uint64_t>(*until);
  const bool prints_events = session.arguments.has("events");
  if (prints_events) {
    options.on_step = [&](const engine::JournalRecord& record,
                          const std::vector<core::Event>& events) {
      std::string out;
      for (const core::Event& event : events) out += event_line(record, event);
      session.out.write(out);
    };
  }
  TRY_ASSIGN(const engine::ReplayReport report, engine::replay(*store, options));
  const int status = report.diverged_at ? kExitFailed : kExitDone;
  if (prints_events) {
    session.say(report_text(report));
    return session.print("", status);
  }
  const JsonObject body{
      {"steps", report.steps},
      {"events", report.events},
      {"effects", report.effects},
      {"diverged_at", report.diverged_at ? Json(*report.diverged_at) : Json(nullptr)}};
  return session.print(render_document("replay", body, choice, [&] { return report_text(report); }),
                       status);
}

}  // namespace reeve::cli
