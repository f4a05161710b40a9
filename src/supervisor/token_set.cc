#include "supervisor/token_set.h"

#include <iterator>

namespace reeve::supervisor {

bool TokenSet::contains(Token token) const {
  const auto after = last_of_.upper_bound(token.value);
  return after != last_of_.begin() && std::prev(after)->second >= token.value;
}

void TokenSet::insert(Token token) {
  if (contains(token)) return;
  std::uint64_t first = token.value;
  std::uint64_t last = token.value;
  auto after = last_of_.upper_bound(token.value);
  if (after != last_of_.begin() && std::prev(after)->second + 1 == token.value) {
    --after;
    first = after->first;
    after = last_of_.erase(after);
  }
  if (after != last_of_.end() && after->first == token.value + 1) {
    last = after->second;
    after = last_of_.erase(after);
  }
  last_of_.emplace_hint(after, first, last);
  if (last_of_.size() > kRangesMax) {
    const auto lowest = last_of_.begin();
    const auto next = std::next(lowest);
    lowest->second = next->second;
    last_of_.erase(next);
  }
}

}  // namespace reeve::supervisor
