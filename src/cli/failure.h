// How a command ends when it cannot do what it was asked to: a message for stderr, perhaps a hint,
// and the exit status of CONVENTIONS §1. An Error of the inner rings becomes one by the table in
// base/result.h; what is wrong with the command line itself is status 2. Values; no thread rule.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace reeve::cli {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitRunUnsuccessful = 5;
inline constexpr int kExitConflict = 6;
inline constexpr int kExitUnplaceable = 8;
inline constexpr int kExitTimedOut = 124;
inline constexpr int kExitEngineFault = 125;
inline constexpr int kExitInterrupted = 130;
inline constexpr int kExitTerminated = 143;

struct Failure {
  std::string message;
  std::string hint;  ///< a second line: what to do instead, or ""
  int status = kExitFailed;

  Failure() = default;
  Failure(Error error)  // NOLINT(google-explicit-constructor): TRY turns errors into failures
      : message(error.text()),
        status(info(error.code).exit_status) {}
  Failure(int exit_status, std::string text, std::string what_to_do = {})
      : message(std::move(text)),
        hint(std::move(what_to_do)),
        status(exit_status) {}
};

template <class T>
using Checked = tl::expected<T, Failure>;
/// What a command gives: its exit status.
using Ended = Checked<int>;

inline tl::unexpected<Failure> usage(std::string message, std::string hint = {}) {
  return tl::unexpected<Failure>(Failure(kExitUsage, std::move(message), std::move(hint)));
}

}  // namespace reeve::cli
