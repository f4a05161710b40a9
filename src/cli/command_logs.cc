// `reeve logs`.
#include <sys/inotify.h>

#include <algorithm>
#include <deque>
#include <map>

#include <fmt/format.h>

#include "api/line_filter.h"
#include "base/text.h"
#include "cli/archive.h"
#include "cli/log_tail.h"
#include "cli/moment.h"
#include "cli/poll_clock.h"
#include "core/launch.h"

namespace reeve::cli {
namespace {

using supervisor::LogFrame;
using supervisor::LogStream;

struct LogOptions {
  bool follow = false;
  bool failed = false;
  bool timestamps = false;
  bool raw = false;
  Time since = kUnset;
  std::optional<std::int64_t> tail;
  std::optional<std::int64_t> attempt;
  std::optional<LogStream> stream;
  std::optional<api::LineFilter> filter;

  bool cuts_lines() const { return timestamps || tail || filter || since != kUnset; }
  static Checked<LogOptions> from(const Session& session);
};

Checked<LogOptions> LogOptions::from(const Session& session) {
  const Arguments& arguments = session.arguments;
  LogOptions options{.follow = arguments.has("follow"),
                     .failed = arguments.has("failed"),
                     .timestamps = arguments.has("timestamps"),
                     .raw = arguments.has("raw")};
  TRY_ASSIGN(options.since, read_moment(arguments, "since"));
  TRY_ASSIGN(options.tail, arguments.number("tail", 0, 100'000'000));
  TRY_ASSIGN(options.attempt, arguments.number("attempt", 1, 65535));
  const std::string stream = arguments.value_or("stream", "");
  if (stream == "stdout") options.stream = LogStream::standard_output;
  if (stream == "stderr") options.stream = LogStream::standard_error;
  if (const std::string* pattern = arguments.find("grep"); pattern != nullptr) {
    auto filter = api::LineFilter::compile(*pattern);
    if (!filter) return usage(fmt::format("--grep '{}': {}", *pattern, filter.error().message));
    options.filter = *std::move(filter);
  }
  if (options.raw && (options.timestamps || options.filter))
    return usage(
        "logs: --raw passes bytes on as they are; it cannot go with --grep or "
        "--timestamps");
  return options;
}

/// The log of one attempt, on its way to stdout.
struct Source {
  std::unique_ptr<LogFrames> frames;
  LineCutter cutter;
  std::string label;
  std::deque<std::string> kept;  ///< with --tail, until the first read is done
};

class LogPrinter {
 public:
  LogPrinter(const Session& session, const Archive& archive, LogOptions options, std::string task)
      : session_(session),
        archive_(archive),
        options_(std::move(options)),
        task_(std::move(task)),
        is_terminal_(session.surroundings.stdout_is_terminal) {}

  /// Finds the attempts that there are now. not_found: no such task.
  Status choose(const core::Run& run);
  /// Prints what is there, and forgets it.
  void print_all(bool at_end);
  bool is_over() const { return is_over_; }
  std::size_t sources() const { return sources_.size(); }

 private:
  using Key = std::pair<std::uint32_t, std::uint32_t>;
  bool is_wanted(const core::Task& task) const;
  void add_source(const core::Run& run, const Key& key, const std::string& label);
  void read(Source& source, bool is_last);
  void add_line(Source& source, Time at, LogStream stream, std::string_view line);

