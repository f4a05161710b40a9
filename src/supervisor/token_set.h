// A set of tokens that stays small when most of them are neighbours, as fencing tokens are: kept as
// ranges. Answers "did this token ever start here?" for the life of the supervisor. One owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "base/ids.h"

namespace reeve::supervisor {

class TokenSet {
 public:
  /// Past this many ranges the lowest gap is filled: a very old token that never came counts as
  /// known, and is refused rather than run twice.
  static constexpr std::size_t kRangesMax = 1U << 16;

  void insert(Token token);
  bool contains(Token token) const;
  std::size_t range_count() const { return last_of_.size(); }

 private:
  std::map<std::uint64_t, std::uint64_t> last_of_;  ///< first of a range → its last
};

}  // namespace reeve::supervisor
