// What a run is given, against what its workflow declares.
#include <algorithm>

#include "base/text.h"
#include "spec/json_text.h"
#include "spec/suggest.h"
#include "spec/workflow.h"

namespace reeve::spec {
namespace {

std::string_view type_text(InputType type) {
  switch (type) {
    case InputType::string: return "text";
    case InputType::number: return "a number";
    case InputType::boolean: return "true or false";
    case InputType::choice: return "one of its options";
    case InputType::object: break;
  }
  return "a JSON object or array";
}

tl::unexpected<Error> bad(const Input& input, const std::string& what) {
  return fail(ErrorCode::invalid_argument, "input '" + input.name + "': " + what);
}

std::string shown(const Json& value) {
  constexpr std::size_t kShownMax = 60;
  std::string text;
  static_cast<void>(append_json(text, value, JsonStyle::compact, kShownMax));
  if (text.size() > kShownMax) text = text.substr(0, kShownMax) + "...";
  return sanitize_for_terminal(text);
}

bool fits(const Input& input, const Json& value) {
  switch (input.type) {
    case InputType::string: return value.is_string();
    case InputType::number: return value.is_number();
    case InputType::boolean: return value.is_bool();
    case InputType::choice:
      return value.is_string() &&
             std::ranges::find(input.options, std::string_view(value.get_string())) !=
                 input.options.end();
    case InputType::object: break;
  }
  return value.is_object() || value.is_array();
}

Result<Json> check(const Input& input, const Json& value) {
  // Numbers and truth values are texts too: `-i version=3`.
  const bool wants_text = input.type == InputType::string || input.type == InputType::choice;
  Json given = value;
  if (wants_text && (value.is_number() || value.is_bool())) given = to_text(value);
  if (fits(input, given)) return given;
  if (input.type != InputType::choice)
    return bad(input, "expected " + std::string(type_text(input.type)) + ", got " + shown(value));
  const std::vector<std::string_view> options(input.options.begin(), input.options.end());
  return bad(input,
             with_suggestion("expected one of " + join_names(options) + ", got " + shown(value),
                             closest_match(to_text(given), options)));
}

Status check_names(const Workflow& workflow, const boost::json::object& given) {
  std::vector<std::string_view> names;
  names.reserve(workflow.inputs.size());
  for (const Input& input : workflow.inputs) names.push_back(input.name);
  for (const auto& member : given) {
    const std::string_view name = member.key();
    if (std::ranges::find(names, name) != names.end()) continue;
    const std::string known =
        names.empty() ? "the workflow has none" : "expected one of " + join_names(names);
    return fail(ErrorCode::invalid_argument,
                with_suggestion("unknown input '" + std::string(name) + "'; " + known,
                                closest_match(name, names)));
  }
  return {};
}

}  // namespace

Result<Json> resolve_inputs(const Workflow& workflow, const Json& given) {
  const boost::json::object none;
  if (!given.is_null() && !given.is_object())
    return fail(ErrorCode::invalid_argument, "inputs are an object {name: value}");
  const boost::json::object& values = given.is_object() ? given.get_object() : none;
  TRY(check_names(workflow, values));
  boost::json::object resolved;
  for (const Input& input : workflow.inputs) {
    if (const Json* value = values.if_contains(input.name)) {
      TRY_ASSIGN(resolved[input.name], check(input, *value));
    } else if (input.fallback) {
      TRY_ASSIGN(resolved[input.name], check(input, *input.fallback));
    } else if (input.required) {
      return bad(input, "it must be given (" + std::string(type_text(input.type)) + ")" +
                            (input.description.empty() ? "" : ": " + input.description));
    } else {
      resolved[input.name] = nullptr;
    }
  }
  return Json(std::move(resolved));
}

}  // namespace reeve::spec
