#include "spec/fan_out.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "spec/fields.h"

namespace reeve::spec {
namespace {

constexpr std::array<std::string_view, 2> kLimitNames{"max-parallel", "fail-fast"};

bool take_number(std::string_view& text, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

bool take_character(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

const Shape& field_shape(const Shape& shape, std::string_view name) {
  return *find_field(shape, name)->shape;
}

class FanOutReader {
 public:
  FanOutReader(const Section& task, Reading& reading) : task_(task), reading_(reading) {}

  FanOutSettings run() {
    // A matrix asks one question in many ways; the tasks of a list have nothing to do with each
    // other.
    settings_.fail_fast = task_.has("matrix");
    read_limits(task_);
    if (const auto matrix = task_.get("matrix")) {
      read_matrix(*matrix);
    } else if (const auto for_each = task_.get("for_each")) {
      read_for_each(*for_each);
    } else if (const auto array = task_.get("array")) {
      read_array(*array);
    } else {
      refuse_limits();
    }
    return std::move(settings_);
  }

 private:
  // max-parallel and fail-fast stand beside the fan-out or inside of it.
  void read_limits(const Section& section) {
    if (const auto parallel = section.get("max-parallel")) {
      if (has_parallel_) reading_.diagnostics().error(*parallel, "max-parallel is given twice");
      has_parallel_ = true;
      settings_.max_parallel = static_cast<std::uint32_t>(reading_.read_integer(*parallel));
    }
    if (const auto fail_fast = section.get("fail-fast")) {
      if (has_fail_fast_) reading_.diagnostics().error(*fail_fast, "fail-fast is given twice");
      has_fail_fast_ = true;
      settings_.fail_fast = reading_.read_boolean(*fail_fast);
    }
  }

  void refuse_limits() {
    for (const std::string_view name : kLimitNames) {
      if (const auto node = task_.get(name)) {
        reading_.diagnostics().error(*node, std::string(name) +
                                                " has a meaning only beside "
                                                "matrix, for_each or array");
      }
    }
  }

  void read_matrix(const YamlNode& node) {
    if (node.is_scalar()) {
      settings_.fan_out = DynamicMatrix{reading_.read_template(node, Place::fan_out)};
      return;
    }
    read_limits(Section(node, matrix_shape()));
    boost::json::object axes;
    bool dynamic = false;
    for (const YamlNode::Entry& entry : node.entries()) {
      if (std::ranges::find(kLimitNames, entry.key.text()) != kLimitNames.end()) continue;
      dynamic = dynamic || holds_expression(entry.value);
      axes[entry.key.text()] = entry.value.json();
    }
    if (dynamic) {
      settings_.fan_out =
          DynamicMatrix{reading_.read_dynamic_value(node, Place::fan_out, kLimitNames)};
      return;
    }
    if (reading_.diagnostics().has_errors()) return;  // the axes may not be lists
    auto legs = expand_matrix(Json(std::move(axes)));
    if (!legs) {
      reading_.diagnostics().error(node, legs.error().message);
    } else if (legs->empty()) {
      reading_.diagnostics().error(node, "this matrix has no combination");
    } else {
      settings_.fan_out = Matrix{std::move(*legs)};
    }
  }

  void read_for_each(const YamlNode& node) {
    if (!node.is_map()) {
      read_items(node);
      return;
    }
    const Section section(node, field_shape(task_shape(), "for_each"));
    read_limits(section);
    if (const auto items = section.get("items")) read_items(*items);
  }

  void read_items(const YamlNode& node) {
    if (node.is_scalar()) {
      Template items = reading_.read_template(node, Place::fan_out);
      // A plain number n is the expression n, which gives a number and not a text.
      if (items.is_literal())
        items = Template::parse("${{ " + items.text() + " }}").value_or(Template());
      settings_.fan_out = ForEach{std::move(items)};
    } else if (holds_expression(node)) {
      settings_.fan_out = ForEach{reading_.read_dynamic_value(node, Place::fan_out)};
    } else {
      // Known now: the same legs that a dynamic list would give.
      Matrix matrix;
      std::int64_t index = 0;
      for (auto item = node.first(); item; item = item->next())
        matrix.legs.push_back(boost::json::object{{"item", item->json()}, {"index", index++}});
      settings_.fan_out = std::move(matrix);
    }
  }

  void read_array(const YamlNode& node) {
    std::optional<YamlNode> text = node;
    if (node.is_map()) {
      const Section section(node, field_shape(task_shape(), "array"));
      read_limits(section);
      text = section.get("range");
    }
    if (!text || !text->is_scalar()) return;
    const auto range = parse_array_range(text->text());
    if (!range) return;
    settings_.fan_out = range->array;
    if (range->max_parallel == 0) return;
    if (has_parallel_) reading_.diagnostics().error(*text, "max-parallel is given twice");
    settings_.max_parallel = range->max_parallel;
  }

  const Section& task_;
  Reading& reading_;
  FanOutSettings settings_;
  bool has_parallel_ = false;
  bool has_fail_fast_ = false;
};

}  // namespace

Result<ArrayRange> parse_array_range(std::string_view text) {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::uint64_t step = 1;
  std::uint64_t parallel = 0;
  bool good = take_number(text, first);
  if (good && take_character(text, '-')) {
    good = take_number(text, last);
    if (good && take_character(text, ':')) good = take_number(text, step) && step > 0;
  } else if (good) {
    if (first == 0) return fail(ErrorCode::invalid_argument, "there must be at least one task");
    last = first - 1;
    first = 0;
  }
  if (good && take_character(text, '%')) good = take_number(text, parallel) && parallel > 0;
  if (good && text.starts_with(','))
    return fail(ErrorCode::invalid_argument, "lists such as 1,3,5 are written with for_each");
  if (!good || !text.empty()) return fail(ErrorCode::invalid_argument, "this is no range");
  if (last < first) return fail(ErrorCode::invalid_argument, "the last index is below the first");
  constexpr std::uint64_t kIndexMax = 0xffffffff;
  if (last > kIndexMax || step > kIndexMax || parallel > kIndexMax)
    return fail(ErrorCode::invalid_argument, "indexes go up to " + std::to_string(kIndexMax));
  const std::uint64_t count = (last - first) / step + 1;
  if (count > kTasksPerRunMax) {
    return fail(ErrorCode::invalid_argument,
                "at most " + std::to_string(kTasksPerRunMax) + " tasks are possible");
  }
  return ArrayRange{.array = {.first = static_cast<std::uint32_t>(first),
                              .count = static_cast<std::uint32_t>(count),
                              .step = static_cast<std::uint32_t>(step)},
                    .max_parallel = static_cast<std::uint32_t>(parallel)};
}

bool FanOutSettings::is_fail_fast_unusual() const {
  const bool usual =
      std::holds_alternative<Matrix>(fan_out) || std::holds_alternative<DynamicMatrix>(fan_out);
  return fail_fast != usual;
}

FanOutSettings read_fan_out(const Section& task, Reading& reading) {
  return FanOutReader(task, reading).run();
}

}  // namespace reeve::spec
