#include "cli/run_session.h"

#include <errno.h>
#include <poll.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/system_clock.h"

namespace reeve::cli {
namespace {

using core::TaskState;

constexpr int kFrameMilliseconds = 100;
constexpr std::size_t kQuotedTasksMax = 10;
constexpr std::size_t kQuotedLines = 20;
constexpr std::size_t kQuotedLineBytes = 400;

TaskOutput::Options output_options(const Session& session, const RunSessionOptions& options) {
  TaskOutput::Options out;
  out.form =
      options.is_single && !options.log_prefix ? TaskOutput::Form::bytes : TaskOutput::Form::lines;
  out.prefix = options.log_prefix || !options.is_single;
  const bool has_lines = out.form == TaskOutput::Form::lines;
  out.out_is_safe = has_lines && session.surroundings.stdout_is_terminal;
  out.err_is_safe = has_lines && session.surroundings.stderr_is_terminal;
  return out;
}

}  // namespace

RunSession::RunSession(const Session& session, EngineHost& host, RunFollower& follower,
                       Signals& signals, const StateLayout& layout, RunSessionOptions options)
    : session_(session),
      host_(host),
      follower_(follower),
      signals_(signals),
      layout_(layout),
      options_(options),
      view_(session.err),
      output_(layout.root, output_options(session, options)) {
  if (options_.is_single) options_.logs = ShownLogs::all;
  if (options_.logs == ShownLogs::all) follower_.note_every_task();
}

void RunSession::follow(const Uuid& run) {
  follower_.follow(run);
  if (options_.logs == ShownLogs::all) output_.watch_run(run);
}

/// Until something is to be done. False: a frame is due.
bool RunSession::wait() {
  std::array<pollfd, 4> waits{{{signals_.descriptor(), POLLIN, 0},
                               {follower_.descriptor(), POLLIN, 0},
                               {host_.ended_descriptor(), POLLIN, 0},
                               {output_.descriptor(), POLLIN, 0}}};
  const bool draws = options_.is_live && !is_headless_;
  const int timeout = output_.has_more() ? 0 : draws ? kFrameMilliseconds : -1;
  const int found = ::poll(waits.data(), waits.size(), timeout);
  engine_ended_ = found > 0 && waits[2].revents != 0;
  if (found > 0 && waits[3].revents != 0) output_.drain_watch();
  return found != 0;
}

void RunSession::obey_signals() {
  const SignalsTaken taken = signals_.take();
  if (taken.hung_up && !is_headless_) is_headless_ = true;
  for (int i = 0; i < taken.interrupts; ++i) escalate();
  if (taken.terminations > 0) {
    by_termination_ = true;
    escalate();
  }
}

void RunSession::escalate() {
  switch (stop_) {
    case Stop::not_asked:
      stop_ = Stop::asked;
      if (!options_.is_single || session_.surroundings.stderr_is_terminal)
        print(
            {Line("reeve: cancelling: tasks get SIGTERM, and SIGKILL after their grace; "
                  "Ctrl-C again kills them at once",
                  Tone::waiting)});
      break;
    case Stop::asked:
      stop_ = Stop::killed;
      print({Line("reeve: killing; Ctrl-C again leaves without waiting", Tone::waiting)});
      break;
    case Stop::killed:
    case Stop::abandoned: stop_ = Stop::abandoned; break;
  }
}

/// Tells the engine once per order and run; runs that it does not know yet are told later.
void RunSession::cancel_runs() {
  if (stop_ == ordered_ || stop_ == Stop::abandoned || uuids_.empty()) return;
  for (const auto& [run, uuid] : uuids_) {
    core::Cancel cancel{.run = run, .kill = stop_ == Stop::killed, .by = user_name()};
    cancel.why = by_termination_ ? "SIGTERM" : "Ctrl-C";
    if (!host_.engine().post(cancel)) return;  // the inbox is full: the next round tries again
  }
  ordered_ = stop_;
}

Uuid RunSession::uuid_of(RunId run) const {
  const auto found = uuids_.find(run);
  return found == uuids_.end() ? Uuid{} : found->second;
}

void RunSession::print(const std::vector<Line>& lines) {
  if (is_headless_ || lines.empty()) return;
  std::string text;
  for (const Line& line : lines) text += to_text(line, session_.err.colour()) + "\n";
  if (options_.is_live) {
    view_.print_above(text);
  } else {
    session_.err.write(text);
  }
}

void RunSession::pass_on(const TaskOutput::Text& text) {
  if (text.empty() || is_headless_) return;
  if (options_.is_live) {
    // The view is on stderr; when stdout is the same terminal its lines go above the view.
    if (session_.surroundings.stdout_is_terminal) {
      view_.print_above(text.out + text.err);
      return;
    }
    if (!text.err.empty()) view_.print_above(sanitize_for_terminal(text.err, LineBreaks::keep));
  } else {
    session_.err.write(text.err);
  }
  session_.out.write(text.out);
}

void RunSession::quote_output(const Happening& happening) {
  const bool is_bad =
      happening.state == TaskState::failed || happening.state == TaskState::timed_out;
  if (options_.logs != ShownLogs::failed || !is_bad || quoted_ >= kQuotedTasksMax) return;
  ++quoted_;
  const supervisor::AttemptName name{uuid_of(happening.task.run), happening.task.index,
                                     happening.attempt};
  print(quoted_lines(
      last_lines(supervisor::log_path(layout_.root, name), kQuotedLines, kQuotedLineBytes)));
}

void RunSession::show(const Happening& happening) {
  if (options_.is_single || session_.is_quiet()) return;
  const bool is_bad_end = happening.kind == Happening::Kind::ended &&
                          happening.state != TaskState::succeeded &&
                          happening.state != TaskState::skipped;
  const bool is_news = is_bad_end || happening.kind == Happening::Kind::held;
  if (options_.is_live && !is_news) return;
  print({plain_line(happening)});
  quote_output(happening);
}

void RunSession::take_in_happenings() {
  for (const Happening& happening : follower_.take_happenings()) {
    if (!uuids_.contains(happening.task.run)) uuids_ = follower_.numbers();
    if (options_.logs != ShownLogs::all) {
      show(happening);
      continue;
    }
    const bool has_attempt = happening.attempt > 0 && (happening.kind == Happening::Kind::started ||
                                                       happening.kind == Happening::Kind::ended);
    if (has_attempt)
      output_.begin(uuid_of(happening.task.run), happening.task, happening.attempt,
                    happening.label);
    const bool has_ended = happening.kind == Happening::Kind::ended;
    if (has_attempt && has_ended)
      output_.end(happening.task, happening.attempt,
                  [this](const TaskOutput::Text& text) { pass_on(text); });
    show(happening);
  }
}

void RunSession::mention_others() {
  if (mentioned_others_) return;
  const auto others = follower_.others();
  if (others.interrupted.empty()) return;
  mentioned_others_ = true;
  std::string numbers;
  for (const RunId run : others.interrupted)
    numbers += fmt::format("{}{}", numbers.empty() ? "" : ", ", run.value);
  if (!session_.is_quiet() && !options_.is_single)
    print({Line(
        fmt::format("reeve: interrupted earlier: run {}; `reeve resume` goes on with it", numbers),
        Tone::waiting)});
}

void RunSession::redraw() {
  if (!options_.is_live || is_headless_) return;
  const TerminalSize size = view_.size();
  const ViewShape shape{size.columns, size.rows, session_.err.ascii()};
  std::vector<Line> lines;
  for (const Picture& picture : follower_.take_pictures(size.rows)) {
    for (Line& line : render_view(picture, shape, wall_now())) lines.push_back(std::move(line));
  }
  const auto rows_max = static_cast<std::size_t>(std::max(size.rows - 1, 1));
  if (lines.size() > rows_max) lines.resize(rows_max);
  view_.draw(lines);
}

Ended RunSession::run() {
  while (true) {
    const bool woken = wait();
    obey_signals();
    take_in_happenings();
    if (uuids_.empty()) uuids_ = follower_.numbers();
    mention_others();
    cancel_runs();
    if (options_.logs == ShownLogs::all) pass_on(output_.read());
    if (engine_ended_ || stop_ == Stop::abandoned) break;
    if (follower_.all_over()) {
      if (follower_.others().active == 0 || stop_ != Stop::not_asked) break;
      if (!said_waiting_)
        print(
            {Line("reeve: this run is over; it was given another one meanwhile, and goes on "
                  "with that (Ctrl-C leaves it interrupted)")});
      said_waiting_ = true;
    }
    if (!woken) redraw();
  }
  return end();
}

Ended RunSession::end() {
  const Status stopped = host_.finish();
  take_in_happenings();
  redraw();
  if (!stopped) {
    Failure failure(stopped.error());
    failure.status = kExitEngineFault;
    failure.hint =
        "nothing that was acknowledged is lost; when the cause is gone, `reeve resume` "
        "goes on";
    return tl::unexpected(std::move(failure));
  }
  const auto runs = follower_.runs();
  if (!options_.is_single && !session_.is_quiet() && !is_headless_) {
    for (const FollowedRun* run : runs) {
      std::vector<Line> lines = summary_lines(*run, session_.err.ascii());
      // The view has said how it went; what there is to do about it has not been said.
      if (options_.is_live) lines.erase(lines.begin());
      for (const Line& line : lines) session_.err.write_line(line);
      for (const std::string& line : output_lines(*run)) session_.out.write_line(line);
    }
  }
  if (options_.is_single && runs.size() == 1) say_why(*runs.front());
  return exit_status(runs);
}

int RunSession::exit_status(const std::vector<const FollowedRun*>& runs) const {
  int status = kExitDone;
  for (const FollowedRun* run : runs) {
    const int one = options_.is_single ? single_status(*run) : status_of(*run);
    if (status == kExitDone) status = one;
  }
  return status;
}

int RunSession::status_of(const FollowedRun& run) const {
  const core::RunState state = run.tracker.model().state;
  if (state == core::RunState::succeeded) return kExitDone;
  if (stop_ != Stop::not_asked) return by_termination_ ? kExitTerminated : kExitInterrupted;
  if (run.failed_count > 0 && run.failed_count == run.timed_out_count) return kExitTimedOut;
  return kExitFailed;
}

/// What a command that did not run by itself to its end could not say.
void RunSession::say_why(const FollowedRun& run) const {
  if (is_headless_ || session_.is_quiet() || run.failed.empty()) return;
  const FailedTask& task = run.failed.front();
  const bool has_spoken =
      task.outcome == OutcomeClass::exited && task.reason.code == ReasonCode::exit_status;
  if (has_spoken || task.outcome == OutcomeClass::signalled) return;
  std::string text = fmt::format("reeve: {} {}", run.tracker.model().name, describe(task.reason));
  if (!task.message.empty()) text += ": " + task.message;
  session_.err.write_line(text);
}

/// The command's own status, as CONVENTIONS §1 has it.
int RunSession::single_status(const FollowedRun& run) const {
  const core::RunState state = run.tracker.model().state;
  if (state == core::RunState::succeeded) return kExitDone;
  if (stop_ != Stop::not_asked) return by_termination_ ? kExitTerminated : kExitInterrupted;
  if (run.timed_out_count > 0) return kExitTimedOut;
  if (run.last_outcome.kind == OutcomeClass::none || run.last_outcome.is_success())
    return kExitFailed;
  return shell_status(run.last_outcome);
}

}  // namespace reeve::cli
