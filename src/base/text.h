// Small functions on text that several folders need. Pure; no locale: bytes are UTF-8 or hostile.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace reeve {

/// The candidate that is most like `word`, for "did you mean": at most a third of the word away
/// (inserted, deleted, replaced and swapped characters; case counts for nothing). The first of
/// equals; "" when nothing is close.
std::string closest_match(std::string_view word, std::span<const std::string_view> candidates);
std::string closest_match(std::string_view word, std::span<const std::string> candidates);

/// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_valid_utf8(std::string_view text);

enum class LineBreaks : std::uint8_t { escape, keep };

/// Text from outside, safe to print on a terminal and into a log line. Control characters, those
/// that reorder text (bidirectional controls) and bytes that are not UTF-8 are shown as \x1b or
/// \u202e. Tabs stay; line feeds stay only with LineBreaks::keep.
std::string sanitize_for_terminal(std::string_view text, LineBreaks breaks = LineBreaks::escape);

/// The word as a POSIX shell needs it to read it back unchanged: quoted only where it must be. A
/// shell word cannot hold NUL bytes: they are left out.
std::string shell_quote(std::string_view word);

}  // namespace reeve
