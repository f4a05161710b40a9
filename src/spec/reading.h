// What the readers of one file share: the diagnostics and the places where expressions stand, which
// are checked once all tasks are known (references.h). One owner, for one parse.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "spec/diagnostics.h"
#include "spec/expression.h"
#include "spec/yaml_document.h"

namespace reeve::spec {

/// Decides which contexts an expression may read.
enum class Place : std::uint8_t {
  workflow_env,
  workflow_output,
  workflow_concurrency,
  condition,
  fan_out,
  task_concurrency,
  task_env,
  task_text,
};

inline constexpr std::uint32_t kNoGroup = 0xffffffff;

struct ExpressionSite {
  Expression expression;
  YamlNode node;           ///< the scalar
  std::size_t offset = 0;  ///< of the expression in the scalar's text
  Place place = Place::task_text;
  std::uint32_t group = kNoGroup;
};

class Reading {
 public:
  explicit Reading(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}
  Diagnostics& diagnostics() { return diagnostics_; }
  const std::vector<ExpressionSite>& sites() const { return sites_; }

  /// Of the group whose fields are read now; kNoGroup: of the workflow.
  void set_group(std::uint32_t group) { group_ = group; }

  /// After an error: a literal. Its values below do the same: what is wrong was reported.
  Template read_template(const YamlNode& node, Place place);
  /// `if`: with or without `${{ }}`.
  std::optional<Expression> read_condition(const YamlNode& node);
  /// A tree whose scalars may hold expressions, as one expression that gives its value; of a map
  /// without the keys `left_out`.
  Template read_dynamic_value(const YamlNode& node, Place place,
                              std::span<const std::string_view> left_out = {});

  std::string read_text(const YamlNode& node) const { return std::string(node.text()); }
  bool read_boolean(const YamlNode& node) const;
  std::int64_t read_integer(const YamlNode& node) const;
  Duration read_duration(const YamlNode& node) const;
  /// A single value or a list of them.
  std::vector<YamlNode> read_list(const YamlNode& node) const;

 private:
  Diagnostics& diagnostics_;
  std::vector<ExpressionSite> sites_;
  std::uint32_t group_ = kNoGroup;
};

/// Whether a scalar below `node` holds `${{`.
bool holds_expression(const YamlNode& node);

/// Appends a text that is equal for equal trees only; for sharing what was read from them.
void append_identity(std::string& out, const YamlNode& node);

}  // namespace reeve::spec
