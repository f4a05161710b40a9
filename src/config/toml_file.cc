#include "config/toml_file.h"

#include <algorithm>
#include <cstddef>

#include <fmt/format.h>

#define TOML_ENABLE_FORMATTERS 0
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

namespace reeve::config {
namespace {

constexpr int kDepthMax = 16;

std::string_view kind_of(toml::node_type type) {
  switch (type) {
    case toml::node_type::floating_point: return "a fraction";
    case toml::node_type::date:
    case toml::node_type::time:
    case toml::node_type::date_time: return "a date or time";
    case toml::node_type::table: return "a table";
    case toml::node_type::array: return "a list";
    case toml::node_type::integer: return "a number";
    case toml::node_type::boolean: return "true or false";
    case toml::node_type::string: return "a text";
    case toml::node_type::none: return "nothing";
  }
  return "nothing";
}

TomlValue value_of(const toml::node& node) {
  if (const auto* found = node.as_boolean()) return found->get();
  if (const auto* found = node.as_integer()) return std::int64_t{found->get()};
  if (const auto* found = node.as_string()) return std::string(found->get());
  if (const auto* found = node.as_array()) {
    std::vector<std::string> items;
    for (const toml::node& item : *found) {
      const auto* text = item.as_string();
      if (text == nullptr)
        return TomlUnfit{fmt::format("a list that holds {}", kind_of(item.type()))};
      items.push_back(text->get());
    }
    return items;
  }
  return TomlUnfit{std::string(kind_of(node.type()))};
}

/// `depth` is bounded: files of ours are two or three deep.
void walk(const toml::table& table, const std::string& prefix, int depth, TomlFile& out) {
  for (const auto& [key, node] : table) {
    TomlEntry entry{.name = prefix + std::string(key.str())};
    entry.line = node.source().begin.line;
    entry.column = node.source().begin.column;
    entry.key_line = key.source().begin.line;
    entry.key_column = key.source().begin.column;
    const toml::table* const inner = node.as_table();
    if (inner == nullptr || depth >= kDepthMax) {
      entry.value = value_of(node);
      out.entries.push_back(std::move(entry));
    } else {
      const std::string name = entry.name;
      out.tables.push_back(std::move(entry));
      walk(*inner, name + ".", depth + 1, out);
    }
  }
}

}  // namespace

TomlFile read_toml(std::string_view text) {
  TomlFile out;
  if (text.size() > kTomlBytesMax) {
    out.error = fmt::format("the file is larger than {} bytes", kTomlBytesMax);
    out.line = out.column = 1;
    return out;
  }
  try {
    walk(toml::parse(text), "", 0, out);
  } catch (const toml::parse_error& error) {
    out = {};
    out.error = error.description();
    out.line = error.source().begin.line;
    out.column = error.source().begin.column;
  }
  const auto by_place = [](const TomlEntry& a, const TomlEntry& b) {
    return std::pair(a.key_line, a.key_column) < std::pair(b.key_line, b.key_column);
  };
  std::ranges::stable_sort(out.entries, by_place);
  std::ranges::stable_sort(out.tables, by_place);
  return out;
}

}  // namespace reeve::config
