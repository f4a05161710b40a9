#include "api/json_values.h"

#include <algorithm>

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "base/ensure.h"
#include "base/text.h"
#include "spec/json_text.h"

namespace reeve::api {
namespace {

constexpr std::size_t kJsonBytesMax = std::size_t{4} << 30;

}  // namespace

std::string to_json_text(const Json& value, bool pretty) {
  std::string out;
  const bool fits = spec::append_json(
      out, value, pretty ? spec::JsonStyle::pretty : spec::JsonStyle::compact, kJsonBytesMax);
  ENSURE(fits);
  return out;
}

Json time_json(Time time) {
  if (time == kUnset || time == kNever) return nullptr;
  const std::string text = format_time(time);
  return Json(text);
}

Json seconds_json(Duration duration) { return static_cast<double>(duration.count()) / 1e6; }

Json duration_json(Time begin, Time end) {
  if (begin == kUnset || end == kUnset) return nullptr;
  return seconds_json(end - begin);
}

Json text_json(const std::string& text) {
  return is_valid_utf8(text) ? Json(text) : Json(sanitize_for_terminal(text, LineBreaks::keep));
}

Json optional_text(const std::string& text) {
  return text.empty() ? Json(nullptr) : text_json(text);
}

Json stored_object(std::string_view text) {
  if (text.empty()) return JsonObject{};
  boost::system::error_code error;
  Json value = boost::json::parse(text, error);
  return error ? Json(JsonObject{}) : value;
}

std::string text_of(const JsonObject& item, std::string_view field) {
  const Json* const value = item.if_contains(field);
  if (value == nullptr || value->is_null()) return {};
  if (const auto* text = value->if_string(); text != nullptr)
    return std::string(text->data(), text->size());
  return to_json_text(*value, false);
}

std::string short_duration(Duration duration) {
  constexpr Duration kMillisecondsBelow = std::chrono::milliseconds{100};
  if (duration > Duration{0} && duration < kMillisecondsBelow)
    return fmt::format("{}ms", std::max<std::int64_t>(duration.count() / 1000, 1));
  const double seconds = std::max(static_cast<double>(duration.count()) / 1e6, 0.0);
  if (seconds < 9.95) return fmt::format("{:.1f}s", seconds);
  const auto whole = static_cast<std::int64_t>(seconds + 0.5);
  if (whole < 60) return fmt::format("{}s", whole);
  if (whole < 3600) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  if (whole < 86400) return fmt::format("{}h{:02}m", whole / 3600, whole / 60 % 60);
  return fmt::format("{}d{:02}h", whole / 86400, whole / 3600 % 24);
}

}  // namespace reeve::api
