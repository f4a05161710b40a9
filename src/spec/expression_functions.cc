#include <charconv>

#include <boost/json/parse.hpp>

#include "spec/coercion.h"
#include "spec/expression_evaluate.h"
#include "spec/json_text.h"
#include "spec/suggest.h"

namespace reeve::spec {
namespace {

bool is_primitive(const Operand& operand) {
  return !operand.is_selection() && spec::is_primitive(*operand.value);
}

Json json_truth(bool value) { return Json(value); }

// Elements of an array or a selection; nothing for other values.
std::vector<const Json*> elements_of(const Operand& operand) {
  if (operand.is_selection()) return operand.elements;
  std::vector<const Json*> elements;
  if (const auto* array = operand.value->if_array()) {
    elements.reserve(array->size());
    for (const Json& item : *array) elements.push_back(&item);
  }
  return elements;
}

bool contains(const Operand& search, const Operand& item) {
  if (item.is_selection()) return false;
  if (is_primitive(search)) {
    if (!is_primitive(item)) return false;
    return to_lower(to_text(*search.value)).find(to_lower(to_text(*item.value))) !=
           std::string::npos;
  }
  for (const Json* element : elements_of(search)) {
    if (loosely_equal(*element, *item.value)) return true;
  }
  return false;
}

bool has_affix(Function function, const Operand& text, const Operand& affix) {
  if (!is_primitive(text) || !is_primitive(affix)) return false;
  const std::string whole = to_lower(to_text(*text.value));
  const std::string part = to_lower(to_text(*affix.value));
  return function == Function::starts_with ? whole.starts_with(part) : whole.ends_with(part);
}

tl::unexpected<Error> bad_format(std::string_view pattern, const std::string& what) {
  return fail(ErrorCode::invalid_argument,
              "format('" + std::string(pattern.substr(0, 80)) + "', ...): " + what);
}

// {0} is an argument; {{ and }} are braces.
Result<std::string> format(std::span<const Operand> arguments) {
  TRY_ASSIGN(const std::string pattern, bounded_text(arguments[0]));
  std::string out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    const bool doubled = i + 1 < pattern.size() && pattern[i + 1] == c;
    if ((c == '{' || c == '}') && doubled) {
      out += c;
      ++i;
    } else if (c == '}') {
      return bad_format(pattern, "a single '}'; write '}}'");
    } else if (c != '{') {
      out += c;
    } else {
      const std::size_t close = pattern.find('}', i);
      if (close == std::string_view::npos) return bad_format(pattern, "'{' has no '}'; write '{{'");
      std::size_t number = 0;
      const char* const end_of_number = pattern.data() + close;
      const auto [end, error] = std::from_chars(pattern.data() + i + 1, end_of_number, number);
      if (error != std::errc{} || end != end_of_number)
        return bad_format(pattern, "expected a number between '{' and '}'");
      if (number >= arguments.size() - 1)
        return bad_format(pattern, "there is no argument {" + std::to_string(number) + "}");
      TRY_ASSIGN(const std::string text, bounded_text(arguments[number + 1]));
      out += text;
      i = close;
    }
    if (out.size() > kValueBytesMax) break;  // keep_text reports it
  }
  return out;
}

Result<std::string> join(std::span<const Operand> arguments) {
  if (is_primitive(arguments[0])) return to_text(*arguments[0].value);
  std::string separator = ",";
  if (arguments.size() > 1) {
    TRY_ASSIGN(separator, bounded_text(arguments[1]));
  }
  std::string out;
  bool first = true;
  for (const Json* element : elements_of(arguments[0])) {
    if (!first) out += separator;
    first = false;
    TRY_ASSIGN(const std::string text, bounded_text(Operand{element, {}}));
    out += text;
    if (out.size() > kValueBytesMax) break;  // keep_text reports it
  }
  return out;
}

Result<std::string> to_json(const Operand& operand) {
  std::string out;
  if (!operand.is_selection()) {
    if (append_json(out, *operand.value, JsonStyle::pretty, kValueBytesMax)) return out;
    return fail(ErrorCode::invalid_argument, "toJSON(...): the text becomes larger than 1 MiB");
  }
  boost::json::array array;
  std::size_t bytes = 0;
  for (const Json* element : operand.elements) {
    // Measured before it is copied, so that a selection of large values cannot pile up.
    std::string measured;
    const bool fits = append_json(measured, *element, JsonStyle::compact, kValueBytesMax);
    bytes += measured.size();
    if (!fits || bytes > kValueBytesMax)
      return fail(ErrorCode::invalid_argument, "toJSON(...): the text becomes larger than 1 MiB");
    array.push_back(*element);
  }
  const Json whole(std::move(array));
  return to_json(Operand{&whole, {}});
}

Result<Json> from_json(const Operand& operand) {
  if (!is_primitive(operand))
    return fail(ErrorCode::invalid_argument,
                "fromJSON(...): expected text, got an array or object");
  const std::string text = to_text(*operand.value);
  boost::json::error_code error;
  Json value = boost::json::parse(text, error);
  if (!error) return value;
  const std::string shown = text.size() > 60 ? text.substr(0, 60) + "..." : text;
  return fail(ErrorCode::invalid_argument,
              "fromJSON(...): this is not JSON (" + error.message() + "): " + shown);
}

}  // namespace

Result<Operand> call_function(Function function, std::span<const Operand> arguments,
                              Context::Status status, ValueArena& arena) {
  switch (function) {
    case Function::contains: return arena.keep(json_truth(contains(arguments[0], arguments[1])));
    case Function::starts_with:
    case Function::ends_with:
      return arena.keep(json_truth(has_affix(function, arguments[0], arguments[1])));
    case Function::format: {
      TRY_ASSIGN(const std::string text, format(arguments));
      return arena.keep_text(text);
    }
    case Function::join: {
      TRY_ASSIGN(const std::string text, join(arguments));
      return arena.keep_text(text);
    }
    case Function::to_json: {
      TRY_ASSIGN(const std::string text, to_json(arguments[0]));
      return arena.keep_text(text);
    }
    case Function::from_json: {
      TRY_ASSIGN(Json value, from_json(arguments[0]));
      return arena.keep(std::move(value));
    }
    case Function::success: return arena.keep(json_truth(status == Context::Status::success));
    case Function::failure: return arena.keep(json_truth(status == Context::Status::failure));
    case Function::cancelled: return arena.keep(json_truth(status == Context::Status::cancelled));
    case Function::always: break;
  }
  return arena.keep(json_truth(true));
}

}  // namespace reeve::spec
