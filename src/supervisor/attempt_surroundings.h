// What Attempts is given by the supervisor, and tells it. Single-threaded, as Attempts is.
#pragma once

#include <sys/resource.h>

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "sandbox/wire.h"
#include "supervisor/attempt.h"
#include "supervisor/image_fetches.h"
#include "supervisor/protocol.h"
#include "supervisor/sandboxes.h"

namespace reeve::supervisor {

/// What is started in an attempt's sandbox, beside its own program.
struct VisitRequest {
  std::uint32_t number = 0;
  std::vector<std::string> command;
  std::string terminal;  ///< TERM, or "" for that of the attempt
  bool has_terminal = false;
  std::array<int, 3> streams{-1, -1, -1};
};

enum class PipeKind : std::uint8_t { standard_output, standard_error };

/// A pipe that is not watched for a moment.
struct RestingPipe {
  Instant until{};
  Serial serial = kNoSerial;
  PipeKind kind = PipeKind::standard_output;
  bool is_busy = false;
  /// The earliest is the first in a priority queue.
  friend bool operator<(const RestingPipe& a, const RestingPipe& b) { return a.until > b.until; }
};

/// What all attempts have in common.
struct AttemptSettings {
  std::string state_directory;
  std::string state_id;
  int epoll = -1;
  /// The epoll data of a pipe's events.
  std::function<std::uint64_t(Serial, PipeKind)> tag;
  rlimit open_files{};  ///< what attempts get
  std::function<std::uint64_t(SandboxNumber)> sandbox_tag;
  std::function<std::uint64_t(FetchNumber)> image_tag;
  std::function<std::uint64_t(LinkNumber)> link_tag;
  std::int64_t image_bytes_max = 0;
  std::string oci_runtime;
};

/// Where Attempts reports. Called within the calls of Attempts; must not call back.
class AttemptEvents {
 public:
  virtual ~AttemptEvents() = default;
  virtual void on_started(Token token, Time at) = 0;
  virtual void on_progress(Progress progress) = 0;
  virtual void on_samples(Samples samples) = 0;
  /// `launch`: of the attempt that ended.
  virtual void on_ended(Ended ended, const Launch& launch) = 0;
  /// Whether others of the batch wait to run after the one that has its place.
  virtual bool is_followed(Token batch) const = 0;
  virtual void on_hold(const AttemptHold& hold) = 0;
  /// Of somebody who entered, or could not. `why`: for people, if it failed.
  virtual void on_visit(const sandbox::Reply& reply, std::string why) = 0;
};

}  // namespace reeve::supervisor
