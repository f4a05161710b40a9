#include "spec/shape_check.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/resources.h"
#include "base/text.h"
#include "base/time.h"
#include "spec/expression_syntax.h"
#include "spec/fan_out.h"
#include "spec/quantities.h"
#include "spec/suggest.h"

namespace reeve::spec {
namespace {

constexpr std::size_t kShownMax = 40;
constexpr std::string_view kLabelRule =
    "letters, digits and _ are possible, and behind the first . : / @ + and -";
constexpr std::string_view kQueueRule =
    "parts of small letters, digits, _ and - with / between them are possible, at most 8";

std::string shown(std::string_view text) {
  if (text.size() <= kShownMax) return "'" + sanitize_for_terminal(text) + "'";
  std::size_t cut = kShownMax;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;
  return "'" + sanitize_for_terminal(text.substr(0, cut)) + "...'";
}

std::string kind_of(const YamlNode& node) {
  switch (node.kind()) {
    case YamlKind::null: return "nothing";
    case YamlKind::list: return "a list";
    case YamlKind::map: return "a map";
    case YamlKind::scalar: break;
  }
  return (node.is_plain() ? "" : "the quoted text ") + shown(node.text());
}

std::string mismatch(const YamlNode& node, const Shape& shape) {
  return "expected " + expectation(shape) + ", got " + kind_of(node);
}

bool has_expression(std::string_view text) { return text.find("${{") != std::string_view::npos; }

std::string no_expression_here(const Shape& shape) {
  return "an expression is not possible here; expected " + expectation(shape);
}

std::string check_integer(const YamlNode& node, const Shape& shape) {
  const Json value = node.scalar_value();
  double number = std::numeric_limits<double>::quiet_NaN();
  if (const auto* whole = value.if_int64()) number = static_cast<double>(*whole);
  if (const auto* real = value.if_double()) number = *real;
  if (!(std::floor(number) == number)) return mismatch(node, shape);
  const bool in_range =
      number >= static_cast<double>(shape.min) && number <= static_cast<double>(shape.max);
  return in_range ? "" : mismatch(node, shape);
}

std::string check_number(const YamlNode& node, const Shape& shape) {
  const Json value = node.scalar_value();
  if (!value.is_number()) return mismatch(node, shape);
  const double number =
      value.is_double() ? value.get_double() : static_cast<double>(value.get_int64());
  const bool above = shape.min > 0 ? number >= static_cast<double>(shape.min) : number > 0;
  return above && number <= static_cast<double>(shape.max) ? "" : mismatch(node, shape);
}

std::string check_decimal(const YamlNode& node, const Shape& shape) {
  const Json value = node.scalar_value();
  if (!value.is_number()) return mismatch(node, shape);
  const double number =
      value.is_double() ? value.get_double() : static_cast<double>(value.get_int64());
  const bool is_inside =
      number >= static_cast<double>(shape.min) && number <= static_cast<double>(shape.max);
  return is_inside ? "" : mismatch(node, shape);
}

std::string check_duration(const YamlNode& node, const Shape& shape) {
  const auto duration = parse_duration(node.text());
  if (duration && (duration->count() > 0 || shape.scalar == ScalarKind::duration_or_zero))
    return {};
  if (duration) return "expected a duration above 0; leave it out for no limit";
  std::string message = mismatch(node, shape);
  if (node.scalar_value().is_number()) {
    const std::string number(node.text());
    message += "; a unit is needed: " + number + "s, " + number + "m or " + number + "h";
  }
  return message;
}

std::string check_text(const YamlNode& node, const Shape& shape) {
  const std::string_view text = node.text();
  switch (shape.text_rule) {
    case KeyKind::any: return {};
    case KeyKind::variable:
      return is_variable(text) ? ""
                               : mismatch(node, shape) + "; letters, digits and _ are possible";
    case KeyKind::identifier:
      return is_identifier(text)
                 ? ""
                 : mismatch(node, shape) + "; letters, digits, _ and - are possible";
    case KeyKind::label:
      return is_label_text(text) ? "" : mismatch(node, shape) + "; " + std::string(kLabelRule);
    case KeyKind::queue:
      return is_queue_name(text) ? "" : mismatch(node, shape) + "; " + std::string(kQueueRule);
  }
  return {};
}

std::string check_choice(const YamlNode& node, const Shape& shape) {
  const std::string_view text = node.text();
  if (std::ranges::find(shape.choices, text) != shape.choices.end()) return {};
  if (std::ranges::find(shape.later_choices, text) != shape.later_choices.end())
    return "not supported yet: " + shown(text) + "; expected " + join_names(shape.choices);
  return with_suggestion(mismatch(node, shape), closest_match(text, shape.choices));
}

std::string check_key(std::string_view key, const Shape& shape) {
  if (shape.key == KeyKind::variable) {
    if (!is_variable(key))
      return shown(key) + " cannot be a variable's name: letters, digits and _ are possible";
    if (key.starts_with("REEVE_")) return "names that begin with REEVE_ are the engine's own";
  }
  if (shape.key == KeyKind::identifier && !is_identifier(key))
    return shown(key) +
           " cannot be a name here: letters, digits, _ and - are possible, and no "
           "digit or - in front";
  if (shape.key == KeyKind::label && !is_label_text(key))
    return shown(key) + " cannot be a name here: " + std::string(kLabelRule);
  if (shape.key == KeyKind::queue && !is_queue_name(key))
    return shown(key) + " cannot be the name of a queue: " + std::string(kQueueRule);
  return {};
}

class ShapeChecker {
 public:
  explicit ShapeChecker(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  // The recursion is bounded by the depth of the YAML tree (kDepthMax).
  void check(const YamlNode& node, const Shape& shape) {
    if (shape.anything) return;
    switch (node.kind()) {
      case YamlKind::null:
        if (!shape.nullable) diagnostics_.error(node, mismatch(node, shape));
        return;
      case YamlKind::scalar: {
        std::string problem = check_scalar(node, shape);
        if (!problem.empty()) diagnostics_.error(node, std::move(problem));
        return;
      }
      case YamlKind::list: check_list(node, shape); return;
      case YamlKind::map: check_map(node, shape); return;
    }
  }

 private:
  void check_list(const YamlNode& node, const Shape& shape) {
    if (shape.item == nullptr) {
      diagnostics_.error(node, mismatch(node, shape));
      return;
    }
    if (node.size() < static_cast<std::size_t>(shape.items_min))
      diagnostics_.error(node, "expected " + expectation(shape) + ", got an empty list");
    check_size(node, shape);
    if (shape.item->anything) return;
    for (auto item = node.first(); item; item = item->next()) check(*item, *shape.item);
  }

  void check_map(const YamlNode& node, const Shape& shape) {
    if (!shape.is_map()) {
      diagnostics_.error(node, mismatch(node, shape));
      return;
    }
    if (node.size() < static_cast<std::size_t>(shape.items_min))
      diagnostics_.error(node, "expected " + expectation(shape) + ", got an empty map");
    check_size(node, shape);
    std::vector<std::pair<const Field*, YamlNode>> given;
    bool refused = false;
    for (auto key = node.first(); key;) {
      const auto value = key->next();
      if (const Field* field = find_field(shape, key->text())) {
        refused = refused || field->shape == nullptr;
        check_field(*key, *value, *field, given);
      } else {
        check_other(*key, *value, shape);
      }
      key = value->next();
    }
    check_required(node, shape, given);
    check_groups(node, shape, given, refused);
  }

  void check_size(const YamlNode& node, const Shape& shape) {
    if (shape.items_max == 0 || node.size() <= static_cast<std::size_t>(shape.items_max)) return;
    diagnostics_.error(node, "at most " + std::to_string(shape.items_max) +
                                 " are possible here, got " + std::to_string(node.size()));
  }

  void check_field(const YamlNode& key, const YamlNode& value, const Field& field,
                   std::vector<std::pair<const Field*, YamlNode>>& given) {
    if (field.shape == nullptr) {
      diagnostics_.error(key,
                         "'" + std::string(key.text()) + "': " + std::string(field.description));
      return;
    }
    for (const auto& [other, other_key] : given) {
      if (other != &field) continue;
      diagnostics_.error(key, "'" + std::string(key.text()) + "' is another name of '" +
                                  std::string(other_key.text()) + "', which is given too");
    }
    given.emplace_back(&field, key);
    check(value, *field.shape);
  }

  void check_other(const YamlNode& key, const YamlNode& value, const Shape& shape) {
    if (shape.extensions && key.text().starts_with("x-")) return;
    if (shape.value == nullptr) {
      report_unknown(key, shape);
      return;
    }
    std::string problem = check_key(key.text(), shape);
    if (!problem.empty()) diagnostics_.error(key, std::move(problem));
    check(value, *shape.value);
  }

  void report_unknown(const YamlNode& key, const Shape& shape) {
    if (diagnostics_.is_full()) return diagnostics_.error(key, {});
    std::vector<std::string_view> names;
    std::vector<std::string_view> spellings;
    for (const Field& field : shape.fields) {
      if (field.shape == nullptr) continue;
      names.push_back(field.name);
      spellings.push_back(field.name);
      spellings.insert(spellings.end(), field.aliases.begin(), field.aliases.end());
    }
    diagnostics_.error(
        key, "unknown key " + shown(key.text()) + "; expected one of " + join_names(names),
        suggestion(closest_match(key.text(), spellings)));
  }

  static bool is_given(const std::vector<std::pair<const Field*, YamlNode>>& given,
                       std::string_view name) {
    return std::ranges::any_of(given, [&](const auto& entry) { return entry.first->name == name; });
  }

  void check_required(const YamlNode& node, const Shape& shape,
                      const std::vector<std::pair<const Field*, YamlNode>>& given) {
    for (const Field& field : shape.fields) {
      if (field.required && !is_given(given, field.name))
        diagnostics_.error(node, "'" + std::string(field.name) + "' is missing");
    }
  }

  // A refused field (`uses`, `steps`) says already why there is no `run`.
  void check_groups(const YamlNode& node, const Shape& shape,
                    const std::vector<std::pair<const Field*, YamlNode>>& given, bool refused) {
    for (const FieldGroup& group : shape.groups) {
      std::vector<std::string_view> present;
      const YamlNode* last = nullptr;
      for (const auto& [field, key] : given) {
        if (std::ranges::find(group.names, field->name) == group.names.end()) continue;
        present.push_back(field->name);
        last = &key;
      }
      const bool is_replaced = !group.or_else.empty() && is_given(given, group.or_else);
      if (group.required && present.empty() && !is_replaced && !refused)
        diagnostics_.error(node, "expected one of " + join_names(group.names));
      if (present.size() > 1 && last != nullptr)
        diagnostics_.error(*last, "only one of " + join_names(present) + " is possible");
    }
  }

  Diagnostics& diagnostics_;
};

}  // namespace

bool is_one_expression(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || !text.substr(first).starts_with("${{")) return false;
  const std::size_t end = find_expression_end(text, first + 3);
  return end != std::string_view::npos &&
         text.find_first_not_of(" \t\r\n", end + 2) == std::string_view::npos;
}

std::string check_scalar(const YamlNode& node, const Shape& shape) {
  const std::string_view text = node.text();
  const auto plain_boolean = [&] { return node.scalar_value().is_bool(); };
  switch (shape.scalar) {
    case ScalarKind::none: return mismatch(node, shape);
    case ScalarKind::template_text:
    case ScalarKind::condition: return {};
    case ScalarKind::expression: return is_one_expression(text) ? "" : mismatch(node, shape);
    case ScalarKind::boolean_or_expression:
      return is_one_expression(text) || plain_boolean() ? "" : mismatch(node, shape);
    case ScalarKind::integer_or_expression:
      return is_one_expression(text) ? "" : check_integer(node, shape);
    default: break;
  }
  if (has_expression(text)) return no_expression_here(shape);
  switch (shape.scalar) {
    case ScalarKind::boolean: return plain_boolean() ? "" : mismatch(node, shape);
    case ScalarKind::integer: return check_integer(node, shape);
    case ScalarKind::number: return check_number(node, shape);
    case ScalarKind::decimal: return check_decimal(node, shape);
    case ScalarKind::percent: return parse_permille(text) ? "" : mismatch(node, shape);
    case ScalarKind::duration:
    case ScalarKind::duration_or_zero: return check_duration(node, shape);
    case ScalarKind::moment: return parse_time(text) ? "" : mismatch(node, shape);
    case ScalarKind::day_time: return parse_day_time(text) ? "" : mismatch(node, shape);
    case ScalarKind::utc_offset: return parse_utc_offset(text) ? "" : mismatch(node, shape);
    case ScalarKind::bytes: return parse_bytes(text) ? "" : mismatch(node, shape);
    case ScalarKind::millis: return parse_millis(text) ? "" : mismatch(node, shape);
    case ScalarKind::range: {
      const auto range = parse_array_range(text);
      return range ? "" : mismatch(node, shape) + "; " + range.error().message;
    }
    case ScalarKind::choice: return check_choice(node, shape);
    default: return check_text(node, shape);
  }
}

void check_shape(const YamlNode& node, const Shape& shape, Diagnostics& diagnostics) {
  ShapeChecker(diagnostics).check(node, shape);
}

Section::Section(const YamlNode& node, const Shape& shape) {
  for (auto key = node.is_map() ? node.first() : std::nullopt; key;) {
    const auto value = key->next();
    const Field* field = find_field(shape, key->text());
    if (field != nullptr) {
      fields_.emplace_back(field->name, *value);
    } else {
      others_.push_back({*key, *value});
    }
    key = value->next();
  }
}

std::optional<YamlNode> Section::get(std::string_view field) const {
  for (const auto& [name, value] : fields_) {
    if (name == field) return value;
  }
  return std::nullopt;
}

}  // namespace reeve::spec
