// What commands of ours look at a service with: the rows of runs, as stored_wire.h describes them.
#include <algorithm>
#include <charconv>
#include <limits>

#include <fmt/format.h>

#include "api/handlers.h"
#include "api/run_filter.h"
#include "api/service_parts.h"
#include "api/stored_wire.h"

namespace reeve::api {
namespace {

constexpr std::size_t kLogPageBytes = std::size_t{1} << 20;
constexpr std::int64_t kAttemptsPerPageMax = 10'000;

void reply_bytes(const Call& call, std::string bytes, std::vector<http::Header> headers = {}) {
  headers.push_back({"Content-Type", std::string(kWireType)});
  call.reply({.status = 200, .headers = std::move(headers), .body = std::move(bytes)});
}

Checked<std::uint32_t> number_of(const Call& call, std::string_view name) {
  const std::int64_t value = call.number(name).value_or(0);
  if (value >= 0 && value <= std::numeric_limits<std::uint32_t>::max())
    return static_cast<std::uint32_t>(value);
  return tl::unexpected(Problem(400, "invalid-argument", "Invalid argument",
                                fmt::format("the parameter '{}' is too large", name)));
}

}  // namespace

void list_stored_runs(ServiceParts& parts, CallPtr call) {
  auto filter = run_filter(parts, *call);
  if (!filter) return call->refuse(filter.error());
  parts.read(call, [call, filter = *std::move(filter)](engine::History& history) -> Checked<void> {
    TRY_ASSIGN(const RunPage page, run_page(history, filter));
    std::vector<std::vector<core::Expansion>> expansions;
    for (const engine::RunView& view : page.views) {
      TRY_ASSIGN(auto each, history.list_expansions(view.record.id));
      expansions.push_back(std::move(each));
    }
    std::vector<http::Header> headers;
    if (page.next) headers.push_back({"Reeve-Next-Cursor", cursor_text(*page.next)});
    reply_bytes(*call, encode_runs(page.views, expansions), std::move(headers));
    return {};
  });
}

void get_stored_run(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History& history) -> Checked<void> {
    TRY_ASSIGN(const FoundRun found, parts.find_run(history, *call));
    const std::string etag = parts.etag_of(found.version);
    const std::string* const known = call->request.header("if-none-match");
    if (known != nullptr && *known == etag) {
      call->reply({.status = 304, .headers = {{"ETag", etag}}, .body = {}});
      return {};
    }
    engine::TaskFilter all;
    all.limit = std::numeric_limits<std::uint32_t>::max();
    TRY_ASSIGN(const engine::RunView view, history.get_run(found.id));
    TRY_ASSIGN(const auto expansions, history.list_expansions(found.id));
    TRY_ASSIGN(const auto tasks, history.list_tasks(found.id, all));
    reply_bytes(*call, encode_whole(view, expansions, tasks), {{"ETag", etag}});
    return {};
  });
}

void list_stored_attempts(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History& history) -> Checked<void> {
    TRY_ASSIGN(const FoundRun found, parts.find_run(history, *call));
    std::vector<core::AttemptRecord> attempts;
    if (call->number("task")) {
      TRY_ASSIGN(const std::uint32_t task, number_of(*call, "task"));
      TRY_ASSIGN(attempts, history.list_attempts({found.id, task}));
    } else {
      const std::int64_t limit =
          std::clamp<std::int64_t>(call->number("limit").value_or(1000), 1, kAttemptsPerPageMax);
      const auto offset = static_cast<std::uint64_t>(call->number("cursor").value_or(0));
      TRY_ASSIGN(attempts,
                 history.list_run_attempts(found.id, offset, static_cast<std::uint32_t>(limit)));
    }
    std::vector<WiredAttempt> wired;
    for (core::AttemptRecord& each : attempts) {
      const LogName log{found.record.uuid, each.task.index, each.number};
      wired.push_back({std::move(each), parts.options.logs->path(log)});
    }
    reply_bytes(*call, encode_attempts(wired));
    return {};
  });
}

void get_stored_log(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History& history) -> Checked<void> {
    TRY_ASSIGN(const FoundRun found, parts.find_run(history, *call));
    TRY_ASSIGN(const std::uint32_t task, number_of(*call, "task"));
    TRY_ASSIGN(const std::uint32_t attempt, number_of(*call, "attempt"));
    WiredLog log;
    TRY_ASSIGN(log.position,
               parts.options.logs->read(
                   {found.record.uuid, task, attempt}, call->number("from").value_or(0),
                   kLogPageBytes, [&log](const LogPiece& piece) {
                     log.pieces.push_back({piece.at, piece.channel, std::string(piece.bytes)});
                   }));
    reply_bytes(*call, encode_log(log));
    return {};
  });
}

}  // namespace reeve::api
