// The words of one command line, checked against the command table: which command, which options
// with which values, which arguments. Numbers and the like are read by those who need them. Values;
// no thread rule.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "cli/command.h"
#include "cli/failure.h"

namespace reeve::cli {

struct Arguments {
  const Command* command = nullptr;                              ///< null: none was named
  std::map<std::string_view, std::vector<std::string>> options;  ///< by Option::name, if given
  std::vector<std::string> words;                                ///< the arguments of the command
  std::vector<std::string> trailing;                             ///< what followed `--`
  bool has_separator = false;                                    ///< there was a `--`

  bool has(std::string_view option) const { return options.contains(option); }
  /// The last value given, or nullptr.
  const std::string* find(std::string_view option) const;
  std::string value_or(std::string_view option, std::string_view fallback) const;
  std::span<const std::string> all(std::string_view option) const;

  /// Values with a meaning; a value that has none is a usage failure that names the option.
  Checked<std::optional<std::int64_t>> number(std::string_view option, std::int64_t least,
                                              std::int64_t most) const;
  Checked<std::optional<Duration>> duration(std::string_view option) const;
};

/// `words` without the name of the program. A command line without a command is not a failure:
/// `command` is null then.
Checked<Arguments> parse_arguments(std::span<const std::string> words);

/// "NAME=VALUE" cut at the first '='; `option` names it in the failure.
struct Assignment {
  std::string name;
  std::string value;
};
Checked<Assignment> parse_assignment(std::string_view option, const std::string& text);

}  // namespace reeve::cli
