#include <algorithm>
#include <iterator>

#include "spec/expression_evaluate.h"
#include "spec/expression_syntax.h"

namespace reeve::spec {
namespace {

constexpr std::string_view kOpening = "${{";
constexpr std::size_t kRenderedBytesMax = std::size_t{16} << 20;

tl::unexpected<TextProblem> template_problem(std::size_t offset, std::string message) {
  return tl::unexpected<TextProblem>(TextProblem{offset, std::move(message)});
}

}  // namespace

tl::expected<Template, TextProblem> Template::parse_at(std::string_view text) {
  Template result;
  result.text_ = text;
  std::size_t at = 0;
  while (true) {
    const std::size_t open = text.find(kOpening, at);
    if (open == std::string_view::npos) break;
    const std::size_t start = open + kOpening.size();
    const std::size_t end = find_expression_end(text, start);
    if (end == std::string_view::npos) {
      return template_problem(open, "'${{' has no '}}'; to write it as text use ${{ '${{' }}");
    }
    auto expression = Expression::parse_at(text.substr(start, end - start));
    if (!expression) {
      TextProblem inner = std::move(expression).error();
      inner.offset += start;
      return tl::unexpected<TextProblem>(std::move(inner));
    }
    if (open > at) result.parts_.emplace_back(std::string(text.substr(at, open - at)));
    result.parts_.emplace_back(ExpressionPart{std::move(*expression), start});
    at = end + 2;
  }
  if (!result.parts_.empty() && at < text.size())
    result.parts_.emplace_back(std::string(text.substr(at)));
  return result;
}

Result<Template> Template::parse(std::string_view text) {
  auto parsed = parse_at(text);
  if (parsed) return std::move(*parsed);
  const TextProblem& found = parsed.error();
  return fail(ErrorCode::invalid_argument,
              "offset " + std::to_string(found.offset) + ": " + found.message);
}

Template Template::literal(std::string text) {
  Template result;
  result.text_ = std::move(text);
  return result;
}

bool Template::is_single_expression() const {
  return parts_.size() == 1 && std::holds_alternative<ExpressionPart>(parts_[0]);
}

Result<std::string> Template::part_text(const Part& part, const Context& context) const {
  if (const auto* text = std::get_if<std::string>(&part)) return *text;
  TRY_ASSIGN(const Json value, std::get<ExpressionPart>(part).expression.evaluate(context));
  return bounded_text(Operand{&value, {}});
}

Result<std::string> Template::render(const Context& context) const {
  if (is_literal()) return text_;
  std::string out;
  for (const Part& part : parts_) {
    TRY_ASSIGN(const std::string text, part_text(part, context));
    out += text;
    if (out.size() > kRenderedBytesMax)
      return fail(ErrorCode::invalid_argument, "the text becomes larger than 16 MiB");
  }
  return out;
}

Result<Json> Template::render_value(const Context& context) const {
  if (is_single_expression())
    return std::get<ExpressionPart>(parts_[0]).expression.evaluate(context);
  TRY_ASSIGN(const std::string text, render(context));
  return Json(text);
}

bool Template::uses_status_function() const {
  const auto parts = expressions();
  return std::any_of(parts.begin(), parts.end(),
                     [](const auto& part) { return part.second->uses_status_function(); });
}

std::vector<std::string> Template::references() const {
  std::vector<std::string> names;
  for (const auto& [offset, expression] : expressions()) {
    auto more = expression->references();
    names.insert(names.end(), std::make_move_iterator(more.begin()),
                 std::make_move_iterator(more.end()));
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::vector<std::pair<std::size_t, const Expression*>> Template::expressions() const {
  std::vector<std::pair<std::size_t, const Expression*>> found;
  for (const Part& part : parts_) {
    if (const auto* piece = std::get_if<ExpressionPart>(&part))
      found.emplace_back(piece->offset, &piece->expression);
  }
  return found;
}

}  // namespace reeve::spec
