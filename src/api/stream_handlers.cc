#include <algorithm>

#include <fmt/format.h>

#include "api/access_json.h"
#include "api/change_event.h"
#include "api/handlers.h"
#include "api/loaded_run.h"
#include "api/service_parts.h"

namespace reeve::api {
namespace {

constexpr std::size_t kLogChunk = 64 * 1024;
constexpr std::size_t kUnsentLogMax = 512 * 1024;
constexpr std::chrono::milliseconds kLogPause{200};
constexpr int kStreamsRetry = 5;  ///< seconds

http::Response stream_head() {
  return {.status = 200,
          .headers = {{"Content-Type", "text/event-stream"},
                      {"Cache-Control", "no-store"},
                      {"X-Accel-Buffering", "no"}},
          .body = ": reeve\n\n"};
}

Checked<Following> read_following(ServiceParts& parts, const Call& call) {
  Following following{.name_spaces = {},
                      .run = std::nullopt,
                      .run_has_ended = false,
                      .begun = {},
                      .after = std::nullopt,
                      .may_go_on = parts.still_allowed(call),
                      .is_in_time = nullptr};
  if (const Time until = call.identity.until; until != kNever)
    following.is_in_time = [&parts, until] { return parts.options.now() < until; };
  if (!call.identity.has_all_namespaces()) following.name_spaces = call.identity.namespaces;
  const std::string* const last = call.request.header("last-event-id");
  if (last == nullptr || last->empty()) return following;
  following.after = parse_event_id(*last);
  if (following.after) return following;
  return tl::unexpected(Problem(400, "invalid-argument", "Invalid argument",
                                "Last-Event-ID must be the id of an event of this stream"));
}

/// The log of an attempt as a stream: one look after the other, by the readers.
struct LogStreaming {
  /// Counted while it is open.
  explicit LogStreaming(std::atomic<std::size_t>& among) : count(among) {}
  ~LogStreaming() {
    if (is_counted) --count;
  }
  LogStreaming(const LogStreaming&) = delete;
  LogStreaming& operator=(const LogStreaming&) = delete;

