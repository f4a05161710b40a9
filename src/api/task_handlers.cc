#include <algorithm>
#include <array>
#include <deque>

#include <fmt/format.h>

#include "api/field_table.h"
#include "api/handlers.h"
#include "api/line_filter.h"
#include "api/loaded_run.h"
#include "api/run_json.h"
#include "api/service_parts.h"
#include "base/text.h"

namespace reeve::api {
namespace {

constexpr std::int64_t kTasksPerPageMax = 10'000;
constexpr std::int64_t kLogBytesMax = std::int64_t{8} << 20;
constexpr std::int64_t kLogBytesUsual = std::int64_t{1} << 20;
constexpr std::int64_t kTailLinesMax = 100'000;
constexpr std::size_t kLogLineMax = 64 * 1024;
constexpr std::size_t kPatternMax = 256;

struct FoundTask {
  FoundRun run;
  LoadedRun loaded;
  std::uint32_t index = 0;

  const core::Task& task() const { return loaded.run().tasks[index]; }
};

Checked<FoundTask> find_named_task(ServiceParts& parts, engine::History& history,
                                   const Call& call) {
  TRY_ASSIGN(FoundRun run, parts.find_run(history, call));
  TRY_ASSIGN(LoadedRun loaded, load_run(history, run.id, false, parts.options.now()));
  TRY_ASSIGN(const std::uint32_t index, find_one_task(loaded.run(), call.path_value("task")));
  return FoundTask{std::move(run), std::move(loaded), index};
}

Checked<std::uint32_t> attempt_number(const Call& call, const core::Task& task) {
  const auto named = std::ranges::find(call.path, "attempt", &PathValue::name);
  if (named == call.path.end()) return task.attempt;
  std::uint32_t number = 0;
  const std::string& text = named->value;
  for (const char c : text) {
    if (c < '0' || c > '9' || number > 100'000) {
      number = 0;
      break;
    }
    number = number * 10 + static_cast<std::uint32_t>(c - '0');
  }
  if (number >= 1 && number <= task.attempt) return number;
  return tl::unexpected(Problem(404, "not-found", "Not found",
                                fmt::format("there is no attempt {} of this task; it has {}",
                                            sanitize_for_terminal(text), task.attempt)));
}

/// How a log is asked for.
struct LogWish {
  std::int64_t from = 0;
  std::int64_t bytes = kLogBytesUsual;
  std::optional<std::int64_t> tail;
  std::optional<LogChannel> channel;
  std::optional<LineFilter> filter;
  bool as_json = false;
};

Checked<LogWish> read_wish(const Call& call) {
  LogWish wish;
  const auto refuse = [](std::string detail) {
    return tl::unexpected(Problem(400, "invalid-argument", "Invalid argument", std::move(detail)));
  };
  wish.from = call.number("from").value_or(0);
  wish.bytes = call.number("limit").value_or(kLogBytesUsual);
  if (wish.bytes < 1 || wish.bytes > kLogBytesMax)
    return refuse(fmt::format("the parameter 'limit' must be from 1 to {}", kLogBytesMax));
  wish.tail = call.number("tail");
  if (wish.tail && *wish.tail > kTailLinesMax)
    return refuse(fmt::format("the parameter 'tail' must be at most {}", kTailLinesMax));
  const std::string stream = call.text("stream");
  if (stream == "stdout") wish.channel = LogChannel::output;
  if (stream == "stderr") wish.channel = LogChannel::errors;
  const std::string* const accept = call.request.header("accept");
  wish.as_json = accept != nullptr && accept->find("application/json") != std::string::npos;
  if (const std::string* pattern = call.parameter("grep"); pattern != nullptr) {
    // References back make matching take time that grows without bound.
    const bool is_hard =
        pattern->size() > kPatternMax || std::ranges::adjacent_find(*pattern, [](char a, char b) {
                                           return a == '\\' && b >= '1' && b <= '9';
                                         }) != pattern->end();
    if (is_hard)
      return refuse(fmt::format("the parameter 'grep' may have {} bytes, and no \\1", kPatternMax));
    auto filter = LineFilter::compile(*pattern);
    if (!filter) return refuse("the parameter 'grep': " + filter.error().message);
    wish.filter = *std::move(filter);
  }
  return wish;
}

std::string_view name_of(LogChannel channel) {
  constexpr auto kNames = std::to_array<std::string_view>({"stdout", "stderr", "notice"});
  return kNames[static_cast<std::size_t>(channel)];
}

/// Cuts pieces into lines, and keeps what is wanted of them.
class LogLines {
 public:
  explicit LogLines(const LogWish& wish) : wish_(wish) {}

