// Draws a picture as lines.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "cli/text_width.h"
#include "cli/view_picture.h"

namespace reeve::cli {
namespace {

using core::TaskState;

constexpr int kWideColumns = 100;
constexpr int kNameColumnsMin = 8;
constexpr int kStateColumns = 11;
constexpr int kTimeColumns = 6;

std::string shape_text(const Mark& mark, const ViewShape& shape) {
  return std::string(shape.ascii ? mark.ascii_shape : mark.shape);
}

std::string word_text(TaskState state) {
  switch (state) {
    case TaskState::retry_wait: return "retrying";
    case TaskState::awaiting_approval: return "approval?";
    case TaskState::timed_out: return "timed out";
    default: return std::string(mark_of(state).word);
  }
}

/// "━━━━━━──────": `fraction` from 0 to 1.
Line bar(double fraction, int columns, bool ascii) {
  const int full = static_cast<int>(std::lround(std::clamp(fraction, 0.0, 1.0) * columns));
  std::string done;
  std::string left;
  for (int i = 0; i < columns; ++i) {
    if (i < full) {
      done += ascii ? "=" : "━";
    } else {
      left += ascii ? "-" : "─";
    }
  }
  return Line().add(std::move(done), Tone::good).add(std::move(left), Tone::faint);
}

/// Time left, if what is left takes as long as what is done; nothing when too little is known.
std::string estimate(double done, Duration elapsed) {
  constexpr double kDoneMin = 0.02;
  constexpr Duration kElapsedMin = std::chrono::seconds{1};
  if (done < kDoneMin || done >= 1 || elapsed < kElapsedMin) return {};
  const double left = static_cast<double>(elapsed.count()) * (1 - done) / done;
  return fmt::format("ETA {}", short_duration(Duration{static_cast<std::int64_t>(left)}));
}

void add_words(Line& line, const std::string& words, Tone tone = Tone::plain) {
  if (words.empty()) return;
  // What a column is filled with counts as the space between.
  if (!line.spans.empty() && !line.spans.back().text.ends_with(' ')) line.add("  ");
  line.add(words, tone);
}

std::string attempt_text(const TaskModel& task, std::uint32_t attempts_max) {
  if (task.attempt <= 1 && attempts_max <= 1) return {};
  if (attempts_max <= 1) return fmt::format("attempt {}", task.attempt);
  return fmt::format("attempt {} of {}", task.attempt, std::max(attempts_max, task.attempt));
}

Duration since(Time moment, Time now) {
  return moment == kUnset ? Duration{0} : std::max(now - moment, Duration{0});
}

/// What follows the state of a task that has a line of its own.
void add_task_detail(Line& line, const TaskModel& task, std::uint32_t attempts_max, Time now) {
  const std::string attempt = attempt_text(task, attempts_max);
  if (task.state == TaskState::running) {
    if (task.attempt > 1) add_words(line, attempt, Tone::waiting);
    if (task.reason.code == ReasonCode::held_open)
      add_words(line, short_reason(task.reason), Tone::bad);
    if (task.percent >= 0) {
      add_words(line, fmt::format("{}%", task.percent), Tone::strong);
      add_words(line, estimate(task.percent / 100.0, since(task.started_at, now)));
    }
    add_words(line, task.message, Tone::faint);
  } else if (task.state == TaskState::retry_wait) {
    if (task.wake_at != kNever && task.wake_at > now)
      add_words(line, fmt::format("in {}", short_duration(task.wake_at - now)));
    add_words(line, attempt, Tone::waiting);
    add_words(line, short_outcome(task.outcome, task.code), Tone::bad);
  } else if (task.state == TaskState::failed || task.state == TaskState::timed_out) {
    const bool says_more = task.outcome == OutcomeClass::none ||
                           task.outcome == OutcomeClass::timed_out ||
                           task.outcome == OutcomeClass::rejected;
    add_words(line, says_more ? short_reason(task.reason) : short_outcome(task.outcome, task.code),
              Tone::bad);
    if (task.attempt > 1) add_words(line, attempt);
    add_words(line, task.message, Tone::faint);
  } else if (task.state == TaskState::starting && task.attempt > 1) {
    add_words(line, attempt, Tone::waiting);
  }
}

struct Columns {
  int name = kNameColumnsMin;
};

Line line_head(std::string_view indent, TaskState state, const std::string& name,
               const Columns& columns, const ViewShape& shape) {
  const Mark mark = mark_of(state);
  Line line;
  line.add(std::string(indent));
  line.add(shape_text(mark, shape) + " ", mark.tone);
  const int room = columns.name - display_width(indent) + 2;
  line.add(pad_right(fit(name, room, shape.ascii), room + 2));
  return line;
}

void add_state(Line& line, TaskState state, Duration elapsed) {
  const Mark mark = mark_of(state);
  line.add(pad_right(word_text(state), kStateColumns), mark.tone);
  if (elapsed > Duration{0}) line.add(pad_right(short_duration(elapsed), kTimeColumns));
}

Line task_line(const TaskModel& task, const GroupModel& group, const Columns& columns,
               const ViewShape& shape, Time now) {
  Line line = line_head("    ", task.state, task.label, columns, shape);
  Duration elapsed{0};
  if (task.state == TaskState::running) elapsed = since(task.started_at, now);
  if (core::is_final(task.state) && task.started_at != kUnset)
    elapsed = task.since - task.started_at;
  add_state(line, task.state, elapsed);
  add_task_detail(line, task, group.attempts_max, now);
  return line;
}

Duration elapsed_of(const GroupModel& group, Time now) {
  if (group.started_at == kUnset) return Duration{0};
  if (group.is_finished()) return std::max(group.ended_at - group.started_at, Duration{0});
  return since(group.started_at, now);
}

Line single_line(const PictureGroup& shown, const Columns& columns, const ViewShape& shape,
                 Time now) {
  const GroupModel& group = shown.group;
  const TaskState state = state_of(group);
  Line line = line_head("  ", state, group.name, columns, shape);
  const bool has_run =
      state != TaskState::queued && state != TaskState::blocked && state != TaskState::retry_wait;
  const auto task = group.tasks.find(0);
  Duration elapsed = has_run ? elapsed_of(group, now) : Duration{0};
  if (task != group.tasks.end() && state == TaskState::running)
    elapsed = since(task->second.started_at, now);
  add_state(line, state, elapsed);
  if (!shown.waits_for.empty()) add_words(line, "needs " + shown.waits_for, Tone::faint);
  if (task != group.tasks.end()) {
    add_task_detail(line, task->second, group.attempts_max, now);
  } else if (state == TaskState::succeeded && group.attempt > 1) {
    add_words(line, fmt::format("{} attempts", group.attempt));
  } else if (state == TaskState::queued && group.reason.code == ReasonCode::none) {
    add_words(line, "waits its turn", Tone::faint);
  } else if (state != TaskState::blocked) {
    add_words(line, short_reason(group.reason), Tone::faint);
  }
  return line;
}

Line fan_out_line(const PictureGroup& shown, const Columns& columns, const ViewShape& shape,
                  Time now) {
  const GroupModel& group = shown.group;
  const TaskState state = state_of(group);
  Line line = line_head("  ", state, group.name, columns, shape);
  if (!group.is_expanded || group.count(TaskState::blocked) == group.total) {
    add_state(line, TaskState::blocked, Duration{0});
    if (group.is_expanded) add_words(line, fmt::format("{} tasks", group.total));
    if (!shown.waits_for.empty()) add_words(line, "needs " + shown.waits_for, Tone::faint);
    return line;
  }
  const Line numbers = counters(counts_of(group), shape.columns >= kWideColumns, shape.ascii);
  for (const Span& span : numbers.spans) line.add(span.text, span.tone);
  const Duration elapsed = elapsed_of(group, now);
  if (elapsed > Duration{0}) add_words(line, short_duration(elapsed));
  if (!group.is_finished() && group.total > 0) {
    const double done = static_cast<double>(group.finished()) / group.total;
    add_words(line, fmt::format("{}%", static_cast<int>(done * 100)), Tone::strong);
    add_words(line, estimate(done, elapsed));
    if (group.active() == 0 && group.count(TaskState::queued) > 0)
      add_words(line, short_reason(group.reason), Tone::faint);
  }
  return line;
}

Mark mark_of_run(const RunModel& run) {
  if (run.is_interrupted) return interrupted_mark();
  if (run.is_cancelling) return {"⊘", "-", "cancelling", Tone::waiting};
  if (run.is_paused && !core::is_final(run.state)) return {"‖", "=", "paused", Tone::waiting};
  return mark_of(run.state);
}

Line head_line(const Picture& picture, const ViewShape& shape, Time now) {
  const RunModel& run = picture.run;
  const Mark mark = mark_of_run(run);
  Line line;
  line.add(fmt::format("{} {}", shape_text(mark, shape), mark.word), mark.tone);
  line.add("  ").add(run.name, Tone::strong);
  line.add(fmt::format("  run {}", run.id.value), Tone::faint);
  if (run.round > 1) line.add(fmt::format("  retry {}", run.round - 1), Tone::waiting);
  if (run.reason.code == ReasonCode::after_run)
    add_words(line, short_reason(run.reason), Tone::waiting);
  const Time end = run.ended_at == kUnset ? now : run.ended_at;
  if (run.submitted_at != kUnset)
    add_words(line, short_duration(std::max(end - run.submitted_at, Duration{0})));
  return line;
}

Line progress_line(const Picture& picture, const ViewShape& shape, Time now) {
  constexpr int kBarColumnsMax = 30;
  std::uint64_t finished = 0;
  for (std::size_t i = 0; i < picture.counts.size(); ++i) {
    if (core::is_final(static_cast<TaskState>(i))) finished += picture.counts[i];
  }
  const double done =
      picture.total == 0 ? 0 : static_cast<double>(finished) / static_cast<double>(picture.total);
  Line line("  ");
  const Line drawn = bar(done, std::clamp(shape.columns / 4, 8, kBarColumnsMax), shape.ascii);
  for (const Span& span : drawn.spans) line.add(span.text, span.tone);
  // Groups that are yet to fan out make every percentage a guess: the counts are the truth.
  if (picture.unexpanded == 0) line.add(fmt::format(" {:3}%", static_cast<int>(done * 100)));
  line.add("  ");
  const Line numbers = counters(picture.counts, shape.columns >= kWideColumns, shape.ascii);
  for (const Span& span : numbers.spans) line.add(span.text, span.tone);
  // What has not begun may take any time: no guess before all has.
  constexpr std::uint64_t kFinishedMin = 5;
  const bool has_begun = picture.unexpanded == 0 && picture.not_begun == 0;
  const bool guess = has_begun && finished >= kFinishedMin && !picture.run.is_over();
  if (guess) add_words(line, estimate(done, since(picture.run.submitted_at, now)));
  return line;
}

Line hidden_line(const Picture& picture, const ViewShape& shape) {
  std::string parts;
  const auto add = [&](std::uint64_t count, std::string_view what) {
    if (count > 0) parts += fmt::format("{}{} {}", parts.empty() ? "" : ", ", count, what);
  };
  add(picture.hidden_finished, "finished");
  add(picture.hidden_active, "running");
  add(picture.hidden_waiting, "waiting");
  return Line(fmt::format("  {} {} more: {}", shape.ascii ? "..." : "…", picture.hidden(), parts),
              Tone::faint);
}

Columns columns_for(const Picture& picture, const ViewShape& shape) {
  int widest = kNameColumnsMin;
  for (const PictureGroup& shown : picture.groups) {
    widest = std::max(widest, display_width(shown.group.name));
    if (!shown.group.is_fan_out) continue;
    for (const auto& [element, task] : shown.group.tasks)
      widest = std::max(widest, display_width(task.label) + 2);
  }
  return {std::min(widest, std::max(kNameColumnsMin, shape.columns / 3))};
}

}  // namespace

Line counters(const StateCounts& counts, bool words, bool ascii) {
  struct Counter {
    Mark mark;
    std::string_view word;
    std::uint64_t count;
  };
  const auto sum = [&](std::initializer_list<TaskState> states) {
    std::uint64_t total = 0;
    for (const TaskState state : states) total += counts[static_cast<std::size_t>(state)];
    return total;
  };
  using enum TaskState;
  const auto all = std::to_array<Counter>({
      {mark_of(succeeded), "succeeded", sum({succeeded})},
      {mark_of(failed), "failed", sum({failed, timed_out})},
      {mark_of(cancelled), "cancelled", sum({cancelled, aborted})},
      {mark_of(skipped), "skipped", sum({skipped})},
      {mark_of(running), "running", sum({running, validating})},
      {mark_of(retry_wait), "retrying", sum({retry_wait})},
      {mark_of(awaiting_approval), "to approve", sum({awaiting_approval})},
      {mark_of(queued), "waiting", sum({blocked, queued, starting, paused})},
  });
  Line line;
  for (const Counter& counter : all) {
    if (counter.count == 0) continue;
    if (!line.spans.empty()) line.add("  ");
    const std::string_view shape = ascii ? counter.mark.ascii_shape : counter.mark.shape;
    line.add(
        fmt::format("{} {}{}{}", shape, counter.count, words ? " " : "", words ? counter.word : ""),
        counter.mark.tone);
  }
  return line;
}

std::vector<Line> render_view(const Picture& picture, const ViewShape& shape, Time now) {
  const Columns columns = columns_for(picture, shape);
  std::vector<Line> lines;
  lines.push_back(head_line(picture, shape, now));
  lines.push_back(progress_line(picture, shape, now));
  for (const PictureGroup& shown : picture.groups) {
    if (!shown.group.is_fan_out) {
      lines.push_back(single_line(shown, columns, shape, now));
      continue;
    }
    lines.push_back(fan_out_line(shown, columns, shape, now));
    for (const auto& [element, task] : shown.group.tasks)
      lines.push_back(task_line(task, shown.group, columns, shape, now));
  }
  if (picture.hidden() > 0) lines.push_back(hidden_line(picture, shape));
  const auto rows_max = static_cast<std::size_t>(std::max(shape.rows - 1, 1));
  if (lines.size() > rows_max) lines.resize(rows_max);
  for (Line& line : lines) line.fit_to(shape.columns, shape.ascii);
  return lines;
}

}  // namespace reeve::cli
