// What happened in one simulated world: every message, decision and fault, as small records. All of
// them go into one digest (two runs of a seed must agree on it); the last few are kept, to be told
// to people when a checker finds something. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/time.h"

namespace reeve::sim {

enum class Note : std::uint8_t {
  // the engine
  engine_opened,
  engine_step,
  engine_crash,
  engine_gone,
  commit,
  commit_fault,
  run_row,
  task_row,
  answered,
  // people
  submit,
  submit_full,
  request,
  acknowledged,
  // messages between engine and executor
  message_sent,
  message_lost,
  message_twice,
  message_late,
  message_stale,
  // the executor's machine
  process_started,
  process_ended,
  start_ignored,
  executor_crash,
  executor_back,
  executor_fault,
  node_lost,
  // the world
  clock_jump,
  capacity,
  saturated,
  artifacts,
  faults_over,
  tidied,
  state_digest,
};

class Trace {
 public:
  struct Record {
    Time at;
    Note note = Note::engine_step;
    std::uint64_t a = 0;
    std::uint64_t b = 0;
    std::uint64_t c = 0;
  };
  static constexpr std::size_t kKept = 64;

  void add(const Record& record);
  std::uint64_t digest() const { return digest_; }
  std::uint64_t size() const { return count_; }
  /// The newest `lines` records for people, oldest first.
  std::string tail(std::size_t lines) const;
  /// Called with each record as it comes; for --verbose.
  void set_listener(std::function<void(const Record&)> listener);

 private:
  std::array<Record, kKept> ring_{};
  std::uint64_t count_ = 0;
  std::uint64_t digest_ = 0x243f6a8885a308d3ULL;
  std::function<void(const Record&)> listener_;
};

/// "+12.345678s  process started       task 3.5, token 17".
std::string format_record(const Trace::Record& record);

}  // namespace reeve::sim
