// How many columns of a terminal a text takes, and texts cut or filled to a width. Input is text
// that is safe to print (base/text.h: sanitize_for_terminal). Pure; no locale.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace reeve::cli {

/// Columns: wide characters (East Asian, emoji) take two, combining ones none.
int display_width(std::string_view text);

/// At most `columns` wide; what does not fit is replaced by "…" ("..." where `ascii`).
std::string fit(std::string_view text, int columns, bool ascii = false);

/// Filled with spaces to at least `columns`.
std::string pad_right(std::string text, int columns);
std::string pad_left(std::string text, int columns);

}  // namespace reeve::cli
