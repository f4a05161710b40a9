#include "egress/message.h"

#include <algorithm>
#include <array>

namespace reeve::egress {
namespace {

constexpr std::string_view kHosts = "hosts ";
constexpr std::string_view kFail = "fail ";

}  // namespace

Message read_message(std::string_view bytes) {
  if (bytes == "1") return Connected{};
  if (bytes.starts_with(kHosts)) return Pinned{std::string(bytes.substr(kHosts.size()))};
  if (!bytes.starts_with(kFail)) return Talk{std::string(bytes)};
  const std::string_view rest = bytes.substr(kFail.size());
  const std::size_t space = std::min(rest.find(' '), rest.size());
  Error error;
  error.code = ErrorCode::io_failed;
  error.message = rest.substr(std::min(space + 1, rest.size()));
  for (const ErrorCodeInfo& row : error_code_table())
    if (row.name == rest.substr(0, space)) error.code = row.code;
  return error;
}

std::string pinned_message(std::string_view hosts) { return std::string(kHosts).append(hosts); }

std::string failure_message(const Error& error) {
  return std::string(kFail).append(info(error.code).name).append(" ").append(error.text());
}

}  // namespace reeve::egress
