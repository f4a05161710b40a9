#include "security/json_duplicates.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <boost/json/parse.hpp>

namespace reeve::security {
namespace {

/// The end of the string that begins at `at`: behind its closing quote.
std::size_t end_of_string(std::string_view text, std::size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return at + 1;
}

bool is_key(std::string_view text, std::size_t behind) {
  const std::size_t next = text.find_first_not_of(" \t\r\n", behind);
  return next != std::string_view::npos && text[next] == ':';
}

}  // namespace

bool has_duplicate_members(std::string_view text) {
  std::vector<std::set<std::string>> open;  // one per object or array that is open
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '"') {
      const std::size_t end = std::min(end_of_string(text, at), text.size());
      if (is_key(text, end) && !open.empty()) {
        // Read as JSON, so that "a" and "\u0061" are the same.
        boost::system::error_code error;
        const auto key = boost::json::parse(text.substr(at, end - at), error);
        if (error || !key.is_string()) return true;
        if (!open.back().insert(std::string(key.get_string())).second) return true;
      }
      at = end;
      continue;
    }
    if (c == '{' || c == '[') open.emplace_back();
    if ((c == '}' || c == ']') && !open.empty()) open.pop_back();
    ++at;
  }
  return false;
}

}  // namespace reeve::security
