// JSON Schemas (draft 2020-12) from the tables of fields. They accept and refuse what the parser's
// own check of shapes does; what needs knowledge of the whole file (cycles, expressions, unknown
// needs) only the parser sees.
#include <algorithm>

#include "spec/cluster_file.h"
#include "spec/fields.h"
#include "spec/json_text.h"
#include "spec/parse.h"

namespace reeve::spec {
namespace {

using Object = boost::json::object;
using List = boost::json::array;

constexpr std::string_view kDraft = "https://json-schema.org/draft/2020-12/schema";
constexpr std::string_view kIdentifierPattern = "^[A-Za-z_][A-Za-z0-9_-]*$";
constexpr std::string_view kVariablePattern = "^[A-Za-z_][A-Za-z0-9_]*$";
constexpr std::string_view kVariableKeyPattern = "^(?!REEVE_)[A-Za-z_][A-Za-z0-9_]*$";
constexpr std::string_view kExpressionPattern = "^\\s*\\$\\{\\{[\\s\\S]*\\}\\}\\s*$";
constexpr std::string_view kNoExpressionPattern = "^(?![\\s\\S]*\\$\\{\\{)";
constexpr std::string_view kDurationPattern =
    "^(?=.*[1-9])(\\d+(\\.\\d+)?w)?(\\d+(\\.\\d+)?d)?(\\d+(\\.\\d+)?h)?(\\d+(\\.\\d+)?m)?"
    "(\\d+(\\.\\d+)?s)?(\\d+(\\.\\d+)?ms)?(\\d+(\\.\\d+)?us)?$";
constexpr std::string_view kDurationOrZeroPattern =
    "^(?=.)(\\d+(\\.\\d+)?w)?(\\d+(\\.\\d+)?d)?(\\d+(\\.\\d+)?h)?(\\d+(\\.\\d+)?m)?"
    "(\\d+(\\.\\d+)?s)?(\\d+(\\.\\d+)?ms)?(\\d+(\\.\\d+)?us)?$";
constexpr std::string_view kMomentPattern =
    "^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])[Tt ]([01]\\d|2[0-3]):[0-5]\\d:([0-5]\\d|60)"
    "(\\.\\d+)?([Zz]|[+-]([01]\\d|2[0-3]):[0-5]\\d)$";
constexpr std::string_view kPercentPattern = "^(?=.*[1-9])(100(\\.0)?|\\d{1,2}(\\.\\d)?)%$";
constexpr std::string_view kDayTimePattern = "^(([01]\\d|2[0-3]):[0-5]\\d|24:00)$";
constexpr std::string_view kUtcOffsetPattern = "^[+-]((0\\d|1[0-3]):[0-5]\\d|14:00)$";
constexpr std::string_view kLabelPattern = "^[A-Za-z0-9_][A-Za-z0-9_.:/@+-]{0,252}$";
constexpr std::string_view kQueuePattern = "^(?=.{1,253}$)[a-z0-9_-]+(/[a-z0-9_-]+){0,7}$";
constexpr std::string_view kBytesPattern = "^\\d+(\\.\\d+)?(k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$";
constexpr std::string_view kMillisPattern = "^\\d+(\\.\\d+)?(m|k)?$";
constexpr std::string_view kRangePattern = "^(\\d+-\\d+(:[1-9]\\d*)?|[1-9]\\d*)(%[1-9]\\d*)?$";

Object text_with(std::string_view pattern) { return {{"type", "string"}, {"pattern", pattern}}; }

Object integer(std::int64_t min, std::int64_t max) {
  return {{"type", "integer"}, {"minimum", min}, {"maximum", max}};
}

Json text_schema(const Shape& shape) {
  if (shape.text_rule == KeyKind::identifier) return text_with(kIdentifierPattern);
  if (shape.text_rule == KeyKind::variable) return text_with(kVariablePattern);
  if (shape.text_rule == KeyKind::queue) return text_with(kQueuePattern);
  // The pattern looks at strings only: numbers and truth values are written as labels may be.
  if (shape.text_rule == KeyKind::label)
    return Object{{"type", List{"string", "number", "boolean"}}, {"pattern", kLabelPattern}};
  // The pattern looks at strings only.
  return Object{{"type", List{"string", "number", "boolean"}}, {"pattern", kNoExpressionPattern}};
}

Json number_schema(const Shape& shape) {
  Object out{{"type", "number"}, {"maximum", shape.max}};
  if (shape.min > 0) {
    out["minimum"] = shape.min;
  } else {
    out["exclusiveMinimum"] = 0;
  }
  return out;
}

// The alternatives of a scalar, appended: each is a schema.
void append_scalar(const Shape& shape, List& out) {
  const auto quantity = [&out](std::string_view type, std::string_view pattern) {
    out.push_back(Object{{"type", type}, {"minimum", 0}});
    out.push_back(text_with(pattern));
  };
  switch (shape.scalar) {
    case ScalarKind::none: return;
    case ScalarKind::text: return out.push_back(text_schema(shape));
    case ScalarKind::template_text:
    case ScalarKind::condition:
      return out.push_back(Object{{"type", List{"string", "number", "boolean"}}});
    case ScalarKind::expression: return out.push_back(text_with(kExpressionPattern));
    case ScalarKind::boolean_or_expression:
      out.push_back(text_with(kExpressionPattern));
      [[fallthrough]];
    case ScalarKind::boolean: return out.push_back(Object{{"type", "boolean"}});
    case ScalarKind::integer_or_expression:
      out.push_back(text_with(kExpressionPattern));
      [[fallthrough]];
    case ScalarKind::integer: return out.push_back(integer(shape.min, shape.max));
    case ScalarKind::number: return out.push_back(number_schema(shape));
    case ScalarKind::decimal:
      return out.push_back(
          Object{{"type", "number"}, {"minimum", shape.min}, {"maximum", shape.max}});
    case ScalarKind::percent: return out.push_back(text_with(kPercentPattern));
    case ScalarKind::duration: return out.push_back(text_with(kDurationPattern));
    case ScalarKind::duration_or_zero: return out.push_back(text_with(kDurationOrZeroPattern));
    case ScalarKind::moment: return out.push_back(text_with(kMomentPattern));
    case ScalarKind::day_time: return out.push_back(text_with(kDayTimePattern));
    case ScalarKind::utc_offset: return out.push_back(text_with(kUtcOffsetPattern));
    case ScalarKind::bytes: return quantity("integer", kBytesPattern);
    case ScalarKind::millis: return quantity("number", kMillisPattern);
    case ScalarKind::range:
      out.push_back(Object{{"type", "integer"}, {"minimum", 1}});
      return out.push_back(text_with(kRangePattern));
    case ScalarKind::choice: {
      List choices;
      for (const std::string_view choice : shape.choices) choices.push_back(Json(choice));
      return out.push_back(Object{{"enum", std::move(choices)}});
    }
  }
}

class SchemaWriter {
 public:
  /// `root` has what stands in front of the schema of `file_shape`.
  std::string run(const Shape& file_shape, Object root) {
    const Json file = schema_of(file_shape);
    for (const auto& [key, value] : file.get_object()) root[key] = value;
    std::ranges::sort(definitions_, {}, &std::pair<std::string, Json>::first);
    Object definitions;
    for (auto& [name, schema] : definitions_) definitions[name] = std::move(schema);
    root["$defs"] = std::move(definitions);
    std::string out;
    constexpr std::size_t kSchemaBytesMax = std::size_t{4} << 20;
    static_cast<void>(append_json(out, root, JsonStyle::pretty, kSchemaBytesMax));
    return out + "\n";
  }

