// One supervisor per state directory: a lock file, which also says whether the last one had started
// attempts and did not end in order, so that something of them may still run. And the state's id,
// which marks the processes of its attempts. One owner.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace reeve::supervisor {

class StateLock {
 public:
  /// conflict when another supervisor holds it.
  static Result<StateLock> take(const std::string& state);

  bool was_left_dirty() const { return was_left_dirty_; }
  /// Before the first attempt starts.
  void mark_dirty();
  /// Nothing runs any more.
  void mark_clean();

 private:
  explicit StateLock(Fd file) : file_(std::move(file)) {}
  Fd file_;
  bool was_left_dirty_ = false;
  bool is_dirty_ = false;
};

/// Made of random bits when the state is new; the same for its whole life.
Result<std::string> load_state_id(const std::string& state);

}  // namespace reeve::supervisor
