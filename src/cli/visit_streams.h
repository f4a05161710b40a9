// The streams of a program that is started elsewhere: a terminal of its own, or three pipes. The
// far ends are handed over; nothing of the user's own terminal is. Moves bytes both ways without
// waiting. One owner; not thread-safe.
#pragma once

#include <poll.h>
#include <termios.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "cli/terminal.h"

namespace reeve::cli {

/// The user's terminal, passing every key on; as it was before when this goes.
class RawTerminal {
 public:
  static Result<RawTerminal> enter(int descriptor);
  ~RawTerminal();
  RawTerminal(RawTerminal&& other) noexcept;
  RawTerminal& operator=(RawTerminal&&) = delete;
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;

 private:
  RawTerminal(int descriptor, const termios& before) : descriptor_(descriptor), before_(before) {}
  int descriptor_;
  termios before_;
};

class VisitStreams {
 public:
  /// A terminal with the settings and the size of that on standard input.
  static Result<VisitStreams> with_terminal();
  static Result<VisitStreams> with_pipes();

  bool has_terminal() const { return has_terminal_; }
  /// Standard input, output and error of the program: valid until close_far_ends().
  std::array<int, 3> far_ends() const;
  void close_far_ends();
  /// The size of the window has changed.
  void follow_size() const;

  /// What to wait for, and what to do about it afterwards.
  void add_waits(std::vector<pollfd>& waits) const;
  void move(const std::vector<pollfd>& waits, Stream& out, Stream& err);
  /// Moves what the program has left behind, without waiting for more.
  void drain(Stream& out, Stream& err);
  /// Standard input of a terminal is at its end: whoever was there has gone.
  bool has_hung_up() const { return has_terminal_ && input_ended_; }

 private:
  void read_input();
  void write_input();
  /// False: at its end.
  static bool copy(const Fd& from, Stream& to);

  bool has_terminal_ = false;
  Fd far_input_;
  Fd far_output_;
  Fd far_errors_;
  Fd input_;   ///< written to; with a terminal its one end for both directions
  Fd output_;  ///< read from
  Fd errors_;
  std::string pending_;  ///< read, and not yet written to `input_`
  bool input_ended_ = false;
};

}  // namespace reeve::cli
