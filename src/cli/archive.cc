#include "cli/archive.h"

#include <fmt/format.h>

#include "cli/engine_access.h"
#include "cli/service_history.h"
#include "cli/service_link.h"
#include "cli/service_log.h"
#include "cli/system_clock.h"
#include "store/sqlite/sqlite_history.h"
#include "supervisor/paths.h"

namespace reeve::cli {
namespace {

/// What the service is to be asked for, in its own words.
struct Act {
  std::string path;
  JsonObject body;
};

Result<Act> act_of(std::string_view method, const JsonObject& params) {
  const Json* const run = params.if_contains("run");
  if (run == nullptr)
    return fail(ErrorCode::unsupported, fmt::format("a service does not understand '{}'", method));
  Act act{fmt::format("{}/{}", run_target(RunId{run->to_number<std::uint32_t>()}), method), {}};
  const auto seconds = [&](std::string_view from, std::string_view to) {
    if (const Json* value = params.if_contains(from); value != nullptr)
      act.body[to] = seconds_json(Duration{value->to_number<std::int64_t>()});
  };
  if (const std::string label = text_of(params, "label"); !label.empty())
    act.body[method == "retry" ? "from" : "task"] = label;
  if (method == "cancel") {
    act.body["kill"] = params.at("kill");
    if (const std::string why = text_of(params, "why"); !why.empty()) act.body["reason"] = why;
    seconds("grace_microseconds", "grace_seconds");
  }
  if (method == "approve") act.body["approved"] = params.at("approved");
  if (method == "retry") seconds("hold_microseconds", "hold_seconds");
  return act;
}

}  // namespace

Archive::Archive() = default;
Archive::Archive(Archive&&) noexcept = default;
Archive& Archive::operator=(Archive&&) noexcept = default;
Archive::~Archive() = default;

Result<Archive> Archive::open(StateLayout layout) {
  auto history = store::sqlite::SqliteHistory::open(layout.database());
  if (!history && history.error().code == ErrorCode::not_found)
    return fail(ErrorCode::not_found, "nothing has been run yet in " + layout.root);
  if (!history) return tl::unexpected(std::move(history).error());
  Archive archive;
  archive.layout = std::move(layout);
  archive.history = *std::move(history);
  return archive;
}

Checked<Archive> Archive::open(const Session& session) {
  Archive archive;
  TRY_ASSIGN(archive.service, ServiceLink::choose(session));
  if (archive.service != nullptr) {
    archive.history = std::make_unique<ServiceHistory>(*archive.service);
    return archive;
  }
  TRY_ASSIGN(StateLayout layout, session.find_state());
  TRY_ASSIGN(archive, open(std::move(layout)));
  return archive;
}

std::optional<LockHolder> Archive::engine() const {
  if (service != nullptr) return LockHolder{};
  return EngineLock::holder(layout);
}

Result<LoadedRun> Archive::load(RunId id) {
  return api::load_run(*history, id, !engine(), wall_now());
}

std::string Archive::log_path(TaskId task, const Uuid& run, std::uint32_t attempt) const {
  if (service == nullptr) return supervisor::log_path(layout.root, {run, task.index, attempt});
  // That is what open() made.
  return static_cast<const ServiceHistory&>(*history).log_path(task, attempt);
}

std::unique_ptr<LogFrames> Archive::log(TaskId task, const Uuid& run, std::uint32_t attempt) const {
  if (service != nullptr) return std::make_unique<ServiceLog>(*service, task, attempt);
  return std::make_unique<LogTail>(log_path(task, run, attempt));
}

Result<std::optional<JsonObject>> Archive::ask(std::string_view method, JsonObject params) const {
  if (service == nullptr) {
    params.erase("label");
    return ask_engine(layout, method, params);
  }
  TRY_ASSIGN(const Act act, act_of(method, params));
  TRY_ASSIGN(JsonObject reply, service->post(act.path, act.body));
  return reply;
}

Result<Target> find_target(Archive& archive, const std::string& text) {
  const std::size_t slash = text.find('/');
  TRY_ASSIGN(const RunId run, archive.history->find_run(text.substr(0, slash)));
  return Target{run, slash == std::string::npos ? "" : text.substr(slash + 1)};
}

}  // namespace reeve::cli
