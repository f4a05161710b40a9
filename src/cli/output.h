// Data for people and programs: the same items as table, JSON, JSON lines, YAML or names. The JSON
// is a contract: {"version": 1, "<kind>": [...]}, its fields described in api/field_table.cc and in
// docs/cli.md. Pure but for the stream that is written to.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/field_table.h"
#include "api/json_values.h"
#include "cli/arguments.h"
#include "cli/styled_text.h"
#include "cli/terminal.h"

namespace reeve::cli {

using api::FieldInfo;
using api::Json;
using api::JsonObject;
using api::kind_info;
using api::kind_table;
using api::KindInfo;
using api::kOutputVersion;
using api::seconds_json;
using api::text_of;
using api::time_json;
using api::to_json_text;

enum class Format : std::uint8_t { table, json, jsonl, yaml, name };

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

std::string to_yaml_text(const Json& value);

}  // namespace reeve::cli
