// Draws lines in place on a terminal, without the alternate screen: what it shows at the end stays
// in the scrollback. Between two frames the terminal is as any program expects it (cursor shown, no
// colour), so that there is nothing to restore when the process dies. Owns what it last drew; one
// thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/styled_text.h"
#include "cli/terminal.h"

namespace reeve::cli {

/// The bytes that replace a frame. Pure; LiveView sends them.
class FrameWriter {
 public:
  explicit FrameWriter(Colour colour) : colour_(colour) {}
  /// Replaces the last frame; "" if it would look the same. Lines must fit `size`.
  std::string frame(const std::vector<Line>& lines, const TerminalSize& size);
  /// `text` (whole lines) where the frame was, and the frame again below it.
  std::string above(std::string_view text, const TerminalSize& size);

 private:
  std::string back_to_start(const TerminalSize& size) const;
  std::string body() const;

  Colour colour_;
  std::vector<Line> drawn_;
  TerminalSize drawn_for_;
};

class LiveView {
 public:
  explicit LiveView(Stream& out) : out_(out), writer_(out.colour()) {}

  TerminalSize size() const { return terminal_size(out_.descriptor()); }
  void draw(const std::vector<Line>& lines) { out_.write(writer_.frame(lines, size())); }
  void print_above(std::string_view text) { out_.write(writer_.above(text, size())); }

 private:
  Stream& out_;
  FrameWriter writer_;
};

}  // namespace reeve::cli
