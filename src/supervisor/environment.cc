#include "supervisor/environment.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>

namespace reeve::supervisor {
namespace {

std::string_view name_of(std::string_view entry) { return entry.substr(0, entry.find('=')); }

bool is_usable(std::string_view entry) {
  const std::size_t equals = entry.find('=');
  return equals != std::string_view::npos && equals > 0 &&
         entry.find('\0') == std::string_view::npos;
}

/// What a surrounding attempt was told must not be taken for what this one is told.
bool is_reserved(std::string_view name) {
  constexpr std::string_view kReserved[] = {"REEVE_TOKEN",   "REEVE_OUTPUT",     "REEVE_PROGRESS",
                                            "REEVE_ATTEMPT", "REEVE_TASK_INDEX", "REEVE_RUN_ID"};
  return name.starts_with("REEVE_") && std::ranges::find(kReserved, name) != std::end(kReserved);
}

bool has_name(const char* entry, std::string_view name) {
  return std::strncmp(entry, name.data(), name.size()) == 0 && entry[name.size()] == '=';
}

}  // namespace

std::vector<std::string> enclosed_environment(const std::vector<std::string>& entries) {
  constexpr std::string_view kKept[] = {"PATH", "LANG",  "LANGUAGE",  "TZ",      "TERM",
                                        "CI",   "SHELL", "COLORTERM", "NO_COLOR"};
  std::vector<std::string> kept;
  for (const std::string& entry : entries) {
    const std::string_view name = name_of(entry);
    if (name.starts_with("LC_") || std::ranges::find(kKept, name) != std::end(kKept))
      kept.push_back(entry);
  }
  kept.emplace_back("HOME=/tmp");
  return kept;
}

std::vector<std::string> image_environment(const std::vector<std::string>& entries,
                                           const std::vector<std::string>& image) {
  std::vector<std::string> kept{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                "HOME=/tmp"};
  for (const std::string& entry : enclosed_environment(entries)) {
    const std::string_view name = name_of(entry);
    if (name != "PATH" && name != "SHELL" && name != "HOME") kept.push_back(entry);
  }
  // A later entry of a name wins.
  kept.insert(kept.end(), image.begin(), image.end());
  return kept;
}

BaseEnvironment::BaseEnvironment(std::vector<std::string> entries) {
  std::unordered_map<std::string_view, std::size_t> last;
  for (std::size_t i = 0; i < entries.size(); ++i) last[name_of(entries[i])] = i;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::string_view name = name_of(entries[i]);
    if (is_usable(entries[i]) && !is_reserved(name) && last[name] == i)
      entries_.push_back(entries[i]);
  }
}

EnvironmentBlock::EnvironmentBlock(const BaseEnvironment& base, const Additions& additions,
                                   const Additions& own) {
  std::size_t size = 0;
  for (const auto* list : {&additions, &own})
    for (const auto& [name, value] : *list) size += name.size() + value.size() + 2;
  text_.reserve(size);  // pointers_ point into it: it never grows past this
  pointers_.reserve(base.entries().size() + additions.size() + own.size() + 1);
  append(own);
  append(additions);
  const std::size_t added = pointers_.size();
  for (const std::string& entry : base.entries()) {
    const std::string_view name = name_of(entry);
    const auto is_same = [&](const char* other) { return has_name(other, name); };
    if (std::none_of(pointers_.begin(), pointers_.begin() + static_cast<std::ptrdiff_t>(added),
                     is_same)) {
      pointers_.push_back(const_cast<char*>(entry.c_str()));
    }
  }
  pointers_.push_back(nullptr);
}

/// Last entries first, so that the first one found of a name is the one that counts.
void EnvironmentBlock::append(const Additions& additions) {
  for (auto addition = additions.rbegin(); addition != additions.rend(); ++addition) {
    const auto& [name, value] = *addition;
    const bool is_bad =
        name.empty() || name.find_first_of(std::string_view("=\0", 2)) != std::string::npos;
    const auto is_same = [&](const char* other) { return has_name(other, name); };
    if (is_bad || std::ranges::any_of(pointers_, is_same)) continue;
    char* start = text_.data() + text_.size();
    text_.append(name).append("=").append(value, 0, value.find('\0')).push_back('\0');
    pointers_.push_back(start);
  }
}

const char* EnvironmentBlock::find(std::string_view name) const {
  for (const char* entry : pointers_)
    if (entry != nullptr && has_name(entry, name)) return entry + name.size() + 1;
  return nullptr;
}

}  // namespace reeve::supervisor