  const Session& session_;
  const Archive& archive_;
  LogOptions options_;
  std::string task_;
  bool is_terminal_;
  bool has_prefix_ = false;
  bool is_over_ = false;
  std::map<Key, Source> sources_;  // by task and attempt
  std::string out_;
};

bool LogPrinter::is_wanted(const core::Task& task) const {
  if (task.attempt == 0) return false;
  if (!options_.failed) return true;
  return task.state == core::TaskState::failed || task.state == core::TaskState::timed_out;
}

void LogPrinter::add_source(const core::Run& run, const Key& key, const std::string& label) {
  if (sources_.contains(key)) return;
  auto frames = archive_.log({run.record.id, key.first}, run.record.uuid, key.second);
  sources_.emplace(key, Source{std::move(frames), {}, label, {}});
}

Status LogPrinter::choose(const core::Run& run) {
  TaskChoice choice;
  const bool is_whole = task_.empty();
  if (!is_whole) {
    TRY_ASSIGN(choice, find_task(run, task_));
  }
  const bool is_one = !is_whole && choice.index.has_value();
  has_prefix_ = !is_one && run.tasks.size() > 1 && !options_.raw;
  is_over_ = core::is_final(run.record.state) || run.record.interrupted;
  if (is_one) is_over_ = is_over_ || core::is_final(run.tasks[*choice.index].state);
  for (std::uint32_t i = 0; i < run.tasks.size(); ++i) {
    const core::Task& task = run.tasks[i];
    const bool is_chosen = is_whole || (is_one ? i == *choice.index : task.group == choice.group);
    if (!is_chosen || !is_wanted(task)) continue;
    const std::string label = sanitize_for_terminal(core::task_label(run, i));
    add_source(run, {i, static_cast<std::uint32_t>(options_.attempt.value_or(task.attempt))},
               label);
    // Two attempts at once: what each says is told apart.
    const core::TaskExtra* const extra = run.extra(i);
    if (extra == nullptr || options_.attempt) continue;
    const core::Companion& second = extra->hedging.companion;
    if (second.token == Token{}) continue;
    has_prefix_ = !options_.raw;
    add_source(run, {i, second.attempt}, fmt::format("{} (attempt {})", label, second.attempt));
  }
  return {};
}

void LogPrinter::add_line(Source& source, Time at, LogStream stream, std::string_view line) {
  if (options_.stream && stream != *options_.stream && stream != LogStream::notice) return;
  if (options_.since != kUnset && at != kUnset && at < options_.since) return;
  if (options_.filter && !options_.filter->matches(line)) return;
  std::string text;
  if (has_prefix_) text += fmt::format("{} | ", source.label);
  if (options_.timestamps) text += format_time(at) + " ";
  if (stream == LogStream::notice) text += "reeve: ";
  const bool is_safe = stream == LogStream::notice || (is_terminal_ && !options_.raw);
  if (is_safe && line.ends_with('\r')) line.remove_suffix(1);
  text += is_safe ? sanitize_for_terminal(line) : std::string(line);
  text += '\n';
  if (!options_.tail) {
    out_ += text;
    return;
  }
  source.kept.push_back(std::move(text));
  if (source.kept.size() > static_cast<std::size_t>(*options_.tail)) source.kept.pop_front();
}

void LogPrinter::read(Source& source, bool is_last) {
  constexpr std::size_t kChunkBytes = 1 << 20;
  const bool as_bytes = options_.raw || (!has_prefix_ && !options_.cuts_lines() && !is_terminal_);
  const auto visit = [&](Time at, LogStream stream, std::string_view line) {
    add_line(source, at, stream, line);
  };
  source.frames->read([&](const LogFrame& frame) {
    if (!as_bytes) {
      source.cutter.add(frame, visit);
    } else if (frame.stream == LogStream::notice) {
      session_.say(std::string(frame.bytes));
    } else if (!options_.stream || frame.stream == *options_.stream) {
      out_ += frame.bytes;
    }
    if (out_.size() >= kChunkBytes) session_.out.write(std::exchange(out_, {}));
  });
  if (is_last) source.cutter.finish(visit);
  for (const std::string& line : source.kept) out_ += line;
  source.kept.clear();
}

void LogPrinter::print_all(bool at_end) {
  for (auto& [key, source] : sources_) read(source, at_end);
  session_.out.write(std::exchange(out_, {}));
  options_.tail.reset();  // it is about what was there: what comes later is printed as it comes
}

/// Until the run, or the one task, is over.
Ended follow(Archive& archive, RunId run, LogPrinter& printer) {
  TRY_ASSIGN(Signals signals, Signals::open());
  PollClock clock(signals);
  std::optional<std::uint64_t> version;
  bool had_engine = true;
  while (true) {
    clock.look_begins();
    TRY_ASSIGN(const std::uint64_t now, archive.history->version());
    const bool has_engine = archive.engine().has_value();
    if (!version || *version != now || had_engine != has_engine) {
      TRY_ASSIGN(const LoadedRun loaded, archive.load(run));
      TRY(printer.choose(loaded.run()));
    }
    version = now;
    had_engine = has_engine;
    const bool is_over = printer.is_over();
    printer.print_all(is_over);
    clock.look_ends();
    if (is_over) return kExitDone;
    const SignalsTaken taken = clock.wait();
    if (taken.interrupts > 0) return kExitInterrupted;
    if (taken.terminations > 0 || taken.hung_up) return kExitTerminated;
  }
}

}  // namespace

Ended command_logs(const Session& session) {
  TRY_ASSIGN(LogOptions options, LogOptions::from(session));
  TRY_ASSIGN(Archive archive, Archive::open(session));
  TRY_ASSIGN(const Target target, find_target(archive, session.arguments.words.front()));
  const bool follows = options.follow;
  LogPrinter printer(session, archive, std::move(options), target.task);
  if (follows) return follow(archive, target.run, printer);
  {
    TRY_ASSIGN(const LoadedRun loaded, archive.load(target.run));
    TRY(printer.choose(loaded.run()));
  }
  printer.print_all(true);
  return session.print("");
}

}  // namespace reeve::cli
