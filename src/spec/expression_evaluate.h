// One evaluation of an expression: the values it makes, and what they may cost. Used by one thread
// for one call; the contexts are borrowed and not changed.
#pragma once

#include <deque>
#include <span>
#include <string>
#include <vector>

#include "spec/expression_syntax.h"

namespace reeve::spec {

/// Either one value, or the elements that a `*` selected (an array that is not built).
struct Operand {
  const Json* value = nullptr;  ///< null: `elements` counts
  std::vector<const Json*> elements;
  bool is_selection() const { return value == nullptr; }
};

/// Owns what an evaluation makes, so that operands are plain pointers.
class ValueArena {
 public:
  /// Fails when the evaluation made too much already.
  Result<Operand> keep(Json value);
  Result<Operand> keep_text(const std::string& text);

 private:
  std::deque<Json> values_;
  std::size_t bytes_ = 0;
};

/// The text of a primitive; JSON of anything else, or an error when that is too long.
Result<std::string> bounded_text(const Operand& operand);

Result<Operand> call_function(Function function, std::span<const Operand> arguments,
                              Context::Status status, ValueArena& arena);

}  // namespace reeve::spec