  void add(const LogPiece& piece) {
    if (piece.channel == LogChannel::notice)
      return keep(piece.at, piece.channel, piece.bytes, false);
    Pending& pending = pending_[static_cast<std::size_t>(piece.channel)];
    std::string_view rest = piece.bytes;
    while (!rest.empty()) {
      const std::size_t end = rest.find('\n');
      if (pending.text.empty()) pending.at = piece.at;
      pending.text += rest.substr(0, end);
      if (end == std::string_view::npos && pending.text.size() < kLogLineMax) return;
      keep(pending.at, piece.channel, pending.text, end == std::string_view::npos);
      pending.text.clear();
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
  }
  boost::json::array take() {
    for (const LogChannel channel : {LogChannel::output, LogChannel::errors}) {
      Pending& pending = pending_[static_cast<std::size_t>(channel)];
      if (!pending.text.empty()) keep(pending.at, channel, pending.text, true);
    }
    boost::json::array out;
    for (JsonObject& line : lines_) out.emplace_back(std::move(line));
    return out;
  }
  std::string text() {
    std::string out;
    for (const Json& line : take()) out.append(line.at("text").as_string()).append("\n");
    return out;
  }

 private:
  struct Pending {
    std::string text;
    Time at;
  };
  void keep(Time at, LogChannel channel, std::string_view line, bool is_partial) {
    if (wish_.channel && channel != *wish_.channel) return;
    if (wish_.filter && !wish_.filter->matches(line)) return;
    lines_.push_back({{"at", time_json(at)},
                      {"stream", name_of(channel)},
                      {"text", text_json(std::string(line))},
                      {"partial", is_partial}});
    if (wish_.tail && lines_.size() > static_cast<std::size_t>(*wish_.tail)) lines_.pop_front();
  }
  const LogWish& wish_;
  Pending pending_[2];
  std::deque<JsonObject> lines_;
};

/// The whole of it for a tail, else a page.
Checked<void> show_log(ServiceParts& parts, const Call& call, const LogName& name,
                       const LogWish& wish) {
  LogLines lines(wish);
  std::string raw;
  const bool as_lines = wish.as_json || wish.tail || wish.filter;
  const auto visit = [&](const LogPiece& piece) {
    if (as_lines) return lines.add(piece);
    if (piece.channel == LogChannel::notice || (wish.channel && piece.channel != *wish.channel))
      return;
    raw += piece.bytes;
  };
  std::int64_t position = wish.from;
  while (true) {
    TRY_ASSIGN(
        const std::int64_t next,
        parts.options.logs->read(name, position, static_cast<std::size_t>(wish.bytes), visit));
    const bool is_over = next == position || !wish.tail;
    position = next;
    if (is_over) break;
  }
  if (wish.as_json) {
    call.reply(200, {{"version", kOutputVersion}, {"lines", lines.take()}, {"position", position}});
    return {};
  }
  call.reply({.status = 200,
              .headers = {{"Content-Type", "text/plain; charset=utf-8"},
                          {"X-Content-Type-Options", "nosniff"},
                          {"Reeve-Log-Position", std::to_string(position)}},
              .body = as_lines ? lines.text() : std::move(raw)});
  return {};
}

}  // namespace

void list_tasks(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History& history) -> Checked<void> {
    const std::int64_t limit = call->number("limit").value_or(1000);
    if (limit < 1 || limit > kTasksPerPageMax)
      return tl::unexpected(
          Problem(400, "invalid-argument", "Invalid argument",
                  fmt::format("the parameter 'limit' must be from 1 to {}", kTasksPerPageMax)));
    TRY_ASSIGN(const FoundRun found, parts.find_run(history, *call));
    TRY_ASSIGN(const LoadedRun loaded, load_run(history, found.id, false, parts.options.now()));
    const core::Run& run = loaded.run();
    std::optional<GroupIndex> group;
    if (const std::string* name = call->parameter("group"); name != nullptr) {
      TRY_ASSIGN(const TaskChoice choice, find_task(run, *name));
      group = choice.group;
    }
    std::vector<std::string> states;
    for (const auto& [name, value] : call->query)
      if (name == "state") states.push_back(value);
    boost::json::array tasks;
    Json next = nullptr;
    const auto first = static_cast<std::size_t>(call->number("cursor").value_or(0));
    for (std::size_t i = first; i < run.tasks.size(); ++i) {
      const core::Task& task = run.tasks[i];
      if (group && task.group != *group) continue;
      if (!states.empty() && std::ranges::find(states, core::name(task.state)) == states.end())
        continue;
      if (tasks.size() == static_cast<std::size_t>(limit)) {
        next = std::to_string(i);
        break;
      }
      tasks.emplace_back(task_json(run, static_cast<std::uint32_t>(i)));
    }
    call->reply(200, {{"version", kOutputVersion},
                      {"tasks", std::move(tasks)},
                      {"next_cursor", std::move(next)}});
    return {};
  });
}

