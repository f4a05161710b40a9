#include "cli/styled_text.h"

#include "cli/text_width.h"

namespace reeve::cli {
namespace {

std::string_view escape(Tone tone) {
  switch (tone) {
    case Tone::plain: return "";
    case Tone::strong: return "\x1b[1m";
    case Tone::faint: return "\x1b[2m";
    case Tone::good: return "\x1b[32m";
    case Tone::bad: return "\x1b[31m";
    case Tone::active: return "\x1b[36m";
    case Tone::waiting: return "\x1b[33m";
  }
  return "";
}

}  // namespace

Line& Line::add(std::string text, Tone tone) {
  if (!text.empty()) spans.push_back({std::move(text), tone});
  return *this;
}

int Line::width() const {
  int width = 0;
  for (const Span& span : spans) width += display_width(span.text);
  return width;
}

void Line::trim() {
  while (!spans.empty()) {
    std::string& text = spans.back().text;
    while (text.ends_with(' ')) text.pop_back();
    if (!text.empty()) return;
    spans.pop_back();
  }
}

void Line::fit_to(int columns, bool ascii) {
  trim();
  if (width() <= columns) return;
  int room = columns;
  for (std::size_t i = 0; i < spans.size(); ++i) {
    const int width = display_width(spans[i].text);
    if (width < room) {
      room -= width;
      continue;
    }
    // This span does not leave a column for what follows: it ends the line.
    const bool is_last = i + 1 == spans.size();
    spans[i].text = fit(is_last ? spans[i].text : spans[i].text + "  ", room, ascii);
    spans.resize(i + 1);
    return;
  }
}

std::string to_text(const Line& line, Colour colour) {
  std::string out;
  for (const Span& span : line.spans) {
    const std::string_view start = colour == Colour::ansi ? escape(span.tone) : "";
    out += start;
    out += span.text;
    if (!start.empty()) out += "\x1b[0m";
  }
  return out;
}

Mark mark_of(core::TaskState state) {
  using core::TaskState;
  switch (state) {
    case TaskState::blocked: return {"·", ".", "blocked", Tone::faint};
    case TaskState::queued: return {"…", ".", "queued", Tone::faint};
    case TaskState::starting: return {"▷", ">", "starting", Tone::active};
    case TaskState::running: return {"▶", ">", "running", Tone::active};
    case TaskState::validating: return {"▶", ">", "validating", Tone::active};
    case TaskState::retry_wait: return {"↻", "~", "retry_wait", Tone::waiting};
    case TaskState::paused: return {"‖", "=", "paused", Tone::waiting};
    case TaskState::awaiting_approval: return {"?", "?", "awaiting_approval", Tone::waiting};
    case TaskState::succeeded: return {"✔", "+", "succeeded", Tone::good};
    case TaskState::failed: return {"✖", "x", "failed", Tone::bad};
    case TaskState::timed_out: return {"✖", "x", "timed_out", Tone::bad};
    case TaskState::cancelled: return {"⊘", "-", "cancelled", Tone::waiting};
    case TaskState::aborted: return {"⊘", "-", "aborted", Tone::bad};
    case TaskState::skipped: return {"○", "o", "skipped", Tone::faint};
  }
  return {"?", "?", "unknown", Tone::plain};
}

Mark mark_of(core::RunState state) {
  using core::RunState;
  switch (state) {
    case RunState::queued: return {"…", ".", "queued", Tone::faint};
    case RunState::running: return {"▶", ">", "running", Tone::active};
    case RunState::succeeded: return {"✔", "+", "succeeded", Tone::good};
    case RunState::failed: return {"✖", "x", "failed", Tone::bad};
    case RunState::cancelled: return {"⊘", "-", "cancelled", Tone::waiting};
  }
  return {"?", "?", "unknown", Tone::plain};
}

Mark interrupted_mark() { return {"‖", "=", "interrupted", Tone::waiting}; }

}  // namespace reeve::cli
