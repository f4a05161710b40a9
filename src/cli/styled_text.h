// Text with a meaning that terminals may show as colour: lines of spans. Colour never says anything
// that the text does not say too. Values; no thread rule.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/task_state.h"

namespace reeve::cli {

enum class Tone : std::uint8_t { plain, strong, faint, good, bad, active, waiting };

struct Span {
  std::string text;
  Tone tone = Tone::plain;
  friend bool operator==(const Span&, const Span&) = default;
};

/// One line, without its end.
struct Line {
  std::vector<Span> spans;

  Line() = default;
  explicit Line(std::string text, Tone tone = Tone::plain) { add(std::move(text), tone); }
  Line& add(std::string text, Tone tone = Tone::plain);
  int width() const;
  /// Without spaces at its end.
  void trim();
  /// Cut to `columns`, with "…" at its end if something is missing.
  void fit_to(int columns, bool ascii = false);
  friend bool operator==(const Line&, const Line&) = default;
};

enum class Colour : std::uint8_t { none, ansi };
std::string to_text(const Line& line, Colour colour);

/// Shape, word and tone of a state, the same in tables and views.
struct Mark {
  std::string_view shape;
  std::string_view ascii_shape;
  std::string_view word;
  Tone tone = Tone::plain;
};
Mark mark_of(core::TaskState state);
Mark mark_of(core::RunState state);
/// Of a run whose engine went away.
Mark interrupted_mark();

}  // namespace reeve::cli
