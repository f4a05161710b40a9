// Patterns of paths as sets: whether two of them have a path in common, decided by the patterns
// alone, exactly. `*` is any run of characters of one name, `?` one character, `**` between slashes
// any number of names, also none. Values; no thread rule.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace reeve::spec {

inline constexpr std::size_t kGlobBytesMax = 4096;
inline constexpr std::size_t kGlobNamesMax = 128;

class Glob {
 public:
  /// `.` and empty names are left out; a slash at the end stands for `/**`, and so does a last name
  /// without `*` and `?`: who names a directory means what is in it. Refused are `..`, and what
  /// other tools read otherwise: [ ] { } and \.
  static Result<Glob> parse(std::string_view text);

  bool is_absolute() const { return is_absolute_; }
  /// Names in front of the first that holds `*` or `?`.
  std::size_t literal_count() const { return literal_count_; }
  const std::vector<std::u32string>& names() const { return names_; }
  /// Whether a path is in both; `**` in front of a relative one when the other is absolute, since
  /// nobody knows where it begins.
  static bool intersect(const Glob& a, const Glob& b);
  /// `directory` in front, unless it is absolute.
  Glob below(const Glob& directory) const;

  friend auto operator<=>(const Glob&, const Glob&) = default;

 private:
  bool is_absolute_ = false;
  std::size_t literal_count_ = 0;
  std::vector<std::u32string> names_;  ///< of code points; kAnyRun, kAnyOne and kAnyNames in them
};

inline constexpr char32_t kAnyRun = 0x110000;    ///< `*`
inline constexpr char32_t kAnyOne = 0x110001;    ///< `?`
inline constexpr char32_t kAnyNames = 0x110002;  ///< `**`, alone

}  // namespace reeve::spec
