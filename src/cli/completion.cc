#include "cli/completion.h"

#include <fmt/format.h>

#include "cli/command.h"

namespace reeve::cli {
namespace {

// What completes a run: their numbers, newest first. Errors (no state directory) give nothing.
constexpr std::string_view kListRuns =
    "reeve ls -o jsonl --json number 2>/dev/null | sed 's/.*\"number\":\\([0-9]*\\).*/\\1/'";

/// In single quotes of a POSIX shell.
std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

std::string joined_words(std::span<const std::string_view> words) {
  std::string out;
  for (const std::string_view word : words)
    out += fmt::format("{}{}", out.empty() ? "" : " ", word);
  return out;
}

std::string command_names() {
  std::string out;
  for (const Command& command : command_table()) {
    if (!command.hidden) out += fmt::format("{}{}", out.empty() ? "" : " ", command.name);
  }
  return out;
}

Completes completes(const Command& command) {
  return command.arguments.empty() ? Completes::nothing : command.arguments.front().completes;
}

std::span<const std::string_view> choices(const Command& command) {
  if (command.arguments.empty()) return {};
  return command.arguments.front().choices;
}

// --- bash -------------------------------------------------------------------------------------

std::string bash_action(Completes what, std::span<const std::string_view> words) {
  if (!words.empty()) return fmt::format("_reeve_words \"{}\"", joined_words(words));
  switch (what) {
    case Completes::file: return "_reeve_files -f";
    case Completes::directory: return "_reeve_files -d";
    case Completes::run: return "_reeve_words \"$(_reeve_runs)\"";
    case Completes::command: return fmt::format("_reeve_words \"{}\"", command_names());
    case Completes::nothing: return ":";
  }
  return ":";
}

std::string bash_values(const Command& command) {
  std::string out;
  each_option(command, [&](const Option& option) {
    // A value that may be left out is attached with '=': the next word is another one.
    if (option.is_flag() || option.hidden || !option.if_bare.empty()) return;
    const std::string letter = option.letter == 0 ? "" : fmt::format("|-{}", option.letter);
    out += fmt::format("        --{}{}) {}; return ;;\n", option.name, letter,
                       bash_action(option.completes, option.choices));
  });
  return out;
}

std::string bash_options(const Command& command) {
  std::string out;
  each_option(command, [&](const Option& option) {
    if (option.hidden) return;
    out += fmt::format("{}--{}", out.empty() ? "" : " ", option.name);
    if (option.letter != 0) out += fmt::format(" -{}", option.letter);
  });
  return out;
}

std::string bash_script() {
  std::string out = fmt::format(
      "# bash completion of reeve: source <(reeve completion bash)\n"
      "_reeve_words() {{ COMPREPLY=($(compgen -W \"$1\" -- \"$word\")); }}\n"
      "_reeve_files() {{ compopt -o filenames 2>/dev/null; "
      "COMPREPLY=($(compgen \"$1\" -- \"$word\")); }}\n"
      "_reeve_runs() {{ echo last; {}; }}\n"
      "_reeve() {{\n"
      "  local word=\"${{COMP_WORDS[COMP_CWORD]}}\" before=\"${{COMP_WORDS[COMP_CWORD-1]}}\"\n"
      "  local command=\"\" i\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    case \"${{COMP_WORDS[i]}}\" in\n"
      "      --state) ((i++)) ;;\n"
      "      --) [[ -n $command ]] && {{ _reeve_files -f; return; }} ;;\n"
      "      -*) ;;\n"
      "      *) [[ -z $command ]] && command=\"${{COMP_WORDS[i]}}\" ;;\n"
      "    esac\n"
      "  done\n"
      "  COMPREPLY=()\n"
      "  case \"$command\" in\n",
      kListRuns);
  for (const Command& command : command_table()) {
    if (command.hidden) continue;
    out += fmt::format(
        "    {})\n"
        "      case \"$before\" in\n{}"
        "      esac\n"
        "      if [[ $word == -* ]]; then\n"
        "        _reeve_words \"{}\"\n"
        "      else\n"
        "        {}\n"
        "      fi ;;\n",
        command.name, bash_values(command), bash_options(command),
        bash_action(completes(command), choices(command)));
  }
  out += fmt::format(
      "    '')\n"
      "      if [[ $before == --state ]]; then _reeve_files -d; else _reeve_words \"{}\"; fi ;;\n"
      "  esac\n"
      "}}\n"
      "complete -F _reeve reeve\n",
      command_names());
  return out;
}

// --- zsh --------------------------------------------------------------------------------------

/// Text inside the brackets of an _arguments specification.
std::string zsh_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string zsh_action(Completes what, std::span<const std::string_view> words) {
  if (!words.empty()) return fmt::format("({})", joined_words(words));
  switch (what) {
    case Completes::file: return "_files";
    case Completes::directory: return "_files -/";
    case Completes::run: return "_reeve_runs";
    case Completes::command: return fmt::format("({})", command_names());
    case Completes::nothing: return " ";
  }
  return " ";
}

std::string zsh_option(const Option& option) {
  const std::string again = option.repeats ? "*" : "";
  const std::string text = zsh_text(option.help);
  const std::string tail = option.is_flag()
                               ? ""
                               : fmt::format(":{}:{}", zsh_text(option.value),
                                             zsh_action(option.completes, option.choices));
  if (!option.if_bare.empty())
    return quoted(fmt::format("{}--{}=-[{}]:{}", again, option.name, text, tail));
  std::string out = quoted(fmt::format("{}--{}[{}]{}", again, option.name, text, tail));
  if (option.letter != 0)
    out += " " + quoted(fmt::format("{}-{}[{}]{}", again, option.letter, text, tail));
  return out;
}

std::string zsh_script() {
  std::string out = fmt::format(
      "#compdef reeve\n"
      "# zsh completion of reeve: reeve completion zsh > _reeve, in a directory of $fpath\n"
      "_reeve_runs() {{\n"
      "  local -a runs\n"
      "  runs=(last ${{(f)\"$({})\"}})\n"
      "  compadd -a runs\n"
      "}}\n"
      "_reeve() {{\n"
      "  local curcontext=\"$curcontext\" state line\n"
      "  local -a commands\n"
      "  commands=(\n",
      kListRuns);
  for (const Command& command : command_table()) {
    if (!command.hidden)
      out += fmt::format("    {}\n",
                         quoted(fmt::format("{}:{}", command.name, zsh_text(command.summary))));
  }
  out += "  )\n  _arguments -C";
  for (const Option& option : global_options()) out += " \\\n    " + zsh_option(option);
  out +=
      " \\\n    '1:command:->command' '*::argument:->argument'\n"
      "  case $state in\n"
      "    command) _describe -t commands command commands ;;\n"
      "    argument)\n"
      "      case $line[1] in\n";
  for (const Command& command : command_table()) {
    if (command.hidden) continue;
    out += fmt::format("        {}) _arguments", command.name);
    each_option(command, [&](const Option& option) {
      if (!option.hidden) out += " \\\n          " + zsh_option(option);
    });
    if (!command.arguments.empty()) {
      const Argument& argument = command.arguments.front();
      out +=
          " \\\n          " + quoted(fmt::format("*:{}:{}", zsh_text(argument.name),
                                                 zsh_action(argument.completes, argument.choices)));
    }
    out += " ;;\n";
  }
  out +=
      "      esac ;;\n"
      "  esac\n"
      "}\n"
      "if [[ ${funcstack[1]} == _reeve ]]; then _reeve \"$@\"; else compdef _reeve reeve; fi\n";
  return out;
}

// --- fish -------------------------------------------------------------------------------------

std::string fish_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string fish_action(Completes what, std::span<const std::string_view> words) {
  if (!words.empty()) return fmt::format(" -f -a {}", fish_quoted(joined_words(words)));
  switch (what) {
    case Completes::file: return " -F";
    case Completes::directory: return " -f -a '(__fish_complete_directories)'";
    case Completes::run: return " -f -a '(__reeve_runs)'";
    case Completes::command: return fmt::format(" -f -a {}", fish_quoted(command_names()));
    case Completes::nothing: return " -f";
  }
  return "";
}

std::string fish_option(const Option& option, std::string_view condition) {
  std::string out =
      fmt::format("complete -c reeve -n {} -l {}", fish_quoted(condition), option.name);
  if (option.letter != 0) out += fmt::format(" -s {}", option.letter);
  if (!option.is_flag() && option.if_bare.empty())
    out += " -r" + fish_action(option.completes, option.choices);
  return out + fmt::format(" -d {}\n", fish_quoted(option.help));
}

std::string fish_script() {
  std::string out = fmt::format(
      "# fish completion of reeve: reeve completion fish > ~/.config/fish/completions/reeve.fish\n"
      "function __reeve_runs\n"
      "  echo last\n"
      "  {}\n"
      "end\n"
      "complete -c reeve -f\n",
      kListRuns);
  for (const Option& option : global_options()) out += fish_option(option, "__fish_use_subcommand");
  for (const Command& command : command_table()) {
    if (command.hidden) continue;
    out += fmt::format("complete -c reeve -n __fish_use_subcommand -a {} -d {}\n", command.name,
                       fish_quoted(command.summary));
    const std::string seen = fmt::format("__fish_seen_subcommand_from {}", command.name);
    each_option(command, [&](const Option& option) {
      if (!option.hidden) out += fish_option(option, seen);
    });
    if (!command.arguments.empty())
      out += fmt::format("complete -c reeve -n {}{}\n", fish_quoted(seen),
                         fish_action(completes(command), choices(command)));
  }
  return out;
}

}  // namespace

std::string completion_script(std::string_view shell) {
  if (shell == "bash") return bash_script();
  if (shell == "zsh") return zsh_script();
  if (shell == "fish") return fish_script();
  return {};
}

}  // namespace reeve::cli
