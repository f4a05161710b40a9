// How an attempt ended, and what it used. Data, never an error (DESIGN §8.1). The supervisor, the
// core and the stores share these.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>

#include "base/codec.h"
#include "base/reason.h"
#include "base/time.h"

namespace reeve {

/// Stored as numbers: append only.
enum class OutcomeClass : std::uint8_t {
  none,           ///< has not ended
  exited,         ///< ended by itself; code is its exit status
  signalled,      ///< killed by a signal; code is its number
  timed_out,      ///< the engine ended it; the reason says which limit
  out_of_memory,  ///< killed for its memory limit
  lost,           ///< nobody knows how it ended
  rejected,       ///< ended, but what it produced was not accepted
  start_failed,   ///< never ran: the machine could not start it. Not the task's fault.
};
inline constexpr std::size_t kOutcomeClassCount = 8;
std::string_view name(OutcomeClass outcome);

struct Outcome {
  OutcomeClass kind = OutcomeClass::none;
  std::int32_t code = 0;  ///< exit status or signal number
  Reason reason;          ///< says more where the class does not
  friend bool operator==(const Outcome&, const Outcome&) = default;

  bool is_success() const { return kind == OutcomeClass::exited && code == 0; }

  static constexpr auto fields() {
    return std::tuple{field("kind", &Outcome::kind), field("code", &Outcome::code),
                      field("reason", &Outcome::reason)};
  }
};

/// Exit status that a shell would show: code, 128 + signal, 124 (timed out), 137 (memory), 125.
int shell_status(const Outcome& outcome);

/// What one attempt used (getrusage(2), wait4(2); a cgroup where there is one).
struct Usage {
  Duration user_cpu{0};
  Duration system_cpu{0};
  std::int64_t memory_peak_bytes = 0;
  std::int64_t read_bytes = 0;
  std::int64_t written_bytes = 0;
  std::int64_t context_switches = 0;
  std::int64_t output_bytes = 0;  ///< stdout and stderr together, before any cap
  friend bool operator==(const Usage&, const Usage&) = default;

  static constexpr auto fields() {
    return std::tuple{field("user_cpu", &Usage::user_cpu),
                      field("system_cpu", &Usage::system_cpu),
                      field("memory_peak_bytes", &Usage::memory_peak_bytes),
                      field("read_bytes", &Usage::read_bytes),
                      field("written_bytes", &Usage::written_bytes),
                      field("context_switches", &Usage::context_switches),
                      field("output_bytes", &Usage::output_bytes)};
  }
};

}  // namespace reeve
