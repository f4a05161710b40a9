// The tables of the workflow file and of the cluster file: every key, its other names, what its
// value may look like, and one sentence about it. The strict parser (shape_check.h), the JSON
// Schemas (schema.cc) and the references in docs/workflow-format.md and docs/cluster-file.md all
// come from them. Constant data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace reeve::spec {

/// What a single value may be; none: only a list or a map is possible.
enum class ScalarKind : std::uint8_t {
  none,
  text,
  template_text,          ///< text that may hold ${{ }}
  expression,             ///< one ${{ }} and nothing else
  condition,              ///< an expression, with or without ${{ }}
  boolean,                ///< true or false, plain
  boolean_or_expression,  ///< true, false or one ${{ }}
  integer,                ///< min..max
  integer_or_expression,
  number,            ///< above 0, up to max
  decimal,           ///< min..max
  percent,           ///< 50%, 0.5%; above 0
  duration,          ///< 10m; above 0
  duration_or_zero,  ///< 10m, 0s
  moment,            ///< 2026-12-01T08:00:00Z
  day_time,          ///< 00:00 to 24:00
  utc_offset,        ///< +01:00, -14:00 to +14:00
  bytes,             ///< 512Mi
  millis,            ///< 500m, 1.5
  range,             ///< 100, 0-99, 1-100:5, 0-99%4
  choice,
};

enum class KeyKind : std::uint8_t {
  any,
  identifier,  ///< [A-Za-z_][A-Za-z0-9_-]*
  variable,    ///< [A-Za-z_][A-Za-z0-9_]*, not REEVE_...
  label,       ///< key or value of a label, name of a node: [A-Za-z0-9_][A-Za-z0-9_.:/@+-]*
  queue,       ///< parts of [a-z0-9_-]+ with / between them
};

struct Field;

/// The fields of which at most one (or exactly one) may be given.
struct FieldGroup {
  std::span<const std::string_view> names;
  bool required = false;
  std::string_view or_else{};  ///< a field that takes the place of a required one
};

struct Shape {
  std::string_view name{};      ///< in the schema's $defs and the reference; "" when used once
  std::string_view expected{};  ///< for messages: "expected ..."
  ScalarKind scalar = ScalarKind::none;
  std::int64_t min = 0;
  std::int64_t max = 0;
  std::span<const std::string_view> choices{};
  std::span<const std::string_view> later_choices{};  ///< known, not supported yet
  KeyKind text_rule = KeyKind::any;                   ///< of a text: what it must look like
  const Shape* item = nullptr;                        ///< a list of these is possible
  std::int64_t items_min = 0;                         ///< items of the list, entries of the map
  std::int64_t items_max = 0;                         ///< the same; 0: no limit
  std::span<const Field> fields{};                    ///< a map with these keys is possible
  const Shape* value = nullptr;  ///< a map with further keys, each with such a value, is possible
  KeyKind key = KeyKind::any;
  std::span<const FieldGroup> groups{};
  bool nullable = false;
  bool extensions = false;  ///< keys that begin with x- may hold anything
  bool anything = false;
  bool is_map() const { return !fields.empty() || value != nullptr; }
};

struct Field {
  std::string_view name;
  std::span<const std::string_view> aliases;
  const Shape* shape = nullptr;  ///< null: known, but refused with `description`
  std::string_view description;
  bool required = false;
};

/// The whole file.
const Shape& workflow_shape();
/// One entry under `tasks`, `finally` or `on_failure`.
const Shape& task_shape();
const Shape& matrix_shape();
/// The cluster file.
const Shape& cluster_shape();

/// The field that `key` names, by its own name or another; null when there is none.
const Field* find_field(const Shape& shape, std::string_view key);

bool is_identifier(std::string_view text);
bool is_variable(std::string_view text);
bool is_label_text(std::string_view text);
inline constexpr std::size_t kLabelBytesMax = 253;
bool is_queue_name(std::string_view text);
inline constexpr std::size_t kQueueDepthMax = 8;
inline constexpr std::size_t kQueueNameBytesMax = 253;

/// "a duration such as 90s, 10m or 1h30m": for messages.
std::string expectation(const Shape& shape);

}  // namespace reeve::spec
