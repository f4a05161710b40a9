#include "cli/live_view.h"

#include <algorithm>

#include <fmt/format.h>

namespace reeve::cli {
namespace {

constexpr std::string_view kHideCursor = "\x1b[?25l";
constexpr std::string_view kShowCursor = "\x1b[?25h";
constexpr std::string_view kClearLine = "\x1b[K";
constexpr std::string_view kClearBelow = "\x1b[J";

}  // namespace

/// The cursor stands below the last line. A terminal that became narrower has broken long lines.
std::string FrameWriter::back_to_start(const TerminalSize& size) const {
  int rows = 0;
  for (const Line& line : drawn_)
    rows += std::max(1, (line.width() + size.columns - 1) / size.columns);
  rows = std::min(rows, size.rows - 1);
  return rows > 0 ? fmt::format("\r\x1b[{}A", rows) : "\r";
}

std::string FrameWriter::body() const {
  std::string out;
  for (const Line& line : drawn_) {
    out += to_text(line, colour_);
    out += kClearLine;
    out += "\r\n";
  }
  return out;
}

std::string FrameWriter::frame(const std::vector<Line>& lines, const TerminalSize& size) {
  if (lines == drawn_ && size == drawn_for_) return {};
  std::string out(kHideCursor);
  out += back_to_start(size);
  drawn_ = lines;
  drawn_for_ = size;
  out += body();
  out += kClearBelow;
  out += kShowCursor;
  return out;
}

std::string FrameWriter::above(std::string_view text, const TerminalSize& size) {
  std::string out(kHideCursor);
  out += back_to_start(size);
  out += kClearBelow;
  for (const char c : text) {
    if (c == '\n') out += '\r';
    out += c;
  }
  if (!text.empty() && !text.ends_with('\n')) out += "\r\n";
  drawn_for_ = size;
  out += body();
  out += kShowCursor;
  return out;
}

}  // namespace reeve::cli
