// What a command is called, what it takes and what it answers: plain descriptions, all of them
// constants. Parsing, --help, man pages, completions and docs/cli.md are made from these and from
// nothing else. No thread rule.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace reeve::cli {

/// What a shell offers behind an option or for an argument.
enum class Completes : std::uint8_t { nothing, file, directory, run, command };

struct Option {
  std::string_view name;      ///< without the dashes: "jobs"
  char letter = 0;            ///< 'j', or none
  std::string_view value;     ///< what stands for its value in help: "N"; "": a flag
  std::string_view help;      ///< a clause without a full stop
  std::string_view fallback;  ///< the default as people read it, or ""
  std::span<const std::string_view> choices;
  bool repeats = false;      ///< may be given more than once; else the last one counts
  std::string_view if_bare;  ///< not "": the value may be left out, and is this then
  bool hidden = false;
  Completes completes = Completes::nothing;

  bool is_flag() const { return value.empty(); }
};

struct Argument {
  std::string_view name;  ///< "ID[/TASK]"
  std::string_view help;
  bool required = true;
  bool repeats = false;
  Completes completes = Completes::nothing;
  std::span<const std::string_view> choices;
};

struct Example {
  std::string_view command;
  std::string_view explanation;
};

struct ExitStatus {
  std::string_view status;  ///< "0", or a range such as "128+n"
  std::string_view meaning;
};

enum class Section : std::uint8_t { running, serving, looking, acting, preparing, program };
std::string_view title(Section section);

struct Command {
  std::string_view name;
  Section section = Section::program;
  std::string_view summary;  ///< one clause, a verb first
  /// Paragraphs, divided by empty lines; no other markup.
  std::string_view description;
  std::span<const std::string_view> synopses;  ///< what follows the name; [] for none
  std::span<const Argument> arguments;
  /// Lists that are shown one after the other: those of the command, those that it shares.
  std::span<const std::span<const Option>> options;
  std::span<const Example> examples;
  std::span<const ExitStatus> exit_statuses;
  bool takes_command = false;  ///< `-- CMD...` may follow
  bool hidden = false;

  /// The option of this command or of all commands that is called so, or null.
  const Option* find_option(std::string_view option_name) const;
};

/// All commands, in the order in which help shows them.
std::span<const Command> command_table();
/// Understood by every command, in front of its name too.
std::span<const Option> global_options();
/// Null when there is none.
const Command* find_command(std::string_view name);

/// Calls `visit` for every option of the command, its own first, then the global ones.
template <class Visit>
void each_option(const Command& command, Visit visit) {
  for (const std::span<const Option> list : command.options) {
    for (const Option& option : list) visit(option);
  }
  for (const Option& option : global_options()) visit(option);
}

/// The statuses that any command may end with (CONVENTIONS §1), for the manual.
std::span<const ExitStatus> common_exit_statuses();

}  // namespace reeve::cli
