#include "cli/help.h"

#include <algorithm>

#include <fmt/format.h>

namespace reeve::cli {
namespace {

constexpr int kIndent = 2;
constexpr int kOptionColumn = 28;

std::string line(std::string_view term, std::string_view text, int columns) {
  std::string out = fmt::format("{:{}}{}", "", kIndent, term);
  const int used = kIndent + static_cast<int>(term.size());
  if (used + 2 > kOptionColumn) {
    out += fmt::format("\n{:{}}", "", kOptionColumn);
  } else {
    out += std::string(static_cast<std::size_t>(kOptionColumn - used), ' ');
  }
  out += wrap(text, columns - kOptionColumn, kOptionColumn);
  out += '\n';
  return out;
}

std::string options_text(std::string_view heading, std::span<const Option> options, int columns) {
  std::string out;
  for (const Option& option : options) {
    if (option.hidden) continue;
    out += line(option_spelling(option), option_explanation(option), columns);
  }
  return out.empty() ? out : fmt::format("\n{}:\n{}", heading, out);
}

std::string paragraphs(std::string_view text, int columns) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = text.find("\n\n");
    out += fmt::format("\n{}\n", wrap(text.substr(0, end), columns, 0));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 2);
  }
  return out;
}

}  // namespace

std::string option_spelling(const Option& option) {
  std::string out = option.letter == 0 ? fmt::format("    --{}", option.name)
                                       : fmt::format("-{}, --{}", option.letter, option.name);
  if (!option.if_bare.empty())
    out += fmt::format("[={}]", option.value);
  else if (!option.is_flag())
    out += fmt::format(" {}", option.value);
  return out;
}

std::string option_explanation(const Option& option) {
  std::string out(option.help);
  if (!option.choices.empty()) {
    out += ": ";
    for (std::size_t i = 0; i < option.choices.size(); ++i)
      out += fmt::format("{}{}", i == 0 ? "" : ", ", option.choices[i]);
  }
  if (option.repeats) out += "; may be given again";
  if (!option.fallback.empty()) out += fmt::format(" (default: {})", option.fallback);
  return out;
}

std::string wrap(std::string_view text, int columns, int indent) {
  const auto width = static_cast<std::size_t>(std::max(columns, 20));
  std::string out;
  std::size_t used = 0;
  while (!text.empty()) {
    const std::size_t space = text.find(' ');
    const std::string_view word = text.substr(0, space);
    if (used > 0 && used + 1 + word.size() > width) {
      out += fmt::format("\n{:{}}", "", indent);
      used = 0;
    } else if (used > 0) {
      out += ' ';
      ++used;
    }
    out += word;
    used += word.size();
    text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
  }
  return out;
}

std::string program_help() {
  std::string out =
      "reeve runs tasks and workflows, remembers everything and says why.\n\n"
      "Usage: reeve [OPTIONS] COMMAND [ARGUMENT...]\n";
  for (const auto section : {Section::running, Section::serving, Section::looking, Section::acting,
                             Section::preparing, Section::program}) {
    out += fmt::format("\n{}:\n", title(section));
    for (const Command& command : command_table()) {
      if (command.section == section && !command.hidden)
        out += fmt::format("  {:11} {}\n", command.name, command.summary);
    }
  }
  out += options_text("Options of every command", global_options(), 80);
  out +=
      "\n`reeve COMMAND --help` says more, `reeve man COMMAND | man -l -` all of it.\n"
      "To begin: `reeve init && reeve run reeve.yaml`, or `reeve run -- make test`.\n";
  return out;
}

std::string command_help(const Command& command, int columns) {
  std::string out = fmt::format("reeve {}: {}\n\n", command.name, command.summary);
  for (const std::string_view& synopsis : command.synopses) {
    out += fmt::format("{} reeve {}{}{}\n",
                       &synopsis == &command.synopses.front() ? "Usage:" : "      ", command.name,
                       synopsis.empty() ? "" : " ", synopsis);
  }
  out += paragraphs(command.description, columns);
  if (!command.arguments.empty()) {
    out += "\nArguments:\n";
    for (const Argument& argument : command.arguments)
      out += line(argument.name, argument.help, columns);
  }
  std::string options;
  for (const auto list : command.options) {
    for (const Option& option : list) {
      if (!option.hidden)
        options += line(option_spelling(option), option_explanation(option), columns);
    }
  }
  if (!options.empty()) out += fmt::format("\nOptions:\n{}", options);
  out += options_text("Options of every command", global_options(), columns);
  if (!command.examples.empty()) {
    out += "\nExamples:\n";
    for (const Example& example : command.examples)
      out += fmt::format("  {}\n      {}\n", example.command,
                         wrap(example.explanation, columns - 6, 6));
  }
  if (!command.exit_statuses.empty()) {
    out += "\nExit status:\n";
    for (const ExitStatus& exit : command.exit_statuses)
      out += fmt::format("  {:7} {}\n", exit.status, wrap(exit.meaning, columns - 10, 10));
  }
  return out;
}

}  // namespace reeve::cli
