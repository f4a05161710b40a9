// A TOML file as a flat list of its values with their places. The only place that knows toml++, and
// that catches what it throws. Pure; no thread rule.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace reeve::config {

/// `text` for what can only be a mistake in our files: dates, fractions, tables in arrays.
struct TomlUnfit {
  std::string kind;
};
using TomlValue =
    std::variant<bool, std::int64_t, std::string, std::vector<std::string>, TomlUnfit>;

struct TomlEntry {
  std::string name;  ///< "server.listen": keys of tables, joined by dots
  TomlValue value;
  std::uint32_t line = 0;    ///< of the value; from 1
  std::uint32_t column = 0;  ///< in bytes, from 1
  std::uint32_t key_line = 0;
  std::uint32_t key_column = 0;
};
struct TomlFile {
  std::vector<TomlEntry> entries;  ///< in the order of the file
  std::vector<TomlEntry> tables;   ///< named ones, also empty; the value means nothing
  std::string error;               ///< "": it is TOML
  std::uint32_t line = 0;          ///< of the error
  std::uint32_t column = 0;
};

inline constexpr std::size_t kTomlBytesMax = 1024 * 1024;

TomlFile read_toml(std::string_view text);

}  // namespace reeve::config
