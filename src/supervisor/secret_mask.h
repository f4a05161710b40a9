// Finds byte strings in what tasks write and puts `***` in their place: the automaton of A. Aho and
// M. Corasick ("Efficient string matching", CACM 18, 1975), which looks at each byte a bounded
// number of times whatever the text is, behind the shift table of S. Wu and U. Manber ("A fast
// algorithm for multi-pattern searching", TR 94-17, University of Arizona, 1994), which passes over
// what cannot be part of one, most of a pattern's length at a time.
//
// What is replaced is every byte that any pattern covers, so patterns that overlap leave nothing
// of each other; bytes replaced side by side become one `***`. The result does not depend on how
// the text is cut into pieces.
//
// MaskPatterns is immutable and may be shared; a MaskedStream has one owner.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace reeve::supervisor {

inline constexpr std::string_view kMask = "***";

class MaskPatterns {
 public:
  /// Patterns of fewer than four bytes are left out.
  explicit MaskPatterns(const std::vector<std::string>& patterns);
  MaskPatterns(const MaskPatterns&) = delete;
  MaskPatterns& operator=(const MaskPatterns&) = delete;

  std::string mask(std::string_view text) const;
  bool is_in(std::string_view text) const;

 private:
  friend class MaskedStream;
  using State = std::uint32_t;  // 0: the root

  struct Node {
    State child = 0;            ///< the first; 0: none
    State sibling = 0;          ///< the next child of the parent
    State fallback = 0;         ///< the longest proper suffix that is a state
    std::uint32_t depth = 0;    ///< bytes from the root
    std::uint32_t longest = 0;  ///< of the patterns that end here, in bytes; 0: none does
    unsigned char byte = 0;
  };

  State child_of(State state, unsigned char byte) const;
  void add(std::string_view pattern);
  void link();
  State next(State state, unsigned char byte) const;
  /// The first place from `at` on where a pattern may begin; the size if there is none.
  std::size_t candidate(std::string_view text, std::size_t at) const;

  std::vector<Node> nodes_;
  std::array<State, 256> roots_{};
  std::size_t window_ = 0;            // all patterns are at least this long
  std::vector<std::uint8_t> shifts_;  // by hash of a window's last bytes: how far the next may be
};

/// One stream of bytes that comes in pieces.
class MaskedStream {
 public:
  /// What may be shown after these bytes: valid until the next call, and while `bytes` is. The end
  /// is held back for as long as it may become a pattern. `patterns` is the same in every call.
  std::string_view feed(const MaskPatterns& patterns, std::string_view bytes);
  /// The stream is at its end: what was held back.
  std::string_view finish();

 private:
  using Range = std::pair<std::uint64_t, std::uint64_t>;  // begin and end, bytes of the stream

  void step(const MaskPatterns& patterns, unsigned char byte);
  void cover(std::uint64_t begin, std::uint64_t end);
  void show_plain(std::string_view bytes);
  void show_mask();
  void show_until(std::uint64_t end);

  MaskPatterns::State state_ = 0;
  std::string held_;  // from held_from_ on, after held_read_ bytes that were shown
  std::size_t held_read_ = 0;
  std::uint64_t held_from_ = 0;
  std::deque<Range> covered_;  // of what is held; apart from each other, in order
  bool is_in_mask_ = false;    // the last thing shown was a mask
  std::string shown_;
};

}  // namespace reeve::supervisor
