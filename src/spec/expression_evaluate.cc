#include "spec/expression_evaluate.h"

#include <algorithm>
#include <cmath>
#include <compare>

#include "spec/coercion.h"
#include "spec/json_text.h"
#include "spec/suggest.h"

namespace reeve::spec {
namespace {

const Json kNull;
const Json kTrue(true);
const Json kFalse(false);

Operand borrowed(const Json& value) { return {&value, {}}; }
Operand truth(bool value) { return borrowed(value ? kTrue : kFalse); }

bool truthy(const Operand& operand) { return operand.is_selection() || is_truthy(*operand.value); }

const Json* find_member(const boost::json::object& members, std::string_view name) {
  if (const Json* exact = members.if_contains(name)) return exact;
  for (const auto& [key, value] : members) {
    if (equals_ignoring_case(key, name)) return &value;
  }
  return nullptr;
}

const Json* find_element(const Json& collection, const Json& key) {
  if (const auto* object = collection.if_object())
    return is_primitive(key) ? find_member(*object, to_text(key)) : nullptr;
  const auto* array = collection.if_array();
  if (array == nullptr) return nullptr;
  const double position = std::floor(to_number(key));
  if (!(position >= 0) || position >= static_cast<double>(array->size())) return nullptr;
  return &(*array)[static_cast<std::size_t>(position)];
}

void append_members(const Json& collection, std::vector<const Json*>& out) {
  if (const auto* array = collection.if_array()) {
    for (const Json& item : *array) out.push_back(&item);
  } else if (const auto* object = collection.if_object()) {
    for (const auto& member : *object) out.push_back(&member.value());
  }
}

class Evaluator {
 public:
  Evaluator(const Syntax& syntax, const Context& context) : syntax_(syntax), context_(context) {}

  Result<Json> run() {
    TRY_ASSIGN(const Operand result, evaluate(syntax_.root));
    if (!result.is_selection()) return *result.value;
    boost::json::array array;
    array.reserve(result.elements.size());
    for (const Json* element : result.elements) array.push_back(*element);
    return Json(std::move(array));
  }

 private:
  // The recursion is bounded by kExpressionDepthMax, which the parser has checked.
  Result<Operand> evaluate(std::uint32_t index) {
    const SyntaxNode& node = syntax_.nodes[index];
    switch (node.kind) {
      case SyntaxKind::literal: return borrowed(node.literal);
      case SyntaxKind::context: return context(node.name);
      case SyntaxKind::property:
      case SyntaxKind::index: return element(node);
      case SyntaxKind::wildcard: return wildcard(node);
      case SyntaxKind::call: return call(node);
      case SyntaxKind::negation: {
        TRY_ASSIGN(const Operand operand, evaluate(node.children[0]));
        return truth(!truthy(operand));
      }
      case SyntaxKind::conjunction:
      case SyntaxKind::disjunction: return logical(node);
      default: return compare(node);
    }
  }

  Result<Operand> context(std::string_view name) const {
    const Json* root = nullptr;
    if (name == "inputs") root = context_.inputs;
    if (name == "env") root = context_.env;
    if (name == "needs") root = context_.needs;
    if (name == "matrix") root = context_.matrix;
    if (name == "run") root = context_.run;
    if (name == "task") root = context_.task;
    if (root != nullptr) return borrowed(*root);
    return fail(ErrorCode::invalid_argument, "'" + std::string(name) +
                                                 "' is not available here, in the expression '" +
                                                 syntax_.text + "'");
  }

  Result<Operand> element(const SyntaxNode& node) {
    TRY_ASSIGN(const Operand left, evaluate(node.children[0]));
    Json name;
    const Json* key = &name;
    Operand computed;
    if (node.kind == SyntaxKind::property) {
      name = node.name;
    } else {
      TRY_ASSIGN(computed, evaluate(node.children[1]));
      if (computed.is_selection()) return borrowed(kNull);
      key = computed.value;
    }
    if (!left.is_selection()) {
      const Json* found = find_element(*left.value, *key);
      return borrowed(found != nullptr ? *found : kNull);
    }
    Operand selection;
    for (const Json* item : left.elements) {
      if (const Json* found = find_element(*item, *key)) selection.elements.push_back(found);
    }
    return selection;
  }

  Result<Operand> wildcard(const SyntaxNode& node) {
    TRY_ASSIGN(const Operand left, evaluate(node.children[0]));
    Operand selection;
    if (!left.is_selection()) append_members(*left.value, selection.elements);
    for (const Json* item : left.elements) append_members(*item, selection.elements);
    return selection;
  }

