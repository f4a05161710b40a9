#include "cli/plain_lines.h"

#include <time.h>

#include <algorithm>

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "base/text.h"
#include "spec/expression.h"

namespace reeve::cli {
namespace {

using core::TaskState;

constexpr std::size_t kFailedLinesMax = 10;

std::string attempt_of(const Happening& happening) {
  const std::uint32_t most = std::max(happening.attempts_max, happening.attempt);
  if (most <= 1) return {};
  return fmt::format(" (attempt {} of {})", happening.attempt, most);
}

std::string why(const Happening& happening) {
  const Outcome& outcome = happening.outcome;
  std::string text;
  switch (outcome.kind) {
    case OutcomeClass::exited:
    case OutcomeClass::signalled:
    case OutcomeClass::out_of_memory: text = short_outcome(outcome.kind, outcome.code); break;
    case OutcomeClass::none: text = short_reason(happening.reason); break;
    case OutcomeClass::timed_out:
    case OutcomeClass::lost:
    case OutcomeClass::rejected:
    case OutcomeClass::start_failed: text = describe(outcome.reason); break;
  }
  if (!happening.message.empty()) text += (text.empty() ? "" : ": ") + happening.message;
  return text;
}

Line ended_line(const Happening& happening) {
  const Mark mark = mark_of(happening.state);
  Line line;
  line.add(happening.label + " ");
  if (happening.state == TaskState::succeeded) {
    line.add("succeeded", mark.tone);
    if (happening.duration > Duration{0})
      line.add(fmt::format(" in {}", short_duration(happening.duration)));
    if (happening.attempt > 1) line.add(attempt_of(happening));
    return line;
  }
  const bool again = happening.state == TaskState::retry_wait;
  std::string word(again ? "failed" : mark.word);
  std::ranges::replace(word, '_', ' ');
  line.add(std::move(word), again ? Tone::waiting : mark.tone);
  if (const std::string reason = why(happening); !reason.empty()) line.add(": " + reason);
  if (happening.duration > Duration{0})
    line.add(fmt::format(" after {}", short_duration(happening.duration)));
  line.add(attempt_of(happening));
  if (again) line.add(fmt::format("; tried again in {}", short_duration(happening.retry_after)));
  return line;
}

Line held_line(const Happening& happening) {
  const std::string id =
      shell_quote(fmt::format("{}/{}", happening.task.run.value, happening.label));
  Line line;
  line.add(happening.label + " ");
  line.add(describe({ReasonCode::held_open, happening.reason.b, happening.reason.a}), Tone::bad);
  line.add(fmt::format(" (reeve exec {}; reeve resume {})", id, id));
  return line;
}

std::string count_text(std::uint64_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string outcome_of(const FailedTask& task) {
  std::string text = task.outcome == OutcomeClass::exited || task.outcome == OutcomeClass::signalled
                         ? short_outcome(task.outcome, task.code)
                         : short_reason(task.reason);
  if (text.empty()) text = std::string(mark_of(task.state).word);
  if (task.attempt > 1) text += fmt::format(", {} attempts", task.attempt);
  if (!task.message.empty()) text += ": " + task.message;
  return text;
}

StateCounts counts_of_run(const RunModel& run, std::uint64_t& total) {
  StateCounts counts{};
  total = 0;
  for (const GroupModel& group : run.groups) {
    total += group.total;
    for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += group.counts[i];
  }
  return counts;
}

}  // namespace

std::string time_of_day(Time time) {
  const std::time_t seconds =
      std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  std::tm local{};
  if (::localtime_r(&seconds, &local) == nullptr) return "--:--:--";
  return fmt::format("{:02}:{:02}:{:02}", local.tm_hour, local.tm_min, local.tm_sec);
}

Line plain_line(const Happening& happening) {
  Line line;
  line.add(time_of_day(happening.at) + " ", Tone::faint);
  Line rest;
  switch (happening.kind) {
    case Happening::Kind::started:
      rest.add(happening.label + " started");
      if (happening.attempt > 1) rest.add(attempt_of(happening));
      break;
    case Happening::Kind::ended: rest = ended_line(happening); break;
    case Happening::Kind::held: rest = held_line(happening); break;
    case Happening::Kind::progress:
      rest.add(
          fmt::format("{}: {} of {} done", happening.label, happening.finished, happening.total));
      break;
  }
  for (Span& span : rest.spans) line.add(std::move(span.text), span.tone);
  return line;
}

std::vector<Line> summary_lines(const FollowedRun& followed, bool ascii) {
  const RunModel& run = followed.tracker.model();
  const Mark mark = run.is_interrupted ? interrupted_mark() : mark_of(run.state);
  std::uint64_t total = 0;
  const StateCounts counts = counts_of_run(run, total);
  Line head;
  head.add(fmt::format("{} {}", ascii ? mark.ascii_shape : mark.shape, mark.word), mark.tone);
  head.add(fmt::format(": {}, run {}", run.name, run.id.value));
  if (run.ended_at != kUnset && run.submitted_at != kUnset)
    head.add(fmt::format(", in {}", short_duration(run.ended_at - run.submitted_at)));
  const bool all_good = counts[static_cast<std::size_t>(TaskState::succeeded)] == total;
  head.add(": ");
  if (all_good) {
    head.add(count_text(total, "task"));
  } else {
    const Line numbers = counters(counts, true, ascii);
    for (const Span& span : numbers.spans) head.add(span.text, span.tone);
  }
  std::vector<Line> lines{std::move(head)};
  const std::size_t shown = std::min(followed.failed.size(), kFailedLinesMax);
  for (std::size_t i = 0; i < shown; ++i) {
    const FailedTask& task = followed.failed[i];
    const Mark failed = mark_of(task.state);
    Line line;
    line.add(fmt::format("  {} {}", ascii ? failed.ascii_shape : failed.shape, task.label),
             failed.tone);
    line.add("  " + outcome_of(task));
    lines.push_back(std::move(line));
  }
  if (followed.failed_count > shown)
    lines.emplace_back(fmt::format("    and {} more", followed.failed_count - shown), Tone::faint);
  if (shown > 0) {
    lines.emplace_back(
        fmt::format("  reeve logs {}",
                    shell_quote(fmt::format("{}/{}", run.id.value, followed.failed.front().label))),
        Tone::faint);
    lines.emplace_back(fmt::format("  reeve retry {} --failed", run.id.value), Tone::faint);
  }
  return lines;
}

std::vector<std::string> output_lines(const FollowedRun& followed) {
  std::vector<std::string> lines;
  boost::system::error_code error;
  const boost::json::value outputs = boost::json::parse(followed.outputs, error);
  if (error || !outputs.is_object()) return lines;
  for (const auto& entry : outputs.get_object())
    lines.push_back(fmt::format("{}: {}", std::string_view(entry.key()),
                                sanitize_for_terminal(spec::to_text(entry.value()))));
  return lines;
}

std::vector<Line> quoted_lines(const std::deque<std::string>& lines) {
  std::vector<Line> out;
  for (const std::string& text : lines) {
    Line line;
    line.add("  | ", Tone::faint).add(text);
    out.push_back(std::move(line));
  }
  return out;
}

}  // namespace reeve::cli
