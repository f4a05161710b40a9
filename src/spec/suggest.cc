#include "spec/suggest.h"

#include <algorithm>

namespace reeve::spec {
namespace {

constexpr std::size_t kNamesListedMax = 40;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

std::string to_lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

std::string join_names(std::span<const std::string_view> names) {
  std::string out;
  const std::size_t shown = std::min(names.size(), kNamesListedMax);
  for (std::size_t i = 0; i < shown; ++i) {
    if (i > 0) out += i + 1 == names.size() ? " and " : ", ";
    out += names[i];
  }
  if (shown < names.size()) out += ", ...";
  return out;
}

std::string suggestion(std::string_view candidate) {
  if (candidate.empty()) return {};
  return "did you mean '" + std::string(candidate) + "'?";
}

std::string with_suggestion(std::string message, std::string_view candidate) {
  if (candidate.empty()) return message;
  return std::move(message) + "; " + suggestion(candidate);
}

}  // namespace reeve::spec