  Result<Operand> call(const SyntaxNode& node) {
    std::vector<Operand> arguments;
    arguments.reserve(node.children.size());
    for (const std::uint32_t child : node.children) {
      TRY_ASSIGN(Operand argument, evaluate(child));
      arguments.push_back(std::move(argument));
    }
    auto result = call_function(node.function, arguments, context_.status, arena_);
    if (!result) return wrap(std::move(result).error(), "in the expression '" + syntax_.text + "'");
    return result;
  }

  // && and || give the operand that decided, as in JavaScript.
  Result<Operand> logical(const SyntaxNode& node) {
    const bool decides = node.kind == SyntaxKind::disjunction;
    Operand operand;
    for (const std::uint32_t child : node.children) {
      TRY_ASSIGN(operand, evaluate(child));
      if (truthy(operand) == decides) break;
    }
    return operand;
  }

  Result<Operand> compare(const SyntaxNode& node) {
    TRY_ASSIGN(const Operand left, evaluate(node.children[0]));
    TRY_ASSIGN(const Operand right, evaluate(node.children[1]));
    if (left.is_selection() || right.is_selection())
      return truth(node.kind == SyntaxKind::not_equal);
    const Json& a = *left.value;
    const Json& b = *right.value;
    if (node.kind == SyntaxKind::equal) return truth(loosely_equal(a, b));
    if (node.kind == SyntaxKind::not_equal) return truth(!loosely_equal(a, b));
    const auto order = loosely_compare(a, b);
    if (!order) return truth(false);
    switch (node.kind) {
      case SyntaxKind::less: return truth(std::is_lt(*order));
      case SyntaxKind::less_equal: return truth(std::is_lteq(*order));
      case SyntaxKind::greater: return truth(std::is_gt(*order));
      default: return truth(std::is_gteq(*order));
    }
  }

  const Syntax& syntax_;
  const Context& context_;
  ValueArena arena_;
};

}  // namespace

Result<Operand> ValueArena::keep(Json value) {
  if (const auto* text = value.if_string()) bytes_ += text->size();
  bytes_ += sizeof(Json);
  if (bytes_ > kEvaluationBytesMax)
    return fail(ErrorCode::invalid_argument,
                "the values of the expression become larger than 8 MiB");
  values_.push_back(std::move(value));
  return Operand{&values_.back(), {}};
}

Result<Operand> ValueArena::keep_text(const std::string& text) {
  if (text.size() > kValueBytesMax)
    return fail(ErrorCode::invalid_argument, "a text of the expression becomes larger than 1 MiB");
  return keep(Json(text));
}

Result<std::string> bounded_text(const Operand& operand) {
  if (!operand.is_selection() && is_primitive(*operand.value)) return to_text(*operand.value);
  std::string out;
  bool fits = true;
  if (!operand.is_selection()) {
    fits = append_json(out, *operand.value, JsonStyle::compact, kValueBytesMax);
  } else {
    out += '[';
    for (const Json* element : operand.elements) {
      if (out.size() > 1) out += ',';
      fits = fits && append_json(out, *element, JsonStyle::compact, kValueBytesMax);
    }
    out += ']';
  }
  if (fits) return out;
  return fail(ErrorCode::invalid_argument, "the JSON text of a value becomes larger than 1 MiB");
}

// shared: see expression.h
Expression::Expression(std::shared_ptr<const Syntax> syntax) : syntax_(std::move(syntax)) {}

tl::expected<Expression, TextProblem> Expression::parse_at(std::string_view text) {
  auto syntax = parse_syntax(text);
  if (!syntax) return tl::unexpected<TextProblem>(std::move(syntax).error());
  return Expression(std::move(*syntax));
}

Result<Expression> Expression::parse(std::string_view text) {
  auto expression = parse_at(text);
  if (expression) return std::move(*expression);
  const TextProblem& problem = expression.error();
  return fail(ErrorCode::invalid_argument,
              "offset " + std::to_string(problem.offset) + ": " + problem.message);
}

Result<Json> Expression::evaluate(const Context& context) const {
  return Evaluator(*syntax_, context).run();
}

bool Expression::uses_status_function() const { return syntax_->uses_status_function; }

const std::string& Expression::text() const { return syntax_->text; }

std::vector<std::string> Expression::references() const {
  std::vector<std::string> names;
  for (const Reference& reference : syntax_->references) {
    std::string name = reference.path[0];
    if (reference.path.size() > 1 && (name == "needs" || name == "inputs"))
      name += "." + reference.path[1];
    names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace reeve::spec
