#include "cli/arguments.h"

#include <charconv>

#include <fmt/format.h>

namespace reeve::cli {

const std::string* Arguments::find(std::string_view option) const {
  const auto found = options.find(option);
  return found == options.end() || found->second.empty() ? nullptr : &found->second.back();
}

std::string Arguments::value_or(std::string_view option, std::string_view fallback) const {
  const std::string* value = find(option);
  return value == nullptr ? std::string(fallback) : *value;
}

std::span<const std::string> Arguments::all(std::string_view option) const {
  const auto found = options.find(option);
  if (found == options.end()) return {};
  return found->second;
}

Checked<std::optional<std::int64_t>> Arguments::number(std::string_view option, std::int64_t least,
                                                       std::int64_t most) const {
  const std::string* text = find(option);
  if (text == nullptr) return std::nullopt;
  std::int64_t value = 0;
  const char* const end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, value);
  if (error != std::errc{} || stop != end || value < least || value > most)
    return usage(
        fmt::format("--{} wants a number from {} to {}, not '{}'", option, least, most, *text));
  return value;
}

Checked<std::optional<Duration>> Arguments::duration(std::string_view option) const {
  const std::string* text = find(option);
  if (text == nullptr) return std::nullopt;
  auto value = parse_duration(*text);
  if (!value) return usage(fmt::format("--{} {}: {}", option, *text, value.error().message));
  return *value;
}

Checked<Assignment> parse_assignment(std::string_view option, const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    return usage(fmt::format("--{} wants NAME=VALUE, not '{}'", option, text));
  return Assignment{text.substr(0, equals), text.substr(equals + 1)};
}

}  // namespace reeve::cli
