// The command table as people read it: --help for terminals, roff for man, Markdown for
// docs/cli.md. Pure functions from the table to text.
#pragma once

#include <string>
#include <string_view>

#include "cli/command.h"

namespace reeve::cli {

/// `reeve --help`: all commands by section.
std::string program_help();
/// `reeve COMMAND --help`; `columns` is the width to wrap at.
std::string command_help(const Command& command, int columns);

/// `reeve man [COMMAND]`: a page of section 1.
std::string program_man_page();
std::string command_man_page(const Command& command);

/// docs/cli.md, whole.
std::string markdown_reference();

/// "-j, --jobs CAPACITY"
std::string option_spelling(const Option& option);
/// The help of an option with its default and its choices: what all three forms print.
std::string option_explanation(const Option& option);
/// Words wrapped at `columns`, each line after the first indented.
std::string wrap(std::string_view text, int columns, int indent);

}  // namespace reeve::cli
