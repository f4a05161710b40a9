// What an executor is told to start and what it tells back. Plain described values, shared by the
// engine's Executor port and the supervisor's wire protocol. No thread rule.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/codec.h"
#include "base/ids.h"
#include "base/outcome.h"
#include "base/resources.h"
#include "base/sandbox.h"
#include "base/time.h"

namespace reeve {

/// One attempt to start. Starting the same token twice is harmless: the second is ignored.
struct Launch {
  Token token;
  TaskId task;
  std::uint32_t attempt = 0;  ///< number, from 1
  Uuid run;
  std::vector<std::string> arguments;  ///< argv; argv[0] is looked up in the attempt's PATH
  std::string script;  ///< not empty: text for the program in `arguments`, which gets it as a file
                       ///< (appended as last argument) when too long for `-c`, see supervisor
  std::vector<std::pair<std::string, std::string>> environment;  ///< over the inherited one
  std::string work_directory;
  Resources resources;  ///< the executor starts it when these are free in its capacity
  Duration start_timeout{0};
  Duration run_timeout{0};
  Duration idle_timeout{0};
  Duration grace{0};
  std::int64_t output_bytes_max = 0;
  SandboxRequest sandbox;
  Duration hold{0};  ///< so long its sandbox is kept open when its program fails; tier none: not
  /// First attempt of its batch; {}: it is alone. Those of one batch come in the order in which
  /// they are to run, one after the other, beside each other's room only once, and share a sandbox
  /// where theirs would be the same.
  Token batch;
  /// Name and value of what the attempt is given as private files (path: REEVE_SECRET_<NAME>).
  /// Not among the fields: a secret is neither journaled nor written down with its launch.
  std::vector<std::pair<std::string, std::string>> secrets;
  friend bool operator==(const Launch&, const Launch&) = default;

  static constexpr auto fields() {
    return std::tuple{field("token", &Launch::token),
                      field("task", &Launch::task),
                      field("attempt", &Launch::attempt),
                      field("run", &Launch::run),
                      field("arguments", &Launch::arguments),
                      field("script", &Launch::script),
                      field("environment", &Launch::environment),
                      field("work_directory", &Launch::work_directory),
                      field("resources", &Launch::resources),
                      field("start_timeout", &Launch::start_timeout),
                      field("run_timeout", &Launch::run_timeout),
                      field("idle_timeout", &Launch::idle_timeout),
                      field("grace", &Launch::grace),
                      field("output_bytes_max", &Launch::output_bytes_max),
                      field("sandbox", &Launch::sandbox),
                      field("hold", &Launch::hold),
                      field("batch", &Launch::batch)};
  }
};

/// Somebody is about to enter the sandbox of an attempt that runs: they show the ticket, which is
/// good once and for a short time, and the command is started beside the attempt's own.
struct EnterOrder {
  Token token;
  Uuid ticket;
  std::vector<std::string> command;
  friend bool operator==(const EnterOrder&, const EnterOrder&) = default;

  static constexpr auto fields() {
    return std::tuple{field("token", &EnterOrder::token), field("ticket", &EnterOrder::ticket),
                      field("command", &EnterOrder::command)};
  }
};

/// The program of an attempt failed, and its sandbox is kept open to be looked at. Its end follows,
/// with this outcome. Repeated after a probe.
struct AttemptHold {
  Token token;
  Outcome outcome;
  Time until = kUnset;
  friend bool operator==(const AttemptHold&, const AttemptHold&) = default;

  static constexpr auto fields() {
    return std::tuple{field("token", &AttemptHold::token), field("outcome", &AttemptHold::outcome),
                      field("until", &AttemptHold::until)};
  }
};

/// Of an attempt while it runs. Lossy: only the newest matters.
struct Progress {
  Token token;
  std::int16_t percent = -1;  ///< 0..100, or -1: unknown
  std::string message;        ///< at most 200 bytes of valid UTF-8, no control characters
  friend bool operator==(const Progress&, const Progress&) = default;

  static constexpr auto fields() {
    return std::tuple{field("token", &Progress::token), field("percent", &Progress::percent),
                      field("message", &Progress::message)};
  }
};

/// What an attempt uses while it runs: of its control group where it has one, else of the processes
/// that descend from its first (a sum that misses what left them). Lossy: only the newest matters.
struct AttemptSample {
  Token token;
  Time at = kUnset;
  Duration cpu{0};                  ///< user and system, so far
  std::int64_t cpu_millicores = 0;  ///< in the last period
  std::int64_t memory_bytes = 0;
  std::int64_t memory_peak_bytes = 0;  ///< of the samples
  std::int64_t processes = 0;          ///< threads count in a control group
  std::int64_t read_bytes = 0;
  std::int64_t written_bytes = 0;
  std::int64_t read_bytes_per_second = 0;  ///< in the last period
  std::int64_t written_bytes_per_second = 0;
  /// Part of the last period in which some process of it waited for more; -1: not known.
  std::int32_t cpu_stalled_per_mille = -1;
  std::int32_t memory_stalled_per_mille = -1;
  std::int32_t io_stalled_per_mille = -1;
  friend bool operator==(const AttemptSample&, const AttemptSample&) = default;

  static constexpr auto fields() {
    using Self = AttemptSample;
    return std::tuple{field("token", &Self::token),
                      field("at", &Self::at),
                      field("cpu", &Self::cpu),
                      field("cpu_millicores", &Self::cpu_millicores),
                      field("memory_bytes", &Self::memory_bytes),
                      field("memory_peak_bytes", &Self::memory_peak_bytes),
                      field("processes", &Self::processes),
                      field("read_bytes", &Self::read_bytes),
                      field("written_bytes", &Self::written_bytes),
                      field("read_bytes_per_second", &Self::read_bytes_per_second),
                      field("written_bytes_per_second", &Self::written_bytes_per_second),
                      field("cpu_stalled_per_mille", &Self::cpu_stalled_per_mille),
                      field("memory_stalled_per_mille", &Self::memory_stalled_per_mille),
                      field("io_stalled_per_mille", &Self::io_stalled_per_mille)};
  }
};

struct OutputValue {
  std::string name;
  std::string value;
  friend bool operator==(const OutputValue&, const OutputValue&) = default;
  static constexpr auto fields() {
    return std::tuple{field("name", &OutputValue::name), field("value", &OutputValue::value)};
  }
};

/// The end of an attempt. Kept and repeated by the executor until it is told to forget the token.
struct AttemptEnd {
  Token token;
  Outcome outcome;
  Usage usage;
  Time started_at = kUnset;  ///< kUnset: it never ran
  Time ended_at = kUnset;
  std::vector<OutputValue> outputs;      ///< what it wrote to REEVE_OUTPUT
  std::string message;                   ///< for people: why it could not start, ...
  SandboxTier tier = SandboxTier::none;  ///< that it ran in
  friend bool operator==(const AttemptEnd&, const AttemptEnd&) = default;

  static constexpr auto fields() {
    return std::tuple{
        field("token", &AttemptEnd::token),       field("outcome", &AttemptEnd::outcome),
        field("usage", &AttemptEnd::usage),       field("started_at", &AttemptEnd::started_at),
        field("ended_at", &AttemptEnd::ended_at), field("outputs", &AttemptEnd::outputs),
        field("message", &AttemptEnd::message),   field("tier", &AttemptEnd::tier)};
  }
};

/// What an executor knows of a token when asked.
enum class Liveness : std::uint8_t { unknown, waiting, running, ended };

}  // namespace reeve
