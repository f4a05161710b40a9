#include "config/settings.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/ensure.h"
#include "base/text.h"

namespace reeve::config {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t bytes;
};
constexpr auto kUnits = std::to_array<Unit>({{"Ki", std::int64_t{1} << 10},
                                             {"Mi", std::int64_t{1} << 20},
                                             {"Gi", std::int64_t{1} << 30},
                                             {"k", 1'000},
                                             {"M", 1'000'000},
                                             {"G", 1'000'000'000}});

tl::unexpected<Error> expected_value(std::string what, std::string_view text) {
  return fail(ErrorCode::invalid_argument, fmt::format("{} is expected, not '{}'", what,
                                                       sanitize_for_terminal(text.substr(0, 100))));
}

Result<std::int64_t> parse_whole(std::string_view text, std::string_view all) {
  std::int64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || end != text.data() + text.size())
    return expected_value("a whole number", all);
  return number;
}

Result<std::int64_t> parse_bytes(std::string_view text) {
  const auto unit =
      std::ranges::find_if(kUnits, [&](const Unit& each) { return text.ends_with(each.name); });
  const std::int64_t factor = unit == kUnits.end() ? 1 : unit->bytes;
  const std::string_view digits =
      text.substr(0, text.size() - (unit == kUnits.end() ? 0 : unit->name.size()));
  const auto number = parse_whole(digits, text);
  std::int64_t bytes = 0;
  if (!number || __builtin_mul_overflow(*number, factor, &bytes))
    return expected_value("a size such as 64Ki or 10Mi", text);
  return bytes;
}

std::string format_bytes(std::int64_t bytes) {
  for (const std::string_view name : {"Gi", "Mi", "Ki"}) {
    const auto unit = std::ranges::find(kUnits, name, &Unit::name);
    if (bytes != 0 && bytes % unit->bytes == 0)
      return fmt::format("{}{}", bytes / unit->bytes, unit->name);
  }
  return fmt::format("{}", bytes);
}

/// As parse_duration reads it, exactly.
std::string format_exactly(Duration duration) {
  struct Step {
    std::string_view name;
    std::int64_t microseconds;
  };
  constexpr auto kDurationSteps = std::to_array<Step>({{"d", 86'400'000'000},
                                                       {"h", 3'600'000'000},
                                                       {"m", 60'000'000},
                                                       {"s", 1'000'000},
                                                       {"ms", 1'000},
                                                       {"us", 1}});
  std::int64_t left = duration.count();
  if (left == 0) return "0s";
  std::string out;
  for (const Step& step : kDurationSteps) {
    if (left / step.microseconds != 0)
      out += fmt::format("{}{}", left / step.microseconds, step.name);
    left %= step.microseconds;
  }
  return out;
}

std::string format_number(const SettingInfo& setting, std::int64_t number) {
  if (setting.type == Type::size) return format_bytes(number);
  if (setting.type == Type::duration) return format_exactly(Duration(number));
  return fmt::format("{}", number);
}

Status check_bounds(const SettingInfo& setting, std::int64_t number, std::string_view text) {
  if (number >= setting.least && number <= setting.most) return {};
  return expected_value(fmt::format("{} to {}", format_number(setting, setting.least),
                                    format_number(setting, setting.most)),
                        text);
}

Status check_choice(const SettingInfo& setting, std::string_view text) {
  if (std::ranges::find(setting.choices, text) != setting.choices.end()) return {};
  const std::string close = closest_match(text, setting.choices);
  auto refused = expected_value(fmt::format("one of {}", fmt::join(setting.choices, ", ")), text);
  if (!close.empty()) refused.value().message += fmt::format(": did you mean '{}'?", close);
  return refused;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      out.push_back(c);
    }
  }
  return out + "\"";
}

}  // namespace

std::string_view name(Type type) {
  switch (type) {
    case Type::boolean: return "boolean";
    case Type::integer: return "number";
    case Type::size: return "size";
    case Type::duration: return "duration";
    case Type::text: return "text";
    case Type::choice: return "choice";
    case Type::list: return "list";
  }
  return "";
}

std::string_view name(Origin origin) {
  switch (origin) {
    case Origin::fallback: return "default";
    case Origin::file: return "file";
    case Origin::api: return "api";
    case Origin::environment: return "environment";
    case Origin::flag: return "flag";
  }
  return "";
}

Result<Value> parse_value(const SettingInfo& setting, std::string_view text) {
  switch (setting.type) {
    case Type::boolean:
      if (text == "true") return Value(true);
      if (text == "false") return Value(false);
      return expected_value("true or false", text);
    case Type::integer:
    case Type::size: {
      TRY_ASSIGN(const std::int64_t number,
                 setting.type == Type::size ? parse_bytes(text) : parse_whole(text, text));
      TRY(check_bounds(setting, number, text));
      return Value(number);
    }
    case Type::duration: {
      const auto duration = parse_duration(text);
      if (!duration) return expected_value("a duration such as 10s or 1h30m", text);
      TRY(check_bounds(setting, duration->count(), text));
      return Value(*duration);
    }
    case Type::text:
      if (!is_valid_utf8(text) || text.find('\0') != std::string_view::npos)
        return expected_value("text in UTF-8", text);
      return Value(std::string(text));
    case Type::choice: TRY(check_choice(setting, text)); return Value(std::string(text));
    case Type::list: break;
  }
  std::vector<std::string> items;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    if (!setting.choices.empty()) TRY(check_choice(setting, text.substr(0, comma)));
    items.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return Value(std::move(items));
}

std::string format_value(const SettingInfo& setting, const Value& value) {
  if (const auto* found = std::get_if<bool>(&value)) return *found ? "true" : "false";
  if (const auto* found = std::get_if<std::int64_t>(&value))
    return setting.type == Type::size ? quoted(format_bytes(*found)) : fmt::format("{}", *found);
  if (const auto* found = std::get_if<Duration>(&value)) return quoted(format_exactly(*found));
  if (const auto* found = std::get_if<std::string>(&value)) return quoted(*found);
  std::string out = "[";
  for (const std::string& item : std::get<std::vector<std::string>>(value))
    out += (out.size() > 1 ? ", " : "") + quoted(item);
  return out + "]";
}

Settings::Settings() {
  for (const SettingInfo& row : setting_table()) {
    auto value = parse_value(row, row.fallback);
    ENSURE(value.has_value());
    set(row.setting, {std::move(*value), Origin::fallback, {}});
  }
}

namespace {

template <class T>
const T& get(const Settings& settings, Setting setting) {
  const T* const value = std::get_if<T>(&settings.at(setting).value);
  ENSURE(value != nullptr);
  return *value;
}

}  // namespace

bool Settings::boolean(Setting setting) const { return get<bool>(*this, setting); }
std::int64_t Settings::integer(Setting setting) const { return get<std::int64_t>(*this, setting); }
Duration Settings::duration(Setting setting) const { return get<Duration>(*this, setting); }
const std::string& Settings::text(Setting setting) const {
  return get<std::string>(*this, setting);
}
const std::vector<std::string>& Settings::list(Setting setting) const {
  return get<std::vector<std::string>>(*this, setting);
}

std::string Complaint::text() const {
  return suggestion.empty() ? fmt::format("{}: {}", place, message)
                            : fmt::format("{}: {}: {}", place, message, suggestion);
}

std::vector<Change> changes(const Settings& before, const Settings& after) {
  std::vector<Change> out;
  for (const SettingInfo& row : setting_table()) {
    const Value& old = before.at(row.setting).value;
    const Value& fresh = after.at(row.setting).value;
    if (old != fresh) out.push_back({row.setting, old, fresh, row.reloadable});
  }
  return out;
}

}  // namespace reeve::config
