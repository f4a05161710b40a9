// The tree behind spec/expression.h, for the files of this folder only. Immutable once parsed; the
// depth is bounded by kExpressionDepthMax, so that walking it by recursion is safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "spec/expression.h"

namespace reeve::spec {

inline constexpr std::size_t kExpressionBytesMax = std::size_t{64} << 10;
inline constexpr std::uint32_t kExpressionDepthMax = 64;
/// Of one value, and of all values that one evaluation makes.
inline constexpr std::size_t kValueBytesMax = std::size_t{1} << 20;
inline constexpr std::size_t kEvaluationBytesMax = std::size_t{8} << 20;

enum class Function : std::uint8_t {
  contains,
  starts_with,
  ends_with,
  format,
  join,
  to_json,
  from_json,
  success,
  failure,
  cancelled,
  always,
};

enum class SyntaxKind : std::uint8_t {
  literal,
  context,   ///< name: the root
  property,  ///< child[0].name
  index,     ///< child[0][child[1]]
  wildcard,  ///< child[0].*
  call,
  negation,
  less,
  less_equal,
  greater,
  greater_equal,
  equal,
  not_equal,
  conjunction,  ///< two or more children
  disjunction,  ///< two or more children
};

struct SyntaxNode {
  SyntaxKind kind = SyntaxKind::literal;
  Function function = Function::contains;
  std::uint32_t offset = 0;
  std::uint32_t depth = 1;
  std::vector<std::uint32_t> children{};
  Json literal{};
  std::string name{};
};

/// A path of constant names that an expression reads: {"needs", "build", "outputs", "x"}. It ends
/// before the first `*` or computed index. Names are as written; contexts ignore case.
struct Reference {
  std::uint32_t offset = 0;
  std::vector<std::string> path;
};

struct Syntax {
  std::string text;
  std::vector<SyntaxNode> nodes;
  std::uint32_t root = 0;
  std::vector<Reference> references;
  bool uses_status_function = false;
};

// shared: copies of an Expression share the tree
tl::expected<std::shared_ptr<const Syntax>, TextProblem> parse_syntax(std::string_view text);

/// Where the expression that begins at `start` ends: the offset of its `}}`, or npos. Quoted
/// strings may hold `}}`.
std::size_t find_expression_end(std::string_view text, std::size_t start);

}  // namespace reeve::spec
