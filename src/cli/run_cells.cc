#include "cli/run_cells.h"

#include <fmt/format.h>

#include "cli/run_tracker.h"
#include "cli/view_picture.h"

namespace reeve::cli {

using core::TaskState;

Cell text_cell(const JsonObject& item, std::string_view field) { return {text_of(item, field)}; }

Cell state_cell(const JsonObject& item) {
  const std::string state = text_of(item, "state");
  for (std::size_t i = 0; i < core::kTaskStateCount; ++i) {
    const auto candidate = static_cast<TaskState>(i);
    if (name(candidate) == state) {
      const Mark mark = mark_of(candidate);
      return {fmt::format("{} {}", mark.shape, state), mark.tone};
    }
  }
  return {fmt::format("{} {}", interrupted_mark().shape, state), interrupted_mark().tone};
}

Cell time_cell(const JsonObject& item, std::string_view field, Time now) {
  const auto time = parse_time(text_of(item, field));
  if (!time) return {};
  return {short_duration(now - *time) + " ago"};
}

Cell duration_cell(const JsonObject& item, std::string_view field) {
  const Json* const value = item.if_contains(field);
  if (value == nullptr || !value->is_number()) return {};
  return {short_duration(Duration{static_cast<std::int64_t>(value->to_number<double>() * 1e6)})};
}

Cell counts_cell(const JsonObject& item, std::string_view field) {
  const Json* const value = item.if_contains(field);
  if (value == nullptr || !value->is_object()) return {};
  StateCounts counts{};
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const Json* const count = value->get_object().if_contains(name(static_cast<TaskState>(i)));
    if (count != nullptr && count->is_number()) counts[i] = count->to_number<std::uint64_t>();
  }
  return {to_text(counters(counts, false, false), Colour::none)};
}

std::string after_text(const JsonObject& run) {
  std::string text;
  for (const Json& each : run.at("after").as_array()) {
    const JsonObject& after = each.as_object();
    const std::string state = text_of(after, "state");
    text += fmt::format("{}{} ({}){}", text.empty() ? "" : ", ",
                        after.at("number").to_number<std::uint32_t>(), text_of(after, "condition"),
                        state.empty() ? "" : ": " + state);
  }
  return text;
}

std::string waits_for_text(const JsonObject& run) {
  constexpr std::size_t kNumbersMax = 3;
  std::string text;
  std::size_t count = 0;
  for (const Json& each : run.at("after").as_array()) {
    const JsonObject& after = each.as_object();
    if (!after.at("state").is_null() || ++count > kNumbersMax) continue;
    text +=
        (text.empty() ? "" : ", ") + std::to_string(after.at("number").to_number<std::uint32_t>());
  }
  if (count > kNumbersMax) text += fmt::format(" and {} more", count - kNumbersMax);
  return text;
}

}  // namespace reeve::cli
