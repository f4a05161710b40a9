#include "cli/command_table.h"

namespace reeve::cli {
namespace {

using Lists = std::span<const Option>;

constexpr auto kActStatuses = std::to_array<ExitStatus>(
    {kDone, kUsage, kNotFound, kConflict, {"7", "the engine does not answer"}});
constexpr auto kTargets = std::to_array<Argument>({
    {.name = "ID[/TASK]", .help = "runs or tasks", .repeats = true, .completes = Completes::run},
});

constexpr auto kCancelOptions = std::to_array<Option>({
    {.name = "reason", .value = "TEXT", .help = "why; recorded with the run"},
    {.name = "grace",
     .value = "DURATION",
     .help = "from SIGTERM to SIGKILL",
     .fallback = "that of each task"},
    {.name = "kill", .help = "SIGKILL at once; `finally` tasks do not run"},
});
constexpr auto kCancelLists = std::to_array<Lists>({kCancelOptions});
constexpr auto kCancelSynopses = std::to_array<std::string_view>({"[OPTIONS] ID[/TASK]..."});
constexpr auto kCancelExamples = std::to_array<Example>({
    {"reeve cancel last --reason 'wrong branch'", "stop the newest run"},
    {"reeve cancel 12/test[3] --kill", "stop one task at once"},
});

constexpr auto kPauseSynopses = std::to_array<std::string_view>({"ID[/TASK]..."});
constexpr auto kPauseExamples = std::to_array<Example>({
    {"reeve pause 12", "let what runs end, start nothing more; `reeve resume 12` goes on"},
});

constexpr auto kApproveOptions = std::to_array<Option>({
    {.name = "deny", .help = "do not allow it: the task fails"},
});
constexpr auto kApproveLists = std::to_array<Lists>({kApproveOptions});
constexpr auto kApproveSynopses = std::to_array<std::string_view>({"[OPTIONS] ID/TASK..."});
constexpr auto kApproveArguments = std::to_array<Argument>({
    {.name = "ID/TASK",
     .help = "tasks that await approval",
     .repeats = true,
     .completes = Completes::run},
});
constexpr auto kApproveExamples = std::to_array<Example>({
    {"reeve approve 12/deploy", "let the task `deploy` of run 12 go on"},
});

constexpr auto kCommands = std::to_array<Command>({
    {.name = "cancel",
     .section = Section::acting,
     .summary = "stop runs or tasks",
     .description =
         "Stops runs, or single tasks. Tasks that run get SIGTERM and, after their grace, SIGKILL; "
         "`finally` tasks of a cancelled run still run, except with --kill.",
     .synopses = kCancelSynopses,
     .arguments = kTargets,
     .options = kCancelLists,
     .examples = kCancelExamples,
     .exit_statuses = kActStatuses},
    {.name = "pause",
     .section = Section::acting,
     .summary = "start nothing more of runs or tasks until they are resumed",
     .description =
         "Pauses runs or tasks that have not started: what runs goes on to its end, nothing more "
         "is started. `reeve resume` releases them.",
     .synopses = kPauseSynopses,
     .arguments = kTargets,
     .examples = kPauseExamples,
     .exit_statuses = kActStatuses},
    {.name = "approve",
     .section = Section::acting,
     .summary = "approve or deny tasks that wait for a person",
     .description = "Answers tasks with an `approval`, which wait for a person.",
     .synopses = kApproveSynopses,
     .arguments = kApproveArguments,
     .options = kApproveLists,
     .examples = kApproveExamples,
     .exit_statuses = kActStatuses},
});

}  // namespace

std::span<const Command> acting_commands() { return kCommands; }

}  // namespace reeve::cli
