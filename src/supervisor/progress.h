// Progress of attempts as they tell it: "::progress 40 message" lines in their output, "40 message"
// lines in the REEVE_PROGRESS file. Everything here is hostile text: cut, checked, made printable.
// Pure; one owner per scanner.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace reeve::supervisor {

struct ProgressLine {
  std::int16_t percent = -1;  ///< 0..100, or -1: not said
  std::string message;
  friend bool operator==(const ProgressLine&, const ProgressLine&) = default;
};

inline constexpr std::size_t kProgressMessageBytesMax = 200;
inline constexpr std::size_t kProgressLineBytesMax = 1024;

/// "40", "40%", "40.5 message", "message": nullopt for an empty line. Over 100 counts as 100.
std::optional<ProgressLine> parse_progress(std::string_view line);

/// Valid UTF-8 without control characters, at most `bytes_max` bytes and cut between characters.
std::string clean_text(std::string_view text, std::size_t bytes_max);

/// Finds progress lines in a stream that comes in pieces, wherever they are cut.
class ProgressScanner {
 public:
  /// The newest progress that was completed by these bytes.
  std::optional<ProgressLine> feed(std::string_view bytes);

 private:
  std::optional<ProgressLine> finish_carried(std::string_view& bytes);
  void carry_tail(std::string_view bytes);

  std::string carried_;  ///< an unfinished line that is, or may become, a progress line
  bool at_line_start_ = true;
  bool carrying_ = false;
};

}  // namespace reeve::supervisor
