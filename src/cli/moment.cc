#include "cli/moment.h"

#include <fmt/format.h>

#include "cli/system_clock.h"

namespace reeve::cli {

Checked<Time> read_moment(const Arguments& arguments, std::string_view option) {
  const std::string* const text = arguments.find(option);
  if (text == nullptr) return kUnset;
  if (const auto ago = parse_duration(*text)) return wall_now() - *ago;
  if (const auto time = parse_time(*text)) return *time;
  return usage(fmt::format(
      "--{} wants how long ago, such as 2h, or a time such as 2026-11-23T18:00:00Z, not '{}'",
      option, *text));
}

}  // namespace reeve::cli
