#include "cli/command_table.h"

namespace reeve::cli {
namespace {

using Lists = std::span<const Option>;

constexpr auto kRunOptions = std::to_array<Option>({
    {.name = "input",
     .letter = 'i',
     .value = "NAME=VALUE",
     .help = "an input of the workflow; NAME=@FILE reads the value from a file",
     .repeats = true},
    {.name = "label",
     .letter = 'l',
     .value = "KEY=VALUE",
     .help = "a label of the run",
     .repeats = true},
    {.name = "name",
     .letter = 'n',
     .value = "NAME",
     .help = "what the run is called",
     .fallback = "the name of the workflow or command"},
    {.name = "priority",
     .letter = 'p',
     .value = "N",
     .help = "added to that of the workflow; higher goes first",
     .fallback = "0"},
    {.name = "workdir",
     .letter = 'w',
     .value = "DIR",
     .help = "where the tasks run",
     .fallback = "the current directory",
     .completes = Completes::directory},
    {.name = "idempotency-key",
     .value = "KEY",
     .help = "a run that was started with the same key is found, not started again"},
});
constexpr auto kBareOptions = std::to_array<Option>({
    {.name = "timeout",
     .letter = 't',
     .value = "DURATION",
     .help = "with a command: stop it after so long, such as 90s or 1h30m"},
    {.name = "retry",
     .letter = 'r',
     .value = "N",
     .help = "with a command: try it again so often when it fails",
     .fallback = "0"},
    {.name = "resources",
     .value = "LIST",
     .help = "with a command: what it needs, such as cpu=2,memory=1Gi",
     .fallback = "cpu=1"},
    {.name = "array",
     .letter = 'a',
     .value = "RANGE",
     .help = "with a command: run it once for each number, such as 0-9999 or 0-99:5; "
             "REEVE_ARRAY_INDEX tells them apart"},
    {.name = "env",
     .letter = 'e',
     .value = "NAME=VALUE",
     .help = "with a command: a variable of its environment; NAME alone takes the present value",
     .repeats = true},
});
constexpr auto kRunLists = std::to_array<Lists>(
    {kRunOptions, kBareOptions, kEngineOptions, kFollowingOptions, kOutputOptions});
constexpr auto kRunSynopses = std::to_array<std::string_view>({
    "[OPTIONS] FILE.yaml",
    "[OPTIONS] -",
    "[OPTIONS] -- COMMAND [ARGUMENT...]",
});
constexpr auto kRunArguments = std::to_array<Argument>({
    {.name = "FILE",
     .help = "a workflow, or - for standard input",
     .required = false,
     .completes = Completes::file},
});
constexpr auto kRunExamples = std::to_array<Example>({
    {"reeve run build.yaml", "run a workflow, with a live view on a terminal"},
    {"reeve run -j 4 -i target=arm64 build.yaml", "with at most 4 cpus and an input"},
    {"reeve run --allow host-network fetch.yaml", "tasks that ask for it may use the network"},
    {"reeve run -- make test", "run a command; its output and exit status are passed on"},
    {"reeve run --retry 3 --timeout 10m -- curl -fO https://example.org/data.tar",
     "try again when it fails or hangs"},
    {"reeve run --array 0-99 -- sh -c 'convert in-$REEVE_ARRAY_INDEX.png out.jpg'",
     "a hundred tasks from one command"},
});
constexpr auto kRunStatuses = std::to_array<ExitStatus>({
    {"0", "all went well"},
    {"n", "with a command: its own exit status"},
    {"1", "a task failed"},
    kUsage,
    {"3", "there is no such file"},
    kConflict,
    {"8", "a task asks for more than there could ever be"},
    {"124", "it took longer than its limit"},
    {"125", "the engine failed, or this machine could not start the command"},
    {"126", "with a command: it may not be executed"},
    {"127", "with a command: it was not found"},
    {"128+n", "with a command: it was killed by signal n"},
    {"130", "cancelled by Ctrl-C (143: by SIGTERM)"},
});

constexpr auto kSubmitOptions = std::to_array<Option>({
    {.name = "after",
     .value = "RUN[:CONDITION]",
     .help =
         "do not start before that run has ended: with success, with failure (any other end) or "
         "just with its end; if it ends otherwise, this run is cancelled",
     .fallback = "CONDITION success",
     .repeats = true,
     .completes = Completes::run},
});
constexpr auto kSubmitLists =
    std::to_array<Lists>({kSubmitOptions, kRunOptions, kBareOptions, kOutputOptions});
constexpr auto kSubmitExamples = std::to_array<Example>({
    {"reeve submit build.yaml", "prints the id of the run, and ends"},
    {"run=$(reeve submit --array 0-99 --label ticket=12 -- ./step)",
     "keep the id; `reeve wait $run` waits for the end"},
    {"reeve submit --idempotency-key nightly-2026-11-28 nightly.yaml", "sent twice, it is one run"},
    {"reeve submit --after 12 --after 13:end report.yaml",
     "starts when run 12 has succeeded and run 13 has ended"},
});
constexpr auto kSubmitStatuses = std::to_array<ExitStatus>({
    {"0", "the service has recorded it"},
    kUsage,
    {"3", "there is no such file, or no such run to come after"},
    {"4", "the token may not submit there"},
    kConflict,
    {"7", "no service answers"},
    {"8", "a task asks for more than there could ever be"},
});

constexpr auto kResumeLists =
    std::to_array<Lists>({kEngineOptions, kFollowingOptions, kOutputOptions});
constexpr auto kResumeSynopses = std::to_array<std::string_view>({"[OPTIONS] [ID[/TASK]...]"});
constexpr auto kResumeArguments = std::to_array<Argument>({
    {.name = "ID[/TASK]",
     .help = "interrupted or paused runs, or paused tasks; none: all interrupted runs",
     .required = false,
     .repeats = true,
     .completes = Completes::run},
});
constexpr auto kResumeExamples = std::to_array<Example>({
    {"reeve resume", "go on with all that a crash, a reboot or kill -9 left"},
    {"reeve resume 12", "go on with run 12 alone"},
});
constexpr auto kFollowStatuses = std::to_array<ExitStatus>({
    {"0", "all went well"},
    {"1", "a task failed"},
    kUsage,
    kNotFound,
    kConflict,
    {"124", "it took longer than its limit"},
    {"125", "the engine failed"},
    {"130", "cancelled by Ctrl-C (143: by SIGTERM)"},
});

constexpr auto kRetryOptions = std::to_array<Option>({
    {.name = "failed",
     .help = "all tasks that did not succeed, and what was skipped because of them"},
    {.name = "from", .value = "TASK", .help = "this task and all that depend on it"},
    {.name = "debug",
     .value = "DURATION",
     .help = "keep the sandbox of a task that fails open for so long, for `reeve exec`; without "
             "--from it implies --failed",
     .fallback = "30m when it is given without a value",
     .if_bare = "30m"},
});
constexpr auto kRetryLists =
    std::to_array<Lists>({kRetryOptions, kEngineOptions, kFollowingOptions, kOutputOptions});
constexpr auto kRetrySynopses = std::to_array<std::string_view>(
    {"[OPTIONS] ID --failed", "[OPTIONS] ID --from TASK", "[OPTIONS] ID --debug[=DURATION]"});
constexpr auto kRetryArguments = std::to_array<Argument>({
    {.name = "ID", .help = "a run that has ended", .completes = Completes::run},
});
constexpr auto kRetryExamples = std::to_array<Example>({
    {"reeve retry last --failed", "only what failed; what succeeded is kept"},
    {"reeve retry 12 --from link", "the task `link` again and all that comes after it"},
    {"reeve retry 12 --debug=15m",
     "what failed again; if it fails again, `reeve exec 12` enters what it left"},
});

constexpr auto kRunningCommands = std::to_array<Command>({
    {.name = "run",
     .section = Section::running,
     .summary = "run a workflow or a command to its end",
     .description =
         "Runs the tasks of a workflow, or one command, on this machine and ends when they have "
         "ended. Everything that happens is recorded in the state directory first, so that a run "
         "whose terminal, process or machine goes away is taken up again by `reeve resume`: what "
         "has succeeded is not repeated, and commands that still run are found again.\n\n"
         "With a command, its output is passed on unchanged while it runs, and its exit status "
         "becomes that of reeve. With a workflow, a live view shows on a terminal, and lines "
         "otherwise; the output of tasks is kept for `reeve logs`.\n\n"
         "Ctrl-C cancels: tasks get SIGTERM and, after their grace, SIGKILL. Ctrl-C again kills "
         "at once. When the terminal goes away the run goes on to its end without it.",
     .synopses = kRunSynopses,
     .arguments = kRunArguments,
     .options = kRunLists,
     .examples = kRunExamples,
     .exit_statuses = kRunStatuses,
     .takes_command = true},
    {.name = "submit",
     .section = Section::running,
     .summary = "hand a workflow or a command to a service and do not wait",
     .description =
         "Has a service run a workflow or a command, prints the id of the run once that is "
         "recorded, and ends. The service is the one that --server, REEVE_URL or the context "
         "names, else the one that works on the state directory here. The tasks run in a directory "
         "of the service, not in this one.\n\n"
         "With --after, the run waits for others; `reeve explain` says for which, and what state "
         "they are in. The first end of each counts, also if it is retried later. A run that can "
         "never start is cancelled by the engine, and what comes after it in turn. When such a run "
         "is tried again with `reeve retry`, it waits for those that are open at that moment and "
         "asks no more how the others ended.",
     .synopses = kRunSynopses,
     .arguments = kRunArguments,
     .options = kSubmitLists,
     .examples = kSubmitExamples,
     .exit_statuses = kSubmitStatuses,
     .takes_command = true},
    {.name = "resume",
     .section = Section::running,
     .summary = "go on with runs that were interrupted or paused",
     .description =
         "Goes on with what a `reeve run` left when it was killed or its machine went down. Tasks "
         "that have ended are not repeated; commands that are still running are found again and "
         "waited for. A paused run or task is released, and so is a "
         "sandbox that `reeve retry --debug` keeps open.\n\n"
         "When another process runs the engine of this state directory, it is told to go on, and "
         "this command ends at once.",
     .synopses = kResumeSynopses,
     .arguments = kResumeArguments,
     .options = kResumeLists,
     .examples = kResumeExamples,
     .exit_statuses = kFollowStatuses},
    {.name = "retry",
     .section = Section::running,
     .summary = "try the failed part of a run again",
     .description =
         "Tries tasks of a run again within the same run: those that did not succeed, or one task "
         "and all that depend on it. What succeeded keeps its results.\n\n"
         "With --debug, the sandbox of a task whose program fails stays as it is, with its "
         "processes, its /tmp and its part of the machine's resources: `reeve exec ID/TASK` enters "
         "it. `reeve resume ID/TASK`, `reeve cancel` or the end of the time lets it go, and the "
         "task ends as its program did, without being tried again by itself.\n\n"
         "When another process runs the engine of this state directory, the tasks run there, and "
         "this command ends at once.",
     .synopses = kRetrySynopses,
     .arguments = kRetryArguments,
     .options = kRetryLists,
     .examples = kRetryExamples,
     .exit_statuses = kFollowStatuses},
});

}  // namespace

std::span<const Command> running_commands() { return kRunningCommands; }

}  // namespace reeve::cli
