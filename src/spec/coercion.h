// GitHub's rules for mixing types in expressions: truth, text, numbers, loose equality and order.
// Pure functions.
#pragma once

#include <compare>
#include <optional>

#include "spec/expression.h"

namespace reeve::spec {

/// null and "" are 0, true is 1, texts are read as numbers; what is none is NaN.
double to_number(const Json& value);

/// `==`: numbers by value, texts without regard to case, different types as numbers. Arrays and
/// objects equal only themselves (the same element of the same context).
bool loosely_equal(const Json& a, const Json& b);

/// For `<` and its like; nothing when the two have no order (NaN, arrays, objects).
std::optional<std::strong_ordering> loosely_compare(const Json& a, const Json& b);

/// Whether it is neither array nor object.
bool is_primitive(const Json& value);

}  // namespace reeve::spec
