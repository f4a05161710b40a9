// Grammar, lowest precedence first, as GitHub's: || && (== !=) (< <= > >=) ! postfix primary.
#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "base/text.h"
#include "spec/expression_lexer.h"
#include "spec/expression_syntax.h"
#include "spec/suggest.h"

namespace reeve::spec {
namespace {

using Node = std::uint32_t;
using ParsedNode = tl::expected<Node, TextProblem>;

tl::unexpected<TextProblem> syntax_problem(std::size_t offset, std::string message) {
  return tl::unexpected<TextProblem>(TextProblem{offset, std::move(message)});
}

struct FunctionRow {
  std::string_view name;
  Function function;
  std::size_t arguments_min;
  std::size_t arguments_max;
  std::string_view usage;
};
constexpr std::size_t kArgumentsMax = 255;
constexpr std::array kFunctions{
    FunctionRow{"contains", Function::contains, 2, 2, "contains(search, item)"},
    FunctionRow{"startsWith", Function::starts_with, 2, 2, "startsWith(text, prefix)"},
    FunctionRow{"endsWith", Function::ends_with, 2, 2, "endsWith(text, suffix)"},
    FunctionRow{"format", Function::format, 1, kArgumentsMax, "format('{0} {1}', a, b)"},
    FunctionRow{"join", Function::join, 1, 2, "join(array, separator)"},
    FunctionRow{"toJSON", Function::to_json, 1, 1, "toJSON(value)"},
    FunctionRow{"fromJSON", Function::from_json, 1, 1, "fromJSON(text)"},
    FunctionRow{"success", Function::success, 0, 0, "success()"},
    FunctionRow{"failure", Function::failure, 0, 0, "failure()"},
    FunctionRow{"cancelled", Function::cancelled, 0, 0, "cancelled()"},
    FunctionRow{"always", Function::always, 0, 0, "always()"},
};

constexpr std::array<std::string_view, 6> kContexts{"inputs", "env", "needs",
                                                    "matrix", "run", "task"};

std::string unknown_context(std::string_view name) {
  const std::string quoted = "'" + std::string(name) + "'";
  if (equals_ignoring_case(name, "secrets")) {
    return "secrets are never put into text: list the name under 'secrets' and read the file "
           "whose path is in REEVE_SECRET_<NAME>";
  }
  std::string message = "unknown name " + quoted + "; expected a function or one of " +
                        join_names(kContexts) + " (strings are written in single quotes)";
  constexpr std::array<std::string_view, 9> kCandidates{"inputs", "env",  "needs", "matrix", "run",
                                                        "task",   "true", "false", "null"};
  return with_suggestion(std::move(message), closest_match(name, kCandidates));
}

std::string unknown_function(std::string_view name) {
  if (equals_ignoring_case(name, "hashFiles")) {
    return "hashFiles is not available: expressions read no files; compute it in a task, for "
           "example with sha256sum, and pass it on as an output";
  }
  std::vector<std::string_view> names;
  names.reserve(kFunctions.size());
  for (const FunctionRow& row : kFunctions) names.push_back(row.name);
  return with_suggestion(
      "unknown function '" + std::string(name) + "'; expected one of " + join_names(names),
      closest_match(name, names));
}

class Parser {
 public:
  Parser(std::string_view text, std::vector<Token> tokens) : tokens_(std::move(tokens)) {
    syntax_->text = text;
  }

  tl::expected<std::shared_ptr<const Syntax>, TextProblem> run() {
    if (peek().kind == TokenKind::end) return syntax_problem(0, "the expression is empty");
    TRY_ASSIGN(syntax_->root, disjunction());
    if (peek().kind != TokenKind::end)
      return syntax_problem(peek().offset,
                            "unexpected " + describe(peek()) + "; expected an operator");
    collect_references();
    return std::shared_ptr<const Syntax>(std::move(syntax_));
  }

 private:
  // Counts nested calls of disjunction() and negation(), the only recursion of this class.
  class Nesting {
   public:
    explicit Nesting(std::uint32_t& depth) : depth_(++depth) {}
    ~Nesting() { --depth_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;
    bool too_deep() const { return depth_ > kExpressionDepthMax; }

   private:
    std::uint32_t& depth_;
  };

  const Token& peek() const { return tokens_[at_]; }
  const Token& take() { return tokens_[at_++]; }
  bool take_if(TokenKind kind) {
    if (peek().kind != kind) return false;
    ++at_;
    return true;
  }

  static std::string describe(const Token& token) {
    if (token.kind == TokenKind::end) return "end of the expression";
    return "'" + std::string(token.text.substr(0, 40)) + "'";
  }

  static tl::unexpected<TextProblem> nested_too_deep(std::size_t offset) {
    return syntax_problem(offset, "the expression is nested deeper than " +
                                      std::to_string(kExpressionDepthMax) + " levels");
  }

