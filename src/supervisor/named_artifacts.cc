#include "supervisor/named_artifacts.h"

#include <algorithm>

namespace reeve::supervisor {
namespace {

constexpr std::size_t kShelfDigits = 2;
constexpr std::size_t kBoxDigits = 62;

bool are_digits(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

void add_named(std::string_view text, std::string_view store, std::vector<std::string>& out) {
  for (std::size_t at = text.find(store); at != std::string_view::npos;
       at = text.find(store, at + 1)) {
    // "/ab/cdef…"
    const std::string_view box = text.substr(at + store.size(), kShelfDigits + kBoxDigits + 2);
    if (box.size() != kShelfDigits + kBoxDigits + 2 || box[0] != '/') continue;
    if (box[kShelfDigits + 1] != '/') continue;
    if (!are_digits(box.substr(1, kShelfDigits)) || !are_digits(box.substr(kShelfDigits + 2)))
      continue;
    out.push_back(std::string(store).append(box));
  }
}

}  // namespace

std::vector<std::string> named_artifacts(const Launch& launch, std::string_view store) {
  std::vector<std::string> out;
  for (const std::string& argument : launch.arguments) add_named(argument, store, out);
  add_named(launch.script, store, out);
  for (const auto& [name, value] : launch.environment) add_named(value, store, out);
  std::ranges::sort(out);
  const auto again = std::ranges::unique(out);
  out.erase(again.begin(), again.end());
  return out;
}

}  // namespace reeve::supervisor