 private:
  // Shapes do not contain themselves, so the recursion ends with the table.
  Json reference_to(const Shape& shape) {
    if (shape.name.empty()) return schema_of(shape);
    const std::string name(shape.name);
    if (std::ranges::find(definitions_, name, &std::pair<std::string, Json>::first) ==
        definitions_.end()) {
      definitions_.emplace_back(name, schema_of(shape));
    }
    return Object{{"$ref", "#/$defs/" + name}};
  }

  Json schema_of(const Shape& shape) {
    if (shape.anything) return Object{};
    List alternatives;
    if (shape.nullable) alternatives.push_back(Object{{"type", "null"}});
    append_scalar(shape, alternatives);
    if (shape.item != nullptr) {
      Object list{{"type", "array"}, {"items", reference_to(*shape.item)}};
      if (shape.items_min > 0) list["minItems"] = shape.items_min;
      if (shape.items_max > 0) list["maxItems"] = shape.items_max;
      alternatives.push_back(std::move(list));
    }
    if (shape.is_map()) alternatives.push_back(map_schema(shape));
    if (alternatives.size() == 1) return alternatives[0];
    return Object{{"anyOf", std::move(alternatives)}};
  }

  Object map_schema(const Shape& shape) {
    Object out{{"type", "object"}};
    Object properties;
    for (const Field& field : shape.fields) {
      if (field.shape == nullptr) continue;
      properties[field.name] = described(field, field.description);
      for (const std::string_view alias : field.aliases)
        properties[alias] = described(field, "Another name of " + std::string(field.name) + ".");
    }
    if (!properties.empty()) out["properties"] = std::move(properties);
    if (shape.extensions) out["patternProperties"] = Object{{"^x-", Object{}}};
    out["additionalProperties"] = shape.value != nullptr ? reference_to(*shape.value) : Json(false);
    append_key_rule(shape, out);
    if (shape.items_min > 0) out["minProperties"] = shape.items_min;
    if (shape.items_max > 0) out["maxProperties"] = shape.items_max;
    List rules;
    append_presence(shape, rules);
    if (!rules.empty()) out["allOf"] = std::move(rules);
    return out;
  }