  ParsedNode add(SyntaxNode node) {
    for (const Node child : node.children)
      node.depth = std::max(node.depth, syntax_->nodes[child].depth + 1);
    if (node.depth > kExpressionDepthMax) return nested_too_deep(node.offset);
    syntax_->nodes.push_back(std::move(node));
    return static_cast<Node>(syntax_->nodes.size() - 1);
  }

  ParsedNode disjunction() {
    const Nesting nesting(depth_);
    if (nesting.too_deep()) return nested_too_deep(peek().offset);
    SyntaxNode node{.kind = SyntaxKind::disjunction, .offset = peek().offset};
    do {
      TRY_ASSIGN(const Node operand, conjunction());
      node.children.push_back(operand);
    } while (take_if(TokenKind::disjunction));
    return node.children.size() == 1 ? ParsedNode(node.children[0]) : add(std::move(node));
  }

  ParsedNode conjunction() {
    SyntaxNode node{.kind = SyntaxKind::conjunction, .offset = peek().offset};
    do {
      TRY_ASSIGN(const Node operand, equality());
      node.children.push_back(operand);
    } while (take_if(TokenKind::conjunction));
    return node.children.size() == 1 ? ParsedNode(node.children[0]) : add(std::move(node));
  }

  ParsedNode equality() {
    TRY_ASSIGN(Node left, comparison());
    while (true) {
      SyntaxNode node{.offset = peek().offset};
      if (take_if(TokenKind::equal)) {
        node.kind = SyntaxKind::equal;
      } else if (take_if(TokenKind::not_equal)) {
        node.kind = SyntaxKind::not_equal;
      } else {
        return left;
      }
      TRY_ASSIGN(const Node right, comparison());
      node.children = {left, right};
      TRY_ASSIGN(left, add(std::move(node)));
    }
  }

  static std::optional<SyntaxKind> comparison_kind(TokenKind kind) {
    switch (kind) {
      case TokenKind::less: return SyntaxKind::less;
      case TokenKind::less_equal: return SyntaxKind::less_equal;
      case TokenKind::greater: return SyntaxKind::greater;
      case TokenKind::greater_equal: return SyntaxKind::greater_equal;
      default: return std::nullopt;
    }
  }

  ParsedNode comparison() {
    TRY_ASSIGN(Node left, negation());
    while (const auto kind = comparison_kind(peek().kind)) {
      SyntaxNode node{.kind = *kind, .offset = take().offset};
      TRY_ASSIGN(const Node right, negation());
      node.children = {left, right};
      TRY_ASSIGN(left, add(std::move(node)));
    }
    return left;
  }

  ParsedNode negation() {
    if (peek().kind != TokenKind::negation) return postfix();
    const Nesting nesting(depth_);
    if (nesting.too_deep()) return nested_too_deep(peek().offset);
    SyntaxNode node{.kind = SyntaxKind::negation, .offset = take().offset};
    TRY_ASSIGN(const Node operand, negation());
    node.children = {operand};
    return add(std::move(node));
  }

  ParsedNode postfix() {
    TRY_ASSIGN(Node left, primary());
    while (true) {
      if (take_if(TokenKind::dot)) {
        TRY_ASSIGN(left, property_of(left));
      } else if (take_if(TokenKind::open_bracket)) {
        TRY_ASSIGN(left, element_of(left));
      } else {
        return left;
      }
    }
  }

  ParsedNode property_of(Node left) {
    const Token& token = take();
    SyntaxNode node{.offset = token.offset, .children = {left}};
    if (token.kind == TokenKind::star) {
      node.kind = SyntaxKind::wildcard;
    } else if (token.kind == TokenKind::name) {
      node.kind = SyntaxKind::property;
      node.name = token.text;
    } else {
      return syntax_problem(token.offset,
                            "expected a name or '*' after '.', got " + describe(token));
    }
    return add(std::move(node));
  }

  ParsedNode element_of(Node left) {
    SyntaxNode node{.kind = SyntaxKind::index, .offset = peek().offset, .children = {left}};
    if (take_if(TokenKind::star)) {
      node.kind = SyntaxKind::wildcard;
    } else {
      TRY_ASSIGN(const Node key, disjunction());
      node.children.push_back(key);
    }
    if (!take_if(TokenKind::close_bracket))
      return syntax_problem(peek().offset, "expected ']', got " + describe(peek()));
    const Json* name = node.kind == SyntaxKind::index ? literal_of(node.children[1]) : nullptr;
    if (name != nullptr && name->is_string()) {
      // ['x'] is .x with a name that need not be an identifier.
      node.kind = SyntaxKind::property;
      node.name = std::string(name->get_string());
      node.children.pop_back();
    }
    return add(std::move(node));
  }

