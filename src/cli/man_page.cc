#include <fmt/format.h>

#include "cli/help.h"

namespace reeve::cli {
namespace {

/// Text that roff prints as it stands: backslashes, hyphens that may be copied, and characters that
/// begin a request at the start of a line.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '\\': out += "\\e"; break;
      case '-': out += "\\-"; break;
      case '\'': out += "\\(aq"; break;
      case '`': out += "\\(ga"; break;
      case '^': out += "\\(ha"; break;
      case '~': out += "\\(ti"; break;
      case '"': out += "\\(dq"; break;
      default: out += c;
    }
  }
  if (out.starts_with('.')) out.insert(0, "\\&");
  return out;
}

std::string paragraphs(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = text.find("\n\n");
    out += fmt::format(".PP\n{}\n", roff(text.substr(0, end)));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 2);
  }
  return out;
}

std::string tagged(std::string_view term, std::string_view text) {
  return fmt::format(".TP\n{}\n{}\n", term, roff(text));
}

std::string option_term(const Option& option) {
  std::string out;
  if (option.letter != 0) out += fmt::format("\\fB\\-{}\\fR, ", option.letter);
  out += fmt::format("\\fB\\-\\-{}\\fR", roff(option.name));
  if (!option.if_bare.empty())
    out += fmt::format("[=\\fI{}\\fR]", roff(option.value));
  else if (!option.is_flag())
    out += fmt::format(" \\fI{}\\fR", roff(option.value));
  return out;
}

std::string option_list(std::span<const Option> options) {
  std::string out;
  for (const Option& option : options) {
    if (!option.hidden) out += tagged(option_term(option), option_explanation(option));
  }
  return out;
}

std::string upper(std::string_view text) {
  std::string out;
  for (const char c : text) out += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

std::string page_head(std::string_view name, std::string_view summary) {
  return fmt::format(".TH {} 1 \"\" \"reeve\" \"User Commands\"\n.SH NAME\n{} \\- {}\n",
                     upper(name), roff(name), roff(summary));
}

std::string status_list(std::span<const ExitStatus> statuses) {
  std::string out = ".SH EXIT STATUS\n";
  for (const ExitStatus& exit : statuses)
    out += tagged(fmt::format("\\fB{}\\fR", roff(exit.status)), exit.meaning);
  return out;
}

}  // namespace

std::string program_man_page() {
  std::string out = page_head("reeve", "run tasks and workflows, remember everything, say why");
  out +=
      ".SH SYNOPSIS\n\\fBreeve\\fR [\\fIOPTIONS\\fR] \\fICOMMAND\\fR [\\fIARGUMENT\\fR...]\n"
      ".SH DESCRIPTION\n";
  out += roff(
      "Reeve runs tasks and workflows on this machine. Everything that happens is recorded in a "
      "state directory first, so that runs survive the end of their process, and every decision "
      "carries its reason.");
  out += '\n';
  for (const auto section : {Section::running, Section::serving, Section::looking, Section::acting,
                             Section::preparing, Section::program}) {
    out += fmt::format(".SS {}\n", roff(title(section)));
    for (const Command& command : command_table()) {
      if (command.section == section && !command.hidden)
        out += tagged(fmt::format("\\fBreeve\\-{}\\fR(1)", roff(command.name)), command.summary);
    }
  }
  out += ".SH OPTIONS\n" + option_list(global_options());
  out += status_list(common_exit_statuses());
  out += ".SH ENVIRONMENT\n";
  out += tagged("\\fBNO_COLOR\\fR", "when not empty: no colours");
  out += tagged("\\fBTERM\\fR", "dumb: no colours and no live view");
  out += tagged("\\fBCI\\fR", "when not empty and not false: no live view");
  out += ".SH FILES\n";
  out += tagged("\\fI.reeve\\fR",
                "the state directory: the database, logs, artifacts, the lock of the engine");
  return out;
}

std::string command_man_page(const Command& command) {
  std::string out = page_head(fmt::format("reeve-{}", command.name), command.summary);
  out += ".SH SYNOPSIS\n";
  for (const std::string_view synopsis : command.synopses) {
    if (&synopsis != &command.synopses.front()) out += ".br\n";
    out += fmt::format("\\fBreeve {}\\fR {}\n", roff(command.name), roff(synopsis));
  }
  out += ".SH DESCRIPTION\n" + paragraphs(command.description);
  if (!command.arguments.empty()) {
    out += ".SH ARGUMENTS\n";
    for (const Argument& argument : command.arguments)
      out += tagged(fmt::format("\\fI{}\\fR", roff(argument.name)), argument.help);
  }
  out += ".SH OPTIONS\n";
  for (const auto list : command.options) out += option_list(list);
  out += ".SS Options of every command\n" + option_list(global_options());
  if (!command.examples.empty()) {
    out += ".SH EXAMPLES\n";
    for (const Example& example : command.examples)
      out += fmt::format(".TP\n\\fB{}\\fR\n{}\n", roff(example.command), roff(example.explanation));
  }
  if (!command.exit_statuses.empty()) out += status_list(command.exit_statuses);
  out += ".SH SEE ALSO\n\\fBreeve\\fR(1)\n";
  return out;
}

}  // namespace reeve::cli