void get_task(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History& history) -> Checked<void> {
    TRY_ASSIGN(const FoundTask found, find_named_task(parts, history, *call));
    TRY_ASSIGN(const auto records, history.list_attempts({found.run.id, found.index}));
    boost::json::array attempts;
    for (const core::AttemptRecord& each : records)
      attempts.emplace_back(attempt_json(
          each, parts.options.logs->path({found.run.record.uuid, found.index, each.number})));
    const JsonObject body{{"task", task_json(found.loaded.run(), found.index)},
                          {"attempts", std::move(attempts)}};
    call->reply(200, {{"version", kOutputVersion}, {"task", body}});
    return {};
  });
}

void get_attempt(ServiceParts& parts, CallPtr call) {
  parts.read(call, [&parts, call](engine::History& history) -> Checked<void> {
    TRY_ASSIGN(const FoundTask found, find_named_task(parts, history, *call));
    TRY_ASSIGN(const std::uint32_t number, attempt_number(*call, found.task()));
    TRY_ASSIGN(const auto records, history.list_attempts({found.run.id, found.index}));
    const auto record = std::ranges::find(records, number, &core::AttemptRecord::number);
    if (record == records.end())
      return tl::unexpected(Problem(404, "not-found", "Not found",
                                    "this attempt has not ended: the task says how it is"));
    call->reply(
        200, {{"version", kOutputVersion},
              {"attempt", attempt_json(*record, parts.options.logs->path({found.run.record.uuid,
                                                                          found.index, number}))}});
    return {};
  });
}

void get_log(ServiceParts& parts, CallPtr call) {
  auto wish = read_wish(*call);
  if (!wish) return call->refuse(wish.error());
  // shared: a compiled pattern cannot be copied
  const auto kept = std::make_shared<const LogWish>(*std::move(wish));
  parts.read(call, [&parts, call, kept](engine::History& history) -> Checked<void> {
    TRY_ASSIGN(const FoundTask found, find_named_task(parts, history, *call));
    TRY_ASSIGN(const std::uint32_t number, attempt_number(*call, found.task()));
    return show_log(parts, *call, {found.run.record.uuid, found.index, number}, *kept);
  });
}

}  // namespace reeve::api
