#include "cli/command_table.h"

namespace reeve::cli {
namespace {

using Lists = std::span<const Option>;

constexpr auto kRunStates = std::to_array<std::string_view>(
    {"queued", "running", "succeeded", "failed", "cancelled", "interrupted"});
constexpr auto kTaskStates = std::to_array<std::string_view>(
    {"blocked", "queued", "starting", "running", "validating", "retry_wait", "paused",
     "awaiting_approval", "succeeded", "failed", "timed_out", "cancelled", "aborted", "skipped"});
constexpr auto kStreams = std::to_array<std::string_view>({"stdout", "stderr"});

constexpr auto kReadStatuses = std::to_array<ExitStatus>({kDone, kUsage, kNotFound});
constexpr auto kOutputOnly = std::to_array<Lists>({kOutputOptions});
constexpr auto kOneRun = std::to_array<Argument>({
    {.name = "ID[/TASK]",
     .help = "a run: its number, its id or the end of that, or `last`; and a task of it",
     .completes = Completes::run},
});

constexpr auto kLsOptions = std::to_array<Option>({
    {.name = "status",
     .letter = 's',
     .value = "STATE",
     .help = "runs in this state",
     .choices = kRunStates,
     .repeats = true},
    {.name = "name",
     .letter = 'n',
     .value = "NAME",
     .help = "runs that are called so, or of that workflow"},
    {.name = "label", .letter = 'l', .value = "KEY[=VALUE]", .help = "runs with this label"},
    {.name = "since",
     .value = "WHEN",
     .help = "submitted since: 2h ago (2h), or a time (RFC 3339)"},
    {.name = "limit", .value = "N", .help = "at most so many; 0 for all", .fallback = "50"},
});
constexpr auto kLsLists = std::to_array<Lists>({kLsOptions, kOutputOptions});
constexpr auto kLsSynopses = std::to_array<std::string_view>({"[OPTIONS]"});
constexpr auto kLsExamples = std::to_array<Example>({
    {"reeve ls", "the newest 50 runs"},
    {"reeve ls -s failed --since 1d", "what failed in the last day"},
    {"reeve ls -o json | jq '.runs[].name'", "for programs"},
});

constexpr auto kShowOptions = std::to_array<Option>({
    {.name = "tasks", .help = "every task, not only every group"},
    {.name = "status",
     .letter = 's',
     .value = "STATE",
     .help = "tasks in this state",
     .choices = kTaskStates,
     .repeats = true},
    {.name = "limit", .value = "N", .help = "at most so many tasks; 0 for all", .fallback = "1000"},
});
constexpr auto kShowLists = std::to_array<Lists>({kShowOptions, kOutputOptions});
constexpr auto kShowSynopses = std::to_array<std::string_view>({"[OPTIONS] ID[/TASK]"});
constexpr auto kShowExamples = std::to_array<Example>({
    {"reeve show last", "the newest run and its tasks"},
    {"reeve show 12/test[3]", "one task with its attempts, what they used and why they ended"},
    {"reeve show 12 -s failed -o json", "the failed tasks, for programs"},
});

constexpr auto kWatchOptions = std::to_array<Option>({
    {.name = "plain", .help = "lines instead of the live view, also on a terminal"},
    {.name = "no-exit-status", .help = "end with 0 however the run ended"},
});
constexpr auto kWatchLists = std::to_array<Lists>({kWatchOptions});
constexpr auto kWatchSynopses = std::to_array<std::string_view>({"[OPTIONS] [ID]"});
constexpr auto kWatchArguments = std::to_array<Argument>({
    {.name = "ID",
     .help = "a run; none: the newest",
     .required = false,
     .completes = Completes::run},
});
constexpr auto kWatchStatuses = std::to_array<ExitStatus>({
    {"0", "the run succeeded"},
    kUsage,
    kNotFound,
    {"5", "the run ended unsuccessfully, or was interrupted"},
    {"130", "Ctrl-C: watching ended, the run goes on"},
});
constexpr auto kWatchExamples = std::to_array<Example>({
    {"reeve watch", "the newest run, as the process that runs it shows it"},
});

constexpr auto kTopSorts = std::to_array<std::string_view>({"cpu", "memory", "io", "age", "name"});
constexpr auto kTopOptions = std::to_array<Option>({
    {.name = "once", .help = "print the table once, also on a terminal"},
    {.name = "follow",
     .letter = 'f',
     .help = "go on once a second, also without a terminal and with -o jsonl"},
    {.name = "sort",
     .value = "WHAT",
     .help = "what comes first",
     .fallback = "cpu",
     .choices = kTopSorts},
});
constexpr auto kTopLists = std::to_array<Lists>({kTopOptions, kOutputOptions});
constexpr auto kTopSynopses = std::to_array<std::string_view>({"[OPTIONS] [ID]"});
constexpr auto kTopArguments = std::to_array<Argument>({
    {.name = "ID",
     .help = "a run; none: all that the engine runs",
     .required = false,
     .completes = Completes::run},
});
constexpr auto kTopStatuses = std::to_array<ExitStatus>({
    {"0", "done, or nothing runs any more"},
    kUsage,
    kNotFound,
    {"7", "the engine does not answer"},
    {"130", "Ctrl-C: looking ended, the runs go on"},
});
constexpr auto kTopExamples = std::to_array<Example>({
    {"reeve top", "what uses the machine, as it changes"},
    {"reeve top 12 --sort memory", "one run, the largest first"},
    {"reeve top --once -o json | jq '.use[] | select(.cpu_cores > 1)'", "for programs"},
    {"reeve top -f -o jsonl >> use.jsonl", "a line per attempt and second"},
});

constexpr auto kQueueOptions = std::to_array<Option>({
    {.name = "eta", .help = "say when each will probably start and end"},
    {.name = "jobs",
     .letter = 'j',
     .value = "CAPACITY",
     .help = "what there is, as in run",
     .fallback = "what the engine has; without one, this machine"},
    {.name = "cluster",
     .value = "FILE",
     .help = "queues, shares and limits, as in run: for the order and the times",
     .fallback = "cluster.yaml in the state directory, if there is one",
     .completes = Completes::file},
});
constexpr auto kQueueLists = std::to_array<Lists>({kQueueOptions, kOutputOptions});
constexpr auto kQueueSynopses = std::to_array<std::string_view>({"[OPTIONS]"});
constexpr auto kQueueExamples = std::to_array<Example>({
    {"reeve queue", "what waits, in order, and why"},
    {"reeve queue --eta", "and when it will probably start"},
});

constexpr auto kLogsOptions = std::to_array<Option>({
    {.name = "follow", .letter = 'f', .help = "go on printing until the tasks have ended"},
    {.name = "failed", .help = "of tasks that failed"},
    {.name = "grep",
     .letter = 'g',
     .value = "PATTERN",
     .help = "lines that match (POSIX extended)"},
    {.name = "since", .value = "WHEN", .help = "written since: 5m ago (5m), or a time (RFC 3339)"},
    {.name = "tail", .value = "N", .help = "the last lines of each task"},
    {.name = "attempt", .value = "N", .help = "of this attempt", .fallback = "the latest"},
    {.name = "timestamps", .letter = 't', .help = "put the time in front of each line"},
    {.name = "stream", .value = "NAME", .help = "of one stream only", .choices = kStreams},
    {.name = "raw", .help = "bytes as they were written, also on a terminal; no prefixes"},
});
constexpr auto kLogsLists = std::to_array<Lists>({kLogsOptions});
constexpr auto kLogsSynopses = std::to_array<std::string_view>({"[OPTIONS] ID[/TASK]"});
constexpr auto kLogsExamples = std::to_array<Example>({
    {"reeve logs last -f", "all output of the newest run, as it comes"},
    {"reeve logs 12/build --attempt 1", "of the first try"},
    {"reeve logs 12 --failed --tail 50", "the end of what failed"},
    {"reeve logs 12 --grep 'error|warning' -t", "matching lines with their times"},
});

constexpr auto kExplainLists = kOutputOnly;
constexpr auto kExplainSynopses = std::to_array<std::string_view>({"[OPTIONS] ID[/TASK]"});
constexpr auto kExplainExamples = std::to_array<Example>({
    {"reeve explain last", "why the run is as it is, and what each task waits for"},
    {"reeve explain 12/deploy", "why this task waits, failed, was skipped or tried again"},
});

constexpr auto kWaitOptions = std::to_array<Option>({
    {.name = "any", .help = "end with the first run that ends"},
    {.name = "timeout",
     .letter = 't',
     .value = "DURATION",
     .help = "give up after so long (status 124)"},
    {.name = "no-exit-status", .help = "end with 0 however the runs ended"},
});
constexpr auto kWaitLists = std::to_array<Lists>({kWaitOptions, kOutputOptions});
constexpr auto kWaitSynopses = std::to_array<std::string_view>({"[OPTIONS] ID..."});
constexpr auto kWaitArguments = std::to_array<Argument>({
    {.name = "ID", .help = "runs", .repeats = true, .completes = Completes::run},
});
constexpr auto kWaitStatuses = std::to_array<ExitStatus>({
    {"0", "the runs succeeded"},
    kUsage,
    kNotFound,
    {"5", "a run ended unsuccessfully, or was interrupted"},
    {"124", "--timeout has passed"},
    {"130", "Ctrl-C: waiting ended, the runs go on"},
});
constexpr auto kWaitExamples = std::to_array<Example>({
    {"reeve wait 12 13 && echo both succeeded", "in a script"},
    {"reeve wait --any 12 13 --timeout 10m", "the first of two"},
});

constexpr auto kDiffSynopses = std::to_array<std::string_view>({"[OPTIONS] A B"});
constexpr auto kDiffArguments = std::to_array<Argument>({
    {.name = "A", .help = "a run", .completes = Completes::run},
    {.name = "B", .help = "a later run", .completes = Completes::run},
});
constexpr auto kDiffExamples = std::to_array<Example>({
    {"reeve diff 11 12", "what changed: specification, inputs, results, attempts, durations"},
});

constexpr auto kArtifactVerbs = std::to_array<std::string_view>({"ls", "get"});
constexpr auto kArtifactArguments = std::to_array<Argument>({
    {.name = "VERB", .help = "what to do", .choices = kArtifactVerbs},
    {.name = "RUN[/TASK]",
     .help = "a run: its number, its id or the end of that, or `last`; and a task of it",
     .completes = Completes::run},
    {.name = "NAME", .help = "of the artifact in the workflow, for get", .required = false},
});
constexpr auto kArtifactOptions = std::to_array<Option>({
    {.name = "output-file",
     .letter = 'O',
     .value = "FILE",
     .help = "of get: where it goes; - is standard output",
     .fallback = "the name of the file, here",
     .completes = Completes::file},
    {.name = "file",
     .value = "NAME",
     .help = "of get: which one, where a pattern of the workflow matched several files"},
    {.name = "force", .help = "of get: replace a file that is there already"},
});
constexpr auto kArtifactLists = std::to_array<Lists>({kArtifactOptions, kOutputOptions});
constexpr auto kArtifactSynopses =
    std::to_array<std::string_view>({"[OPTIONS] ls RUN[/TASK]", "[OPTIONS] get RUN/TASK NAME"});
constexpr auto kArtifactStatuses = std::to_array<ExitStatus>(
    {kDone,
     kUsage,
     {"3", "there is no such run, task or artifact, or it has been removed"},
     {"6", "the file is there already, or NAME means several files"}});
constexpr auto kArtifactExamples = std::to_array<Example>({
    {"reeve artifact ls last", "what the newest run left, with sizes and digests"},
    {"reeve artifact get 12/build package", "the file under its own name, here"},
    {"reeve artifact get 12/build package -O - | tar t", "through a pipe"},
});

constexpr auto kLookingCommands = std::to_array<Command>({
    {.name = "ls",
     .section = Section::looking,
     .summary = "list runs",
     .description = "Lists the runs of the state directory, newest first.",
     .synopses = kLsSynopses,
     .options = kLsLists,
     .examples = kLsExamples,
     .exit_statuses = kReadStatuses},
    {.name = "show",
     .section = Section::looking,
     .summary = "show a run or a task",
     .description =
         "Shows a run with the groups of its tasks, or one task with all its attempts: how each "
         "ended, how long it took, what it used, and why it was tried again.",
     .synopses = kShowSynopses,
     .arguments = kOneRun,
     .options = kShowLists,
     .examples = kShowExamples,
     .exit_statuses = kReadStatuses},
    {.name = "watch",
     .section = Section::looking,
     .summary = "follow a run that another process runs",
     .description =
         "Shows the live view of a run until it ends. Ctrl-C ends the watching; the run goes on.",
     .synopses = kWatchSynopses,
     .arguments = kWatchArguments,
     .options = kWatchLists,
     .examples = kWatchExamples,
     .exit_statuses = kWatchStatuses},
    {.name = "top",
     .section = Section::looking,
     .summary = "show what the running tasks use",
     .description =
         "Shows the attempts that run now, with processor time, memory (now, peak, limit), "
         "processes and transfers, as seen in the last second; on a terminal until Ctrl-C, or "
         "until the run has ended or no engine works there any more. Of a sandbox the control "
         "group is counted, else the processes that descend from the task's first.",
     .synopses = kTopSynopses,
     .arguments = kTopArguments,
     .options = kTopLists,
     .examples = kTopExamples,
     .exit_statuses = kTopStatuses},
    {.name = "queue",
     .section = Section::looking,
     .summary = "show what waits, why, and when it will probably start",
     .description =
         "Lists the tasks that have not begun, by run and group, in the order in which they will "
         "start. With --eta it also says when: the present queue is played in virtual time again "
         "and again, by the engine's own rules, with what like tasks took before.",
     .synopses = kQueueSynopses,
     .options = kQueueLists,
     .examples = kQueueExamples,
     .exit_statuses = kReadStatuses},
    {.name = "logs",
     .section = Section::looking,
     .summary = "print the output of tasks",
     .description =
         "Prints what tasks wrote to stdout and stderr. With one task and no terminal at the other "
         "end the bytes are exactly those that it wrote. With several tasks each line begins with "
         "the name of its task. On a terminal control characters are shown, not obeyed.",
     .synopses = kLogsSynopses,
     .arguments = kOneRun,
     .options = kLogsLists,
     .examples = kLogsExamples,
     .exit_statuses = kReadStatuses},
    {.name = "explain",
     .section = Section::looking,
     .summary = "say why: waiting, placed, failed, skipped, tried again",
     .description =
         "Answers why a run or task is in its state, whatever that state is: what a waiting task "
         "waits for, why a running one was placed when it was, how an ended one ended and whether "
         "it was or will be tried again.",
     .synopses = kExplainSynopses,
     .arguments = kOneRun,
     .options = kExplainLists,
     .examples = kExplainExamples,
     .exit_statuses = kReadStatuses},
    {.name = "wait",
     .section = Section::looking,
     .summary = "wait until runs have ended",
     .description = "Waits until all of the runs, or with --any one of them, have ended.",
     .synopses = kWaitSynopses,
     .arguments = kWaitArguments,
     .options = kWaitLists,
     .examples = kWaitExamples,
     .exit_statuses = kWaitStatuses},
    {.name = "diff",
     .section = Section::looking,
     .summary = "compare two runs",
     .description =
         "Compares two runs task by task: changes of the workflow and its inputs, of results, "
         "attempts and durations.",
     .synopses = kDiffSynopses,
     .arguments = kDiffArguments,
     .options = kOutputOnly,
     .examples = kDiffExamples,
     .exit_statuses = kReadStatuses},
    {.name = "artifact",
     .section = Section::looking,
     .summary = "list and fetch the files that tasks handed on",
     .description =
         "Tasks hand on files that their workflow names under `artifacts`. `ls` shows what is "
         "kept; `get` fetches one, from a directory or a service, and compares it with its digest "
         "before it has its name. It replaces nothing without --force, and follows no symbolic "
         "link in the place of the file.",
     .synopses = kArtifactSynopses,
     .arguments = kArtifactArguments,
     .options = kArtifactLists,
     .examples = kArtifactExamples,
     .exit_statuses = kArtifactStatuses},
});

}  // namespace

std::span<const Command> looking_commands() { return kLookingCommands; }

}  // namespace reeve::cli
