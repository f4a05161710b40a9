#include "cli/output.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/text_width.h"

namespace reeve::cli {
namespace {

constexpr int kShrunkenMin = 8;

JsonObject selected(const JsonObject& item, const OutputChoice& choice) {
  if (choice.fields.empty()) return item;
  JsonObject out;
  for (const std::string& field : choice.fields) {
    const Json* const value = item.if_contains(field);
    out[field] = value == nullptr ? Json(nullptr) : *value;
  }
  return out;
}

std::string names_of(const Listing& listing) {
  std::string out;
  for (const JsonObject& item : listing.items) {
    out += sanitize_for_terminal(text_of(item, listing.id_field));
    out += '\n';
  }
  return out;
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> out;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    if (end > begin) out.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

Checked<void> check_fields(const std::vector<std::string>& fields, std::string_view kind) {
  std::vector<std::string> known;
  for (const FieldInfo& field : kind_info(kind).fields) known.emplace_back(field.name);
  for (const std::string& field : fields) {
    if (std::ranges::find(known, field) != known.end()) continue;
    const std::string match = closest_match(field, known);
    std::string all;
    for (const std::string& name : known) all += (all.empty() ? "" : ", ") + name;
    return usage(fmt::format("--json: there is no field '{}'", field),
                 match.empty() ? fmt::format("the fields are {}", all)
                               : fmt::format("did you mean {}?", match));
  }
  return {};
}

/// Widths of columns, after those that shrink have given way.
std::vector<int> column_widths(const std::vector<std::vector<Cell>>& rows,
                               const std::vector<Column>& columns, int available) {
  std::vector<int> widths;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    int width = display_width(columns[i].title);
    for (const auto& row : rows) width = std::max(width, display_width(row[i].text));
    widths.push_back(width);
  }
  if (available == 0) return widths;
  int total = 2 * (static_cast<int>(columns.size()) - 1);
  for (const int width : widths) total += width;
  while (total > available) {
    int* widest = nullptr;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (columns[i].shrinks && widths[i] > kShrunkenMin &&
          (widest == nullptr || widths[i] > *widest))
        widest = &widths[i];
    }
    if (widest == nullptr) break;
    --*widest;
    --total;
  }
  return widths;
}

Line table_line(const std::vector<Cell>& cells, const std::vector<Column>& columns,
                const std::vector<int>& widths) {
  Line line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const bool is_last = i + 1 == cells.size();
    std::string text = fit(cells[i].text, widths[i]);
    if (columns[i].align == Align::right) {
      text = pad_left(std::move(text), widths[i]);
    } else if (!is_last) {
      text = pad_right(std::move(text), widths[i]);
    }
    line.add(std::move(text), cells[i].tone);
    if (!is_last) line.add("  ");
  }
  return line;
}

void append_yaml(std::string& out, const Json& value, std::size_t indent, bool in_list);

std::string yaml_scalar(const Json& value) {
  if (const auto* text = value.if_string(); text != nullptr) {
    const std::string_view plain(text->data(), text->size());
    const bool is_word =
        !plain.empty() &&
        std::ranges::all_of(plain,
                            [](char c) {
                              return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
                                     c == '/';
                            }) &&
        plain != "null" && plain != "true" && plain != "false" && plain != "yes" && plain != "no" &&
        plain != "on" && plain != "off" && plain != "y" && plain != "n";
    if (is_word) return std::string(plain);
  }
  return to_json_text(value, false);  // JSON strings and numbers are YAML
}

void append_yaml_entry(std::string& out, const Json& value, std::size_t indent) {
  const bool is_empty = (value.is_object() && value.get_object().empty()) ||
                        (value.is_array() && value.get_array().empty());
  if (value.is_structured() && !is_empty) {
    out += '\n';
    append_yaml(out, value, indent, false);
  } else {
    out += ' ';
    out += is_empty ? to_json_text(value, false) : yaml_scalar(value);
    out += '\n';
  }
}

