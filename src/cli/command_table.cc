#include "cli/command_table.h"

#include <algorithm>
#include <vector>

#include "cli/command.h"

namespace reeve::cli {
namespace {

constexpr auto kGlobalOptions = std::to_array<Option>({
    {.name = "state",
     .value = "DIR",
     .help = "the state directory",
     .fallback = "to run: .reeve here; to look: the nearest, here or above",
     .completes = Completes::directory},
    {.name = "server",
     .value = "ADDRESS",
     .help = "the service to look at and act on, instead of a directory: http://HOST:PORT, "
             "https://HOST:PORT, unix:/PATH, or the name of a context",
     .fallback = "REEVE_URL, else the context in use; with --state: none"},
    {.name = "quiet", .letter = 'q', .help = "say less: data only, and of that only the ids"},
    {.name = "no-input", .help = "never ask; fail instead"},
    {.name = "no-color", .help = "no colours (as NO_COLOR and TERM=dumb do)"},
    {.name = "help", .letter = 'h', .help = "print this help"},
});

constexpr auto kCommonExitStatuses = std::to_array<ExitStatus>({
    {"0", "done"},
    {"1", "failed: the run, or the operation (the message says why)"},
    {"2", "the command line is wrong"},
    {"3", "there is no such run, task or file"},
    {"4", "not permitted"},
    {"5", "the run that was waited for or watched ended unsuccessfully"},
    {"6", "invalid or in conflict: the file has errors, or the state forbids it"},
    {"7", "the engine does not answer"},
    {"8", "a task asks for more than there could ever be"},
    {"124", "run: it took longer than its limit"},
    {"125", "run: the engine failed, or could not start the command"},
    {"126", "run: the command may not be executed"},
    {"127", "run: the command was not found"},
    {"128+n", "run: the command was killed by signal n"},
    {"130", "interrupted by Ctrl-C"},
});

std::vector<Command> all_commands() {
  std::vector<Command> all;
  for (const auto section :
       {running_commands(), serving_commands(), looking_commands(), acting_commands(),
        preparing_commands(), backup_commands(), security_commands(), program_commands()})
    all.insert(all.end(), section.begin(), section.end());
  return all;
}

}  // namespace

std::string_view title(Section section) {
  switch (section) {
    case Section::running: return "Run";
    case Section::serving: return "Serve";
    case Section::looking: return "Look";
    case Section::acting: return "Act";
    case Section::preparing: return "Prepare and check";
    case Section::program: return "This program";
  }
  return "";
}

std::span<const Command> command_table() {
  static const std::vector<Command> kAll = all_commands();
  return kAll;
}

std::span<const Option> global_options() { return kGlobalOptions; }

std::span<const ExitStatus> common_exit_statuses() { return kCommonExitStatuses; }

const Command* find_command(std::string_view name) {
  const auto table = command_table();
  const auto found = std::ranges::find(table, name, &Command::name);
  return found == table.end() ? nullptr : &*found;
}

const Option* Command::find_option(std::string_view option_name) const {
  const Option* found = nullptr;
  each_option(*this, [&](const Option& option) {
    if (found == nullptr && option.name == option_name) found = &option;
  });
  return found;
}

}  // namespace reeve::cli