  const Json* literal_of(Node index) const {
    const SyntaxNode& node = syntax_->nodes[index];
    return node.kind == SyntaxKind::literal ? &node.literal : nullptr;
  }

  ParsedNode primary() {
    const Token& token = take();
    switch (token.kind) {
      case TokenKind::literal: return add({.offset = token.offset, .literal = token.literal});
      case TokenKind::open_parenthesis: {
        TRY_ASSIGN(const Node inner, disjunction());
        if (!take_if(TokenKind::close_parenthesis))
          return syntax_problem(peek().offset, "expected ')', got " + describe(peek()));
        return inner;
      }
      case TokenKind::name:
        return peek().kind == TokenKind::open_parenthesis ? call(token) : context(token);
      case TokenKind::end:
        at_ = tokens_.size() - 1;  // stay on the end token
        return syntax_problem(token.offset, "the expression ends where a value is expected");
      default: return syntax_problem(token.offset, "expected a value, got " + describe(token));
    }
  }

  ParsedNode context(const Token& token) {
    for (const std::string_view name : kContexts) {
      if (!equals_ignoring_case(name, token.text)) continue;
      return add({.kind = SyntaxKind::context, .offset = token.offset, .name = std::string(name)});
    }
    return syntax_problem(token.offset, unknown_context(token.text));
  }

  ParsedNode call(const Token& token) {
    const auto row = std::find_if(kFunctions.begin(), kFunctions.end(), [&](const auto& r) {
      return equals_ignoring_case(r.name, token.text);
    });
    if (row == kFunctions.end()) return syntax_problem(token.offset, unknown_function(token.text));
    ++at_;  // '('
    SyntaxNode node{.kind = SyntaxKind::call, .function = row->function, .offset = token.offset};
    if (peek().kind != TokenKind::close_parenthesis) {
      do {
        TRY_ASSIGN(const Node argument, disjunction());
        node.children.push_back(argument);
      } while (take_if(TokenKind::comma));
    }
    if (!take_if(TokenKind::close_parenthesis))
      return syntax_problem(peek().offset, "expected ',' or ')', got " + describe(peek()));
    if (node.children.size() < row->arguments_min || node.children.size() > row->arguments_max) {
      return syntax_problem(token.offset,
                            "wrong number of arguments: " + std::to_string(node.children.size()) +
                                "; expected " + std::string(row->usage));
    }
    if (row->function >= Function::success) syntax_->uses_status_function = true;
    return add(std::move(node));
  }

  // Children stand before their parents, so one pass from the end sees every chain from its tip.
  void collect_references() {
    std::vector<bool> inside_chain(syntax_->nodes.size(), false);
    for (std::size_t i = syntax_->nodes.size(); i-- > 0;) {
      const SyntaxNode& node = syntax_->nodes[i];
      const bool link = node.kind == SyntaxKind::property || node.kind == SyntaxKind::index ||
                        node.kind == SyntaxKind::wildcard;
      if (link) inside_chain[node.children[0]] = true;
      if (!inside_chain[i]) collect_chain(static_cast<Node>(i));
    }
    std::reverse(syntax_->references.begin(), syntax_->references.end());
  }

  void collect_chain(Node tip) {
    std::vector<std::string> path;
    for (Node at = tip;; at = syntax_->nodes[at].children[0]) {
      const SyntaxNode& node = syntax_->nodes[at];
      if (node.kind == SyntaxKind::context) {
        path.push_back(node.name);
        std::reverse(path.begin(), path.end());
        syntax_->references.push_back({node.offset, std::move(path)});
        return;
      }
      if (node.kind == SyntaxKind::property) {
        path.push_back(node.name);
      } else if (node.kind == SyntaxKind::index || node.kind == SyntaxKind::wildcard) {
        path.clear();
      } else {
        return;  // a call or literal in front: fromJSON(...).x
      }
    }
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  std::uint32_t depth_ = 0;
  std::shared_ptr<Syntax> syntax_ = std::make_shared<Syntax>();  // shared: becomes Expression's
};

}  // namespace

tl::expected<std::shared_ptr<const Syntax>, TextProblem> parse_syntax(std::string_view text) {
  if (text.size() > kExpressionBytesMax) {
    return syntax_problem(
        0, "the expression is longer than " + std::to_string(kExpressionBytesMax) + " bytes");
  }
  auto tokens = tokenize(text);
  if (!tokens) return tl::unexpected<TextProblem>(std::move(tokens).error());
  return Parser(text, std::move(*tokens)).run();
}

std::size_t find_expression_end(std::string_view text, std::size_t start) {
  bool quoted = false;
  for (std::size_t i = start; i < text.size(); ++i) {
    if (text[i] == '\'') quoted = !quoted;
    if (!quoted && text[i] == '}' && i + 1 < text.size() && text[i + 1] == '}') return i;
  }
  return std::string_view::npos;
}

}  // namespace reeve::spec
