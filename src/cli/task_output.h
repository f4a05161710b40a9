// The output of tasks while they run, for the process that runs them: passed on byte for byte, or
// as lines. Follows the logs of the attempts that are told to it. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "base/fd.h"
#include "base/ids.h"
#include "cli/log_tail.h"
#include "cli/terminal.h"

namespace reeve::cli {

class TaskOutput {
 public:
  enum class Form : std::uint8_t { bytes, lines };
  struct Options {
    Form form = Form::lines;
    bool prefix = false;       ///< lines begin with the name of their task
    bool out_is_safe = false;  ///< for stdout: control characters are shown, not passed on
    bool err_is_safe = false;
  };
  TaskOutput(std::string state_root, Options options)
      : state_root_(std::move(state_root)),
        options_(options) {}

  /// Makes the run's log directory, so that its changes can be waited for.
  void watch_run(const Uuid& run);
  /// Readable when a log may have grown; -1 when there is nothing to wait on.
  int descriptor() const { return watch_.get(); }
  void drain_watch();

  void begin(const Uuid& run, TaskId task, std::uint32_t attempt, const std::string& label);
  struct Text {
    std::string out;  ///< for stdout
    std::string err;  ///< for stderr
    bool empty() const { return out.empty() && err.empty(); }
  };
  /// What has come of all of them since the last call, but of each at most so much that memory and
  /// the others do not suffer.
  Text read();
  /// read() has left something behind.
  bool has_more() const;
  /// What is left of an attempt that has ended, piece by piece.
  void end(TaskId task, std::uint32_t attempt, const std::function<void(const Text&)>& pass_on);

 private:
  struct Followed {
    LogTail tail;
    LineCutter cutter;
    std::string label;
  };
  using Key = std::pair<TaskId, std::uint32_t>;
  void read_one(Followed& followed, Text& text);
  void add_line(const Followed& followed, supervisor::LogStream stream, std::string_view line,
                Text& text) const;

  std::string state_root_;
  Options options_;
  Fd watch_;
  std::map<Key, Followed> followed_;
};

}  // namespace reeve::cli
