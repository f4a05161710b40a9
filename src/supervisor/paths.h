// Where the supervisor keeps things below the state directory, for itself and for those who read
// logs. Only names: makes and opens nothing. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>

#include "base/codec.h"
#include "base/ids.h"

namespace reeve::supervisor {

/// What the files of an attempt are named after.
struct AttemptName {
  Uuid run;
  std::uint32_t task_index = 0;
  std::uint32_t attempt = 0;
  friend bool operator==(const AttemptName&, const AttemptName&) = default;

  static constexpr auto fields() {
    return std::tuple{field("run", &AttemptName::run),
                      field("task_index", &AttemptName::task_index),
                      field("attempt", &AttemptName::attempt)};
  }
};

enum class AttemptFile : std::uint8_t { output, progress, script };

std::string log_directory(std::string_view state, const Uuid& run);
/// <state>/logs/run_.../<task index>.<attempt>.log
std::string log_path(std::string_view state, const AttemptName& name);
std::string run_directory(std::string_view state, const Uuid& run);
/// <state>/runs/run_.../<task index>.<attempt>.output (or .progress, .script)
std::string attempt_path(std::string_view state, const AttemptName& name, AttemptFile file);

inline constexpr std::string_view kSocketName = "supervisor.sock";
inline constexpr std::string_view kEntranceName = "enter.sock";
inline constexpr std::string_view kLockName = "supervisor.lock";
inline constexpr std::string_view kIdName = "supervisor.id";
inline constexpr std::string_view kSpoolName = "supervisor.spool";
inline constexpr std::string_view kMessagesName = "supervisor.log";
std::string state_file(std::string_view state, std::string_view name);

}  // namespace reeve::supervisor
