// Compares a YAML tree with the table of fields.h and reports all that does not fit: unknown keys
// with a suggestion, wrong types, numbers out of range, missing and contradicting fields. Pure.
#pragma once

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "spec/diagnostics.h"
#include "spec/fields.h"

namespace reeve::spec {

void check_shape(const YamlNode& node, const Shape& shape, Diagnostics& diagnostics);

/// What is wrong with a scalar, or "".
std::string check_scalar(const YamlNode& node, const Shape& shape);

/// The fields that a map gives, under their first names. Reading goes on after errors, so values
/// may have any type; what fits no field is not there.
class Section {
 public:
  Section(const YamlNode& node, const Shape& shape);
  std::optional<YamlNode> get(std::string_view field) const;
  bool has(std::string_view field) const { return get(field).has_value(); }
  /// Entries whose key is no field, for shapes with free keys.
  const std::vector<YamlNode::Entry>& others() const { return others_; }

 private:
  std::vector<std::pair<std::string_view, YamlNode>> fields_;
  std::vector<YamlNode::Entry> others_;
};

/// Whether the text is one `${{ }}` and nothing else but blanks.
bool is_one_expression(std::string_view text);

}  // namespace reeve::spec
