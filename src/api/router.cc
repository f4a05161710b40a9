#include <algorithm>

#include "api/route.h"
#include "http/message.h"

namespace reeve::api {
namespace {

std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> out;
  path.remove_prefix(std::min<std::size_t>(path.size(), 1));
  while (true) {
    const std::size_t slash = path.find('/');
    out.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return out;
    path.remove_prefix(slash + 1);
  }
}

struct Pattern {
  const Route* route;
  std::vector<std::string_view> segments;
};

const std::vector<Pattern>& patterns() {
  static const std::vector<Pattern> kAll = [] {
    std::vector<Pattern> all;
    for (const Route& route : route_table()) all.push_back({&route, segments_of(route.path)});
    return all;
  }();
  return kAll;
}

bool is_variable(std::string_view segment) { return segment.starts_with('{'); }

bool matches(const Pattern& pattern, const std::vector<std::string_view>& segments) {
  return std::ranges::equal(pattern.segments, segments,
                            [](std::string_view wanted, std::string_view given) {
                              return is_variable(wanted) ? !given.empty() : wanted == given;
                            });
}

}  // namespace

/// Segments are told apart before they are decoded: %2F is part of a name, and ".." is one.
Match find_route(std::string_view method, std::string_view path) {
  Match match;
  const std::vector<std::string_view> segments = segments_of(path);
  for (const Pattern& pattern : patterns()) {
    if (!matches(pattern, segments)) continue;
    const bool is_method =
        pattern.route->method == method || (method == "HEAD" && pattern.route->method == "GET");
    if (!is_method) {
      match.methods.push_back(pattern.route->method);
      if (pattern.route->method == "GET") match.methods.push_back("HEAD");
      continue;
    }
    match.route = pattern.route;
    for (std::size_t i = 0; i < segments.size(); ++i) {
      const std::string_view wanted = pattern.segments[i];
      if (!is_variable(wanted)) continue;
      auto value = http::percent_decode(segments[i]);
      match.is_malformed = match.is_malformed || !value;
      if (value) match.values.push_back({wanted.substr(1, wanted.size() - 2), *std::move(value)});
    }
    return match;
  }
  return match;
}

}  // namespace reeve::api
