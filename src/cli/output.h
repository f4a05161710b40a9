// Data for people and programs: the same items as table, JSON, JSON lines, YAML or names. The JSON
// is a contract: {"version": 1, "<kind>": [...]}, its fields described in output_fields.cc and in
// docs/cli.md. Pure but for the stream that is written to.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "cli/arguments.h"
#include "cli/styled_text.h"
#include "cli/terminal.h"

namespace reeve::cli {

using Json = boost::json::value;
using JsonObject = boost::json::object;

inline constexpr int kOutputVersion = 1;

enum class Format : std::uint8_t { table, json, jsonl, yaml, name };

/// One row of the contract.
struct FieldInfo {
  std::string_view name;
  std::string_view type;  ///< "string", "number", "time?" (null when there is none), ...
  std::string_view meaning;
};
/// What the items of one kind hold, e.g. of "runs".
struct KindInfo {
  std::string_view kind;
  std::string_view command;  ///< that prints it
  std::span<const FieldInfo> fields;
};
std::span<const KindInfo> kind_table();
const KindInfo& kind_info(std::string_view kind);

struct OutputChoice {
  Format format = Format::table;
  std::vector<std::string> fields;  ///< of --json; empty: all
  static Checked<OutputChoice> from(const Arguments& arguments, std::string_view kind);
};

enum class Align : std::uint8_t { left, right };
struct Cell {
  std::string text;  ///< from anywhere: made safe when printed
  Tone tone = Tone::plain;
};
struct Column {
  std::string_view title;
  std::function<Cell(const JsonObject&)> cell;
  Align align = Align::left;
  bool shrinks = false;  ///< gives way first when the terminal is too narrow
};

struct Listing {
  std::string_view kind;  ///< "runs": also the name of the array
  std::string_view id_field = "id";
  std::vector<JsonObject> items;
  std::vector<Column> columns;
};

/// `columns`: width of the terminal, or 0 for none.
std::string render_listing(const Listing& listing, const OutputChoice& choice, Colour colour,
                           int columns);
/// The table alone, as lines.
std::vector<Line> render_table(const Listing& listing, int columns);

/// One object: {"version": 1, "<kind>": {...}}; `table` gives the text for people.
std::string render_document(std::string_view kind, const JsonObject& body,
                            const OutputChoice& choice, const std::function<std::string()>& table);

/// JSON with numbers as people write them, and YAML of the same value.
std::string to_json_text(const Json& value, bool pretty);
std::string to_yaml_text(const Json& value);

/// RFC 3339, or null for kUnset and kNever; seconds, or null when it has not ended.
Json time_json(Time time);
Json seconds_json(Duration duration);
/// Text of a field: "" for null and for what is not there.
std::string text_of(const JsonObject& item, std::string_view field);

}  // namespace reeve::cli