  Json described(const Field& field, std::string_view description) {
    Json schema = reference_to(*field.shape);
    schema.as_object()["description"] = description;
    return schema;
  }

  static void append_key_rule(const Shape& shape, Object& out) {
    if (shape.value == nullptr || shape.key == KeyKind::any) return;
    out["propertyNames"] = Object{{"pattern", key_pattern(shape.key)}};
  }

  static std::string_view key_pattern(KeyKind kind) {
    switch (kind) {
      case KeyKind::variable: return kVariableKeyPattern;
      case KeyKind::label: return kLabelPattern;
      case KeyKind::queue: return kQueuePattern;
      case KeyKind::any:
      case KeyKind::identifier: break;
    }
    return kIdentifierPattern;
  }

  static Json requires_key(std::string_view name) { return Object{{"required", List{Json(name)}}}; }

  static List spellings(const Field& field) {
    List out{requires_key(field.name)};
    for (const std::string_view alias : field.aliases) out.push_back(requires_key(alias));
    return out;
  }

  static void forbid_pairs(const List& names, List& rules) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      for (std::size_t j = i + 1; j < names.size(); ++j)
        rules.push_back(Object{{"not", Object{{"allOf", List{names[i], names[j]}}}}});
    }
  }

  static void append_presence(const Shape& shape, List& rules) {
    for (const Field& field : shape.fields) {
      if (field.shape == nullptr) continue;
      const List names = spellings(field);
      if (field.required) rules.push_back(Object{{"anyOf", names}});
      forbid_pairs(names, rules);
    }
    for (const FieldGroup& group : shape.groups) {
      List names;
      for (const std::string_view name : group.names) names.push_back(requires_key(name));
      if (group.required) {
        List any = names;
        if (const Field* other = find_field(shape, group.or_else)) {
          for (Json& spelling : spellings(*other)) any.push_back(std::move(spelling));
        }
        rules.push_back(Object{{"anyOf", std::move(any)}});
      }
      forbid_pairs(names, rules);
    }
  }

  std::vector<std::pair<std::string, Json>> definitions_;
};

}  // namespace

std::string workflow_json_schema() {
  return SchemaWriter().run(
      workflow_shape(),
      {{"$schema", kDraft},
       {"$id", "https://reeve.dev/schema/workflow.json"},
       {"title", "Reeve workflow"},
       {"description", "A workflow file of Reeve, the autonomous task execution engine."}});
}

std::string cluster_json_schema() {
  return SchemaWriter().run(
      cluster_shape(),
      {{"$schema", kDraft},
       {"$id", "https://reeve.dev/schema/cluster.json"},
       {"title", "Reeve cluster"},
       {"description", "Where Reeve can run tasks, and how waiting work is ordered and limited."}});
}

}  // namespace reeve::spec
