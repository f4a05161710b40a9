// Operating failures (DESIGN §8.2): Result<T> carries a value or an Error with a code of a closed
// set, a sentence that says what to do, and the causes below it. A task that fails is not an Error.
// Plain values; no thread rule.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

namespace reeve {

enum class ErrorCode : std::uint8_t {
  invalid_argument,   ///< the caller's input is wrong; the message says where
  not_found,          ///< no such entity
  conflict,           ///< the entity's state forbids it, or somebody else holds it
  permission_denied,  ///< known, but not allowed
  unauthenticated,    ///< not known
  exhausted,          ///< a queue or quota is full: try again later
  unavailable,        ///< the other side does not answer
  unplaceable,        ///< no pool could ever run it
  corrupt,            ///< stored data fails its checks
  io_failed,          ///< the operating system refused a file, socket or process operation
  unsupported,        ///< this machine or build cannot do it
};

/// One row of the table that maps a code to what the outside sees. `retryable`: the same call may
/// succeed later without being changed.
struct ErrorCodeInfo {
  ErrorCode code;
  std::string_view name;
  int http_status;
  int exit_status;
  bool retryable;
};

/// All rows, in the order of the enumeration.
std::span<const ErrorCodeInfo> error_code_table();
const ErrorCodeInfo& info(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::io_failed;
  std::string message;
  std::vector<std::string> causes;  ///< outermost first; does not hold `message`

  /// "message: cause: cause", for one line on stderr.
  std::string text() const;
  friend bool operator==(const Error&, const Error&) = default;
};

template <class T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

inline tl::unexpected<Error> fail(ErrorCode code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message), {}});
}
/// Puts `message` in front of a failure and keeps its code.
tl::unexpected<Error> wrap(Error cause, std::string message);
/// An io_failed (or permission_denied, exhausted) error from errno: "message: No such file ...".
tl::unexpected<Error> fail_errno(int error_number, std::string message);

}  // namespace reeve

#define REEVE_CONCAT_INNER(a, b) a##b
#define REEVE_CONCAT(a, b) REEVE_CONCAT_INNER(a, b)
/// TRY(expression): returns the failure from the enclosing function, or goes on.
#define TRY(expression)                                                                \
  do {                                                                                 \
    auto reeve_try_result = (expression);                                              \
    if (!reeve_try_result) return tl::unexpected(std::move(reeve_try_result).error()); \
  } while (false)
/// TRY_ASSIGN(auto x, expression): as TRY, and x takes the value.
#define TRY_ASSIGN(declaration, expression) \
  TRY_ASSIGN_NAMED(REEVE_CONCAT(reeve_try_, __LINE__), declaration, expression)
#define TRY_ASSIGN_NAMED(name, declaration, expression)      \
  auto name = (expression);                                  \
  if (!name) return tl::unexpected(std::move(name).error()); \
  declaration = std::move(name).value()
