#include "base/result.h"

#include <array>
#include <cerrno>
#include <system_error>

#include "base/ensure.h"

namespace reeve {
namespace {

constexpr std::array<ErrorCodeInfo, 11> kErrorCodes{{
    {ErrorCode::invalid_argument, "invalid_argument", 422, 6, false},
    {ErrorCode::not_found, "not_found", 404, 3, false},
    {ErrorCode::conflict, "conflict", 409, 6, false},
    {ErrorCode::permission_denied, "permission_denied", 403, 4, false},
    {ErrorCode::unauthenticated, "unauthenticated", 401, 4, false},
    {ErrorCode::exhausted, "exhausted", 429, 1, true},
    {ErrorCode::unavailable, "unavailable", 503, 7, true},
    {ErrorCode::unplaceable, "unplaceable", 422, 8, false},
    {ErrorCode::corrupt, "corrupt", 500, 1, false},
    {ErrorCode::io_failed, "io_failed", 500, 1, true},
    {ErrorCode::unsupported, "unsupported", 501, 1, false},
}};

}  // namespace

std::span<const ErrorCodeInfo> error_code_table() { return kErrorCodes; }

const ErrorCodeInfo& info(ErrorCode code) {
  const auto index = static_cast<std::size_t>(code);
  ENSURE(index < kErrorCodes.size() && kErrorCodes[index].code == code);
  return kErrorCodes[index];
}

std::string Error::text() const {
  std::string out = message;
  for (const std::string& cause : causes) out.append(": ").append(cause);
  return out;
}

tl::unexpected<Error> wrap(Error cause, std::string message) {
  cause.causes.insert(cause.causes.begin(), std::move(cause.message));
  cause.message = std::move(message);
  return tl::unexpected<Error>(std::move(cause));
}

tl::unexpected<Error> fail_errno(int error_number, std::string message) {
  ErrorCode code = ErrorCode::io_failed;
  if (error_number == EACCES || error_number == EPERM) code = ErrorCode::permission_denied;
  if (error_number == ENOENT) code = ErrorCode::not_found;
  if (error_number == EAGAIN || error_number == EMFILE || error_number == ENFILE)
    code = ErrorCode::exhausted;
  return tl::unexpected<Error>(
      Error{code, std::move(message), {std::generic_category().message(error_number)}});
}

}  // namespace reeve
