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

constexpr auto kExecOptions = std::to_array<Option>({
    {.name = "attempt",
     .value = "N",
     .help = "only if it is this attempt that runs",
     .fallback = "the one that runs"},
});
constexpr auto kExecLists = std::to_array<Lists>({kExecOptions});
constexpr auto kExecSynopses =
    std::to_array<std::string_view>({"[OPTIONS] ID[/TASK] [-- COMMAND [ARGUMENT...]]"});
constexpr auto kExecArguments = std::to_array<Argument>({
    {.name = "ID[/TASK]",
     .help = "a task that runs, or a run of which one task runs",
     .completes = Completes::run},
});
constexpr auto kExecExamples = std::to_array<Example>({
    {"reeve exec last", "a shell where the one task of the newest run works"},
    {"reeve exec '12/test[3]' -- ps aux", "what that element of `test` is doing"},
    {"echo data | reeve exec 12/build -- tee input.txt", "through pipes, without a terminal"},
});
constexpr auto kExecStatuses = std::to_array<ExitStatus>({
    {"N", "the exit status of the command"},
    kUsage,
    kNotFound,
    {"6", "the task does not run, has no sandbox, or has too many sessions"},
    {"7", "no engine is at work, or it does not answer"},
    {"125", "the supervisor failed"},
    {"126", "the command may not be executed in there"},
    {"127", "the command was not found in there"},
    {"128+n", "the command was killed by signal n; 137 also when the task ended"},
});

constexpr auto kNodeVerbs = std::to_array<std::string_view>({"ls", "drain", "resume"});
constexpr auto kNodeArguments = std::to_array<Argument>({
    {.name = "VERB", .help = "what to do", .required = false, .choices = kNodeVerbs},
    {.name = "NODE",
     .help = "names of nodes, for drain and resume",
     .required = false,
     .repeats = true},
});
constexpr auto kNodeOptions = std::to_array<Option>({
    {.name = "stop",
     .help = "of drain: what runs there is stopped and queued again, without charging a retry"},
    {.name = "grace",
     .value = "DURATION",
     .help = "of drain --stop: from SIGTERM to SIGKILL",
     .fallback = "that of each task"},
    {.name = "reason", .value = "TEXT", .help = "of drain: why; `explain` says it"},
});
constexpr auto kNodeLists = std::to_array<Lists>({kNodeOptions, kOutputOptions});
constexpr auto kNodeSynopses =
    std::to_array<std::string_view>({"[OPTIONS] ls", "[OPTIONS] drain NODE...", "resume NODE..."});
constexpr auto kNodeExamples = std::to_array<Example>({
    {"reeve node drain local --reason 'new kernel'", "let what runs end, start nothing more"},
    {"reeve node drain local --stop --grace 30s", "have it empty soon"},
    {"reeve node resume local", "let it work again"},
});

constexpr auto kActingCommands = std::to_array<Command>({
    {.name = "exec",
     .section = Section::acting,
     .summary = "enter the sandbox of a task that runs",
     .description =
         "Starts a command (a shell, if none is given) inside the sandbox of a task while the task "
         "runs: same root, work directory, environment, user, namespaces, control group and system "
         "call filter, without any capability. Who did so, when and with which command is recorded "
         "before it starts.\n\n"
         "With a terminal on standard input and output the command gets a terminal of its own: "
         "Ctrl-C goes to it, and it learns the size of the window. Otherwise its streams are "
         "pipes. When "
         "this command is ended, the command inside gets SIGHUP. When the task ends, what was "
         "started inside ends with it.\n\n"
         "A task that was tried again with `reeve retry --debug` and failed can be entered as "
         "well, until it is let go.",
     .synopses = kExecSynopses,
     .arguments = kExecArguments,
     .options = kExecLists,
     .examples = kExecExamples,
     .exit_statuses = kExecStatuses,
     .takes_command = true},
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
    {.name = "node",
     .section = Section::acting,
     .summary = "list machines, take them out and let them work again",
     .description =
         "Shows the nodes of the engine or service. A node that is drained takes nothing new, also "
         "after a restart, until it is resumed; what runs there goes on, or is queued again with "
         "--stop.",
     .synopses = kNodeSynopses,
     .arguments = kNodeArguments,
     .options = kNodeLists,
     .examples = kNodeExamples,
     .exit_statuses = kActStatuses},
});

}  // namespace

std::span<const Command> acting_commands() { return kActingCommands; }

}  // namespace reeve::cli
