// `${{ }}` expressions as GitHub Actions users know them: literals, operators with loose equality,
// property and index access with `*`, functions, and its coercion rules
// (docs.github.com "Evaluate expressions in workflows and actions"). Pure; values are immutable.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <boost/json/value.hpp>

#include "base/result.h"

namespace reeve::spec {

using Json = boost::json::value;

/// What an expression sees. The pointers are borrowed for the call; null means the context is not
/// available there (an error that names it). `inputs env needs matrix run task` are objects.
struct Context {
  const Json* inputs = nullptr;
  const Json* env = nullptr;
  const Json* needs = nullptr;   ///< needs.<id>.{result,outputs,artifacts}
  const Json* matrix = nullptr;  ///< the leg; for `array` {index}; for `for_each` {item,index}
  const Json* run = nullptr;     ///< id, number, name, attempt, directory
  const Json* task = nullptr;    ///< id, index, attempt
  enum class Status { success, failure, cancelled };
  Status status = Status::success;  ///< of what the task needs: for success(), failure(), ...
};

/// What is wrong inside a text, and where.
struct TextProblem {
  std::size_t offset = 0;  ///< in bytes
  std::string message;
};

/// The tree; spec/expression_syntax.h, for this folder only.
struct Syntax;

/// A parsed expression. Immutable; copies share the tree.
class Expression {
 public:
  /// `text` without the `${{ }}`. Errors hold "offset N: ..." with what was expected.
  static Result<Expression> parse(std::string_view text);
  Result<Json> evaluate(const Context& context) const;
  /// Whether it calls success(), failure(), cancelled() or always().
  bool uses_status_function() const;
  /// First-level names that it reads, e.g. {"needs.build", "inputs.count", "matrix"}.
  std::vector<std::string> references() const;
  const std::string& text() const;
  const Syntax& syntax() const { return *syntax_; }
  /// As parse(), with the offset apart.
  static tl::expected<Expression, TextProblem> parse_at(std::string_view text);

 private:
  explicit Expression(std::shared_ptr<const Syntax> syntax);
  std::shared_ptr<const Syntax> syntax_;  // shared: an immutable tree in many copied policies
};

/// Text with `${{ }}` parts. A text that is one single expression may give any JSON value.
class Template {
 public:
  Template() = default;
  static Result<Template> parse(std::string_view text);
  static Template literal(std::string text);
  /// As parse(), with the offset apart.
  static tl::expected<Template, TextProblem> parse_at(std::string_view text);

  bool is_literal() const { return parts_.empty(); }
  /// The text when is_literal(), else the source.
  const std::string& text() const { return text_; }
  bool is_single_expression() const;
  /// The text with every part replaced by its value as a string (objects and arrays as JSON).
  Result<std::string> render(const Context& context) const;
  /// The value itself of a single expression; else a JSON string.
  Result<Json> render_value(const Context& context) const;
  bool uses_status_function() const;
  std::vector<std::string> references() const;
  /// The parts that are expressions, each with the offset in text() of what follows its `${{`.
  std::vector<std::pair<std::size_t, const Expression*>> expressions() const;

 private:
  struct ExpressionPart {
    Expression expression;
    std::size_t offset;
  };
  using Part = std::variant<std::string, ExpressionPart>;
  Result<std::string> part_text(const Part& part, const Context& context) const;

  std::string text_;
  std::vector<Part> parts_;  // empty: text_ as it stands
};

/// GitHub's truth: false, 0, "", null and NaN are false.
bool is_truthy(const Json& value);
/// GitHub's string form: null "", true "true", 1.5 "1.5", arrays and objects as JSON.
std::string to_text(const Json& value);

}  // namespace reeve::spec