  std::atomic<std::size_t>& count;
  bool is_counted = false;
  CallPtr call;
  http::Stream stream;
  LogName name;
  RunId run;
  std::function<bool()> may_go_on;  ///< asked at each look; may be null
  std::int64_t position = 0;
  Duration silence{0};
  bool is_over = false;  ///< the attempt had ended before the last look
};
using LogStreamingPtr = std::shared_ptr<LogStreaming>;  // shared: by the jobs, one at a time

/// `number`: of the piece, among those of one look at the log.
std::string log_frame(const LogStreaming& log, const LogPiece& piece, std::size_t number) {
  constexpr auto kChannels = std::to_array<std::string_view>({"stdout", "stderr", "notice"});
  const std::string run = format_uuid("run", log.name.run);
  const JsonObject event{
      {"specversion", "1.0"},
      {"id", fmt::format("{}-{}-{}-{}", log.name.task, log.name.attempt, log.position, number)},
      {"source", "/v1/runs/" + run},
      {"type", "dev.reeve.task.log"},
      {"time", time_json(piece.at)},
      {"datacontenttype", "application/json"},
      {"data",
       {{"run", run},
        {"index", log.name.task},
        {"attempt", log.name.attempt},
        {"stream", kChannels[static_cast<std::size_t>(piece.channel)]},
        {"text", text_json(std::string(piece.bytes))}}}};
  return fmt::format("event: dev.reeve.task.log\ndata: {}\n\n", to_json_text(event, false));
}

/// Of a task that waits, the first attempt is followed once it begins. True: none will.
Result<bool> wait_for_attempt(engine::History& history, LogStreaming& log) {
  TRY_ASSIGN(const auto tasks,
             history.list_tasks(log.run, {.states = {}, .from = log.name.task, .limit = 1}));
  if (tasks.empty() || tasks.front().id.index != log.name.task) return false;
  if (tasks.front().task.attempt > 0) log.name.attempt = 1;
  return log.name.attempt == 0 && core::is_final(tasks.front().task.state);
}

/// Whether the attempt can still write.
Result<bool> has_attempt_ended(engine::History& history, LogStreaming& log) {
  if (log.name.attempt == 0) return wait_for_attempt(history, log);
  TRY_ASSIGN(const auto records, history.list_attempts({log.run, log.name.task}));
  return std::ranges::find(records, log.name.attempt, &core::AttemptRecord::number) !=
         records.end();
}

/// "POSITION-ATTEMPT", as frames have it. True: that is the end of a log that grows no more, and
/// who follows it may stop (204 tells an EventSource so).
Checked<bool> go_on_from(ServiceParts& parts, engine::History& history, const std::string& last,
                         LogStreaming& log) {
  const Problem bad(400, "invalid-argument", "Invalid argument",
                    "Last-Event-ID must be the id of an event of this stream");
  const auto id = parse_event_id(last);
  if (!id || id->index > log.name.attempt || id->step > INT64_MAX) return tl::unexpected(bad);
  // An attempt that another one has followed meanwhile is told to its end.
  log.name.attempt = id->index;
  log.position = static_cast<std::int64_t>(id->step);
  TRY_ASSIGN(const bool has_ended, has_attempt_ended(history, log));
  const auto next =
      parts.options.logs->read(log.name, log.position, kLogChunk, [](const LogPiece&) {});
  if (!next) return tl::unexpected(bad);
  return has_ended && *next == log.position;
}

void stream_log(ServiceParts& parts, const LogStreamingPtr& log);

Checked<void> look_at_log(ServiceParts& parts, engine::History& history, LogStreaming& log) {
  if (log.may_go_on && !log.may_go_on())
    return tl::unexpected(Problem(401, "unauthenticated", "Unauthenticated", "it has ended"));
  TRY(ServiceParts::check_attempt(history, log.call->identity));
  TRY_ASSIGN(const bool has_ended, has_attempt_ended(history, log));
  std::string frames;
  std::size_t pieces = 0;
  TRY_ASSIGN(
      const std::int64_t next,
      parts.options.logs->read(log.name, log.position, kLogChunk, [&](const LogPiece& piece) {
        frames += log_frame(log, piece, pieces++);
      }));
  const bool is_new = next != log.position;
  log.position = next;
  // The id says where to go on, and so comes with the last of them.
  if (is_new)
    frames += fmt::format("id: {}-{}\nevent: dev.reeve.stream.position\ndata: {{}}\n\n", next,
                          log.name.attempt);
  log.silence = is_new ? Duration{0} : log.silence + kLogPause;
  if (log.silence >= parts.options.settings()->duration(config::Setting::server_heartbeat)) {
    log.silence = Duration{0};
    frames += ": heartbeat\n\n";
  }
  log.stream.write(std::move(frames));
  log.is_over = has_ended && !is_new;
  return {};
}

void stream_log(ServiceParts& parts, const LogStreamingPtr& log) {
  if (!log->stream.is_open()) return;
  const auto again = [&parts, log] {
    parts.server->after(kLogPause, [&parts, log] { stream_log(parts, log); });
  };
  if (log->stream.unsent() > kUnsentLogMax) return again();
  const bool is_taken = parts.readers->read([&parts, log, again](engine::History& history) {
    const std::int64_t before = log->position;
    const auto done = look_at_log(parts, history, *log);
    if (!done && done.error().status == 401) log->stream.write(closed_frame());
    if (!done || log->is_over) return log->stream.end();
    // More is there already: no pause.
    if (log->position != before) return parts.post([&parts, log] { stream_log(parts, log); });
    again();
  });
  if (!is_taken) again();
}

}  // namespace

bool ServiceParts::may_stream(const CallPtr& call) {
  const auto most =
      static_cast<std::size_t>(options.settings()->integer(config::Setting::server_streams_max));
  if (events.followers() + log_streams < most) return true;
  Problem full(429, "too-many-streams", "Too many streams",
               fmt::format("there are {} live streams already (server.streams_max)", most));
  full.retry_after = kStreamsRetry;
  call->refuse(full);
  return false;
}

std::function<bool()> ServiceParts::still_allowed(const Call& call) const {
  if (const std::string cookie = session_cookie(call.request);
      call.request.header("authorization") == nullptr && !cookie.empty())
    return
        [this, cookie] { return options.credentials->session(cookie, options.now()).has_value(); };
  const std::string* const header = call.request.header("authorization");
  if (header == nullptr) return nullptr;
  const std::string text = header->substr(std::min<std::size_t>(header->size(), 7));
  return
      [this, text] { return options.credentials->authenticate(text, options.now()).has_value(); };
}

void stream_events(ServiceParts& parts, CallPtr call) {
  if (call->identity.run) {
    const Problem other(403, "permission-denied", "Permission denied",
                        "the token of an attempt may follow its own run only");
    parts.note_refusal(*call, other);
    return call->refuse(other);
  }
  auto following = read_following(parts, *call);
  if (!following) return call->refuse(following.error());
  if (!parts.may_stream(call)) return;
  parts.events.follow(call->stream(stream_head()), *std::move(following));
}

void stream_run_events(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History& history) -> Checked<void> {
    // Before the run is read: if that has not ended, its end comes behind this.
    const EventId newest = parts.events.newest();
    TRY_ASSIGN(const FoundRun found, parts.find_run(history, *call));
    TRY_ASSIGN(Following following, read_following(parts, *call));
    following.run = found.record.uuid;
    const security::Identity& who = call->identity;
    if (who.kind == security::IdentityKind::attempt)
      following.attempt = AttemptOfRun{.index = who.task, .number = who.attempt};
    following.run_has_ended = core::is_final(found.record.state);
    following.begun = newest;
    if (!following.after)
      following.after = parts.events.before_all_since(found.record.submitted_at);
    parts.post([&parts, call, following = std::move(following)]() mutable {
      if (!parts.may_stream(call)) return;
      parts.events.follow(call->stream(stream_head()), std::move(following));
    });
    return {};
  });
}

void stream_task_log(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History& history) -> Checked<void> {
    TRY_ASSIGN(const FoundRun found, parts.find_run(history, *call));
    TRY_ASSIGN(const LoadedRun loaded, load_run(history, found.id, false, parts.options.now()));
    TRY_ASSIGN(const std::uint32_t index, find_one_task(loaded.run(), call->path_value("task")));
    // shared: see LogStreamingPtr
    const auto log = std::make_shared<LogStreaming>(parts.log_streams);
    log->call = call;
    log->may_go_on = parts.still_allowed(*call);
    log->run = found.id;
    log->name = {found.record.uuid, index, loaded.run().tasks[index].attempt};
    if (const std::string* last = call->request.header("last-event-id");
        last != nullptr && !last->empty()) {
      TRY_ASSIGN(const bool is_at_end, go_on_from(parts, history, *last, *log));
      if (is_at_end) {
        call->reply_nothing();
        return {};
      }
    }
    parts.post([&parts, call, log] {
      if (!parts.may_stream(call)) return;
      log->is_counted = true;
      ++log->count;
      log->stream = call->stream(stream_head());
      stream_log(parts, log);
    });
    return {};
  });
}

}  // namespace reeve::api
