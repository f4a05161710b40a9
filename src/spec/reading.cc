#include "spec/reading.h"

#include <algorithm>
#include <cmath>

#include "spec/expression_syntax.h"
#include "spec/json_text.h"
#include "spec/shape_check.h"

namespace reeve::spec {
namespace {

constexpr std::string_view kOpen = "${{";

// As the text between the quotes of an expression's string.
std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    out += c;
    if (c == '\'') out += c;
  }
  return out + "'";
}

// As literal text of a format() pattern.
std::string format_literal(std::string_view text) {
  std::string out;
  for (const char c : text) {
    out += c;
    if (c == '{' || c == '}') out += c;
  }
  return out;
}

// Writes a tree as the call `format(pattern, argument...)` that gives its JSON text.
class FormatCall {
 public:
  std::string text() const { return "format(" + quoted(pattern_) + arguments_ + ")"; }

  void append(const YamlNode& node, std::span<const std::string_view> left_out = {}) {
    if (node.is_list()) {
      pattern_ += '[';
      bool first = true;
      for (auto item = node.first(); item; item = item->next()) {
        if (!first) pattern_ += ',';
        first = false;
        append(*item);
      }
      pattern_ += ']';
    } else if (node.is_map()) {
      append_map(node, left_out);
    } else if (node.text().find(kOpen) == std::string_view::npos) {
      append_literal(node.scalar_value());
    } else {
      append_template(node.text());
    }
  }

 private:
  void append_map(const YamlNode& node, std::span<const std::string_view> left_out) {
    pattern_ += "{{";
    bool first = true;
    for (const YamlNode::Entry& entry : node.entries()) {
      if (std::ranges::find(left_out, entry.key.text()) != left_out.end()) continue;
      if (!first) pattern_ += ',';
      first = false;
      append_literal(Json(entry.key.text()));
      pattern_ += ':';
      append(entry.value);
    }
    pattern_ += "}}";
  }

  void append_literal(const Json& value) {
    std::string json;
    // Too long: the expression will be too, and that is reported.
    static_cast<void>(append_json(json, value, JsonStyle::compact, kExpressionBytesMax));
    pattern_ += format_literal(json);
  }

  // One expression keeps its type; mixed text becomes a text.
  void append_template(std::string_view text) {
    pattern_ += "{" + std::to_string(count_++) + "}";
    const auto parsed = Template::parse(text);
    if (!parsed) return;
    if (parsed->is_single_expression()) {
      arguments_ += ", toJSON(" + parsed->expressions()[0].second->text() + ")";
      return;
    }
    std::string inner;
    std::string inner_arguments;
    std::size_t at = 0;
    std::size_t number = 0;
    for (const auto& [offset, expression] : parsed->expressions()) {
      inner += format_literal(text.substr(at, offset - kOpen.size() - at));
      inner += "{" + std::to_string(number++) + "}";
      inner_arguments += ", " + expression->text();
      at = offset + expression->text().size() + 2;
    }
    inner += format_literal(text.substr(at));
    arguments_ += ", toJSON(format(" + quoted(inner) + inner_arguments + "))";
  }

  std::string pattern_;
  std::string arguments_;
  std::size_t count_ = 0;
};

}  // namespace

Template Reading::read_template(const YamlNode& node, Place place) {
  if (!node.is_scalar()) return {};
  const std::string_view text = node.text();
  if (text.find(kOpen) == std::string_view::npos) return Template::literal(std::string(text));
  auto parsed = Template::parse_at(text);
  if (!parsed) {
    diagnostics_.error_in_text(node, parsed.error().offset, parsed.error().message);
    return Template::literal(std::string(text));
  }
  for (const auto& [offset, expression] : parsed->expressions())
    sites_.push_back({*expression, node, offset, place, group_});
  return std::move(*parsed);
}

std::optional<Expression> Reading::read_condition(const YamlNode& node) {
  if (!node.is_scalar()) return std::nullopt;
  const std::string_view text = node.text();
  std::size_t start = 0;
  std::size_t size = text.size();
  if (const std::size_t open = text.find(kOpen);
      open != std::string_view::npos && text.find_first_not_of(" \t\r\n") == open) {
    if (!is_one_expression(text)) {
      diagnostics_.error(node,
                         "a condition is one expression: write ${{ a && b }} or a && b, not "
                         "${{ a }} && b");
      return std::nullopt;
    }
    start = open + kOpen.size();
    size = find_expression_end(text, start) - start;
  }
  auto parsed = Expression::parse_at(text.substr(start, size));
  if (!parsed) {
    diagnostics_.error_in_text(node, start + parsed.error().offset, parsed.error().message);
    return std::nullopt;
  }
  sites_.push_back({*parsed, node, start, Place::condition, group_});
  return std::move(*parsed);
}

Template Reading::read_dynamic_value(const YamlNode& node, Place place,
                                     std::span<const std::string_view> left_out) {
  const bool had_errors = diagnostics_.has_errors();
  std::vector<YamlNode> open{node};
  while (!open.empty()) {
    const YamlNode next = open.back();
    open.pop_back();
    if (next.is_scalar()) read_template(next, place);
    for (const YamlNode& item : next.items()) open.push_back(item);
    for (const YamlNode::Entry& entry : next.entries()) open.push_back(entry.value);
  }
  FormatCall call;
  call.append(node, left_out);
  auto parsed = Template::parse("${{ fromJSON(" + call.text() + ") }}");
  if (parsed) return std::move(*parsed);
  if (!had_errors && !diagnostics_.has_errors()) {
    diagnostics_.error(node,
                       "too many values beside an expression; compute the list in a task "
                       "and use one ${{ fromJSON(...) }}");
  }
  return {};
}

bool Reading::read_boolean(const YamlNode& node) const {
  const Json value = node.scalar_value();
  return value.is_bool() && value.get_bool();
}

std::int64_t Reading::read_integer(const YamlNode& node) const {
  const Json value = node.scalar_value();
  if (const auto* whole = value.if_int64()) return *whole;
  constexpr double kExact = 9007199254740992.0;  // 2^53
  const auto* real = value.if_double();
  if (real == nullptr || !(std::abs(*real) < kExact)) return 0;
  return static_cast<std::int64_t>(*real);
}

Duration Reading::read_duration(const YamlNode& node) const {
  return parse_duration(node.text()).value_or(Duration{0});
}

std::vector<YamlNode> Reading::read_list(const YamlNode& node) const {
  if (node.is_list()) return node.items();
  if (node.is_scalar()) return {node};
  return {};
}

bool holds_expression(const YamlNode& node) {
  std::vector<YamlNode> open{node};
  while (!open.empty()) {
    const YamlNode next = open.back();
    open.pop_back();
    if (next.text().find(kOpen) != std::string_view::npos) return true;
    for (const YamlNode& item : next.items()) open.push_back(item);
    for (const YamlNode::Entry& entry : next.entries()) open.push_back(entry.value);
  }
  return false;
}

// The recursion is bounded by the depth of the YAML tree.
void append_identity(std::string& out, const YamlNode& node) {
  if (node.is_scalar()) {
    out += node.is_plain() ? 'p' : 'q';
    out += std::to_string(node.text().size());
    out += ':';
    out += node.text();
    return;
  }
  out += node.is_map() ? '{' : node.is_list() ? '[' : '~';
  for (auto child = node.first(); child; child = child->next()) append_identity(out, *child);
  out += ';';
}

}  // namespace reeve::spec