void append_yaml(std::string& out, const Json& value, std::size_t indent, bool in_list) {
  if (const auto* object = value.if_object(); object != nullptr) {
    bool first = in_list;  // its first key stands behind the dash
    for (const auto& [key, entry] : *object) {
      if (!first) out.append(indent, ' ');
      first = false;
      out += yaml_scalar(Json(key));
      out += ':';
      append_yaml_entry(out, entry, indent + 2);
    }
    return;
  }
  for (const Json& entry : value.get_array()) {
    out.append(indent, ' ').append("-");
    if (entry.is_object() && !entry.get_object().empty()) {
      out += ' ';
      append_yaml(out, entry, indent + 2, true);
    } else {
      append_yaml_entry(out, entry, indent + 2);
    }
  }
}

}  // namespace

Checked<OutputChoice> OutputChoice::from(const Arguments& arguments, std::string_view kind) {
  OutputChoice choice;
  if (const std::string* fields = arguments.find("json"); fields != nullptr) {
    choice.format = Format::json;
    choice.fields = split(*fields, ',');
    if (choice.fields.empty()) return usage("--json wants the names of fields");
    TRY(check_fields(choice.fields, kind));
  }
  if (const std::string* format = arguments.find("output"); format != nullptr) {
    if (*format == "table") choice.format = Format::table;
    if (*format == "json") choice.format = Format::json;
    if (*format == "jsonl") choice.format = Format::jsonl;
    if (*format == "yaml") choice.format = Format::yaml;
    if (*format == "name") choice.format = Format::name;
  } else if (choice.fields.empty() && arguments.has("quiet")) {
    choice.format = Format::name;
  }
  return choice;
}

std::vector<Line> render_table(const Listing& listing, int columns) {
  std::vector<std::vector<Cell>> rows;
  for (const JsonObject& item : listing.items) {
    auto& row = rows.emplace_back();
    for (const Column& column : listing.columns) {
      Cell cell = column.cell(item);
      cell.text = sanitize_for_terminal(cell.text);
      row.push_back(std::move(cell));
    }
  }
  const std::vector<int> widths = column_widths(rows, listing.columns, columns);
  std::vector<Line> lines;
  std::vector<Cell> head;
  for (const Column& column : listing.columns)
    head.push_back({std::string(column.title), Tone::faint});
  lines.push_back(table_line(head, listing.columns, widths));
  for (const auto& row : rows) lines.push_back(table_line(row, listing.columns, widths));
  for (Line& line : lines) {
    line.trim();
    if (columns > 0) line.fit_to(columns);
  }
  return lines;
}

std::string render_listing(const Listing& listing, const OutputChoice& choice, Colour colour,
                           int columns) {
  std::string out;
  if (choice.format == Format::name) return names_of(listing);
  if (choice.format == Format::table) {
    for (const Line& line : render_table(listing, columns)) out += to_text(line, colour) + "\n";
    return out;
  }
  if (choice.format == Format::jsonl) {
    for (const JsonObject& item : listing.items) {
      JsonObject whole{{"version", kOutputVersion}};
      for (auto& [key, value] : selected(item, choice)) whole[key] = value;
      out += to_json_text(whole, false) + "\n";
    }
    return out;
  }
  boost::json::array items;
  for (const JsonObject& item : listing.items) items.emplace_back(selected(item, choice));
  const JsonObject whole{{"version", kOutputVersion}, {listing.kind, std::move(items)}};
  return choice.format == Format::yaml ? to_yaml_text(whole) : to_json_text(whole, true) + "\n";
}

std::string render_document(std::string_view kind, const JsonObject& body,
                            const OutputChoice& choice, const std::function<std::string()>& table) {
  switch (choice.format) {
    case Format::table: return table();
    case Format::name: {
      const std::string id = sanitize_for_terminal(text_of(body, "id"));
      return id.empty() ? id : id + "\n";
    }
    case Format::json:
    case Format::jsonl:
    case Format::yaml: break;
  }
  const JsonObject whole{{"version", kOutputVersion}, {kind, selected(body, choice)}};
  if (choice.format == Format::yaml) return to_yaml_text(whole);
  return to_json_text(whole, choice.format == Format::json) + "\n";
}

std::string to_yaml_text(const Json& value) {
  std::string out;
  append_yaml(out, value, 0, false);
  return out;
}

}  // namespace reeve::cli
