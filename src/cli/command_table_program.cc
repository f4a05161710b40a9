#include "cli/command_table.h"

namespace reeve::cli {
namespace {

using Lists = std::span<const Option>;

constexpr auto kShells = std::to_array<std::string_view>({"bash", "zsh", "fish"});
constexpr auto kOnlyOutput = std::to_array<Lists>({kOutputOptions});
constexpr auto kDoneOrUsage = std::to_array<ExitStatus>({kDone, kUsage});

constexpr auto kPlanOptions = std::to_array<Option>({
    {.name = "jobs",
     .letter = 'j',
     .value = "CAPACITY",
     .help = "what there is: a number of cpus, or a list such as cpu=4,memory=8Gi,licence.x=2",
     .fallback = "the cpus of this machine"},
    {.name = "input",
     .letter = 'i',
     .value = "NAME=VALUE",
     .help = "an input of the workflow; NAME=@FILE reads the value from a file",
     .repeats = true},
});
constexpr auto kPlanLists = std::to_array<Lists>({kPlanOptions, kOutputOptions});
constexpr auto kPlanSynopses = std::to_array<std::string_view>({"[OPTIONS] FILE"});
constexpr auto kPlanArguments = std::to_array<Argument>({
    {.name = "FILE", .help = "a workflow, or - for standard input", .completes = Completes::file},
});
constexpr auto kPlanExamples = std::to_array<Example>({
    {"reeve plan build.yaml", "what would run, in which order, with what"},
    {"reeve plan -j cpu=2,memory=1Gi build.yaml", "on a smaller machine"},
});
constexpr auto kPlanStatuses =
    std::to_array<ExitStatus>({kDone,
                               kUsage,
                               kNotFound,
                               {"6", "the file or an input is invalid"},
                               {"8", "a task asks for more than there could ever be"}});

constexpr auto kPatterns = std::to_array<std::string_view>({"poisson", "diurnal", "bursts"});
constexpr auto kSimulateOptions = std::to_array<Option>({
    {.name = "swf",
     .value = "FILE",
     .help = "a log in the Standard Workload Format, plain or gzip, or - for standard input",
     .completes = Completes::file},
    {.name = "history", .help = "what has run in this state directory, instead of a log"},
    {.name = "processors",
     .value = "N",
     .help = "of the machine",
     .fallback = "what the log says; 128 of one that is made up; this machine's of --history"},
    {.name = "generate",
     .value = "PATTERN",
     .help = "a log that is made up, whose jobs come in this pattern",
     .choices = kPatterns},
    {.name = "count", .value = "N", .help = "of --generate: jobs", .fallback = "10000"},
    {.name = "load",
     .value = "PART",
     .help = "of --generate: work over what the processors could do",
     .fallback = "0.8"},
    {.name = "median",
     .value = "TIME",
     .help = "of --generate: median run time",
     .fallback = "10m"},
    {.name = "longest",
     .value = "TIME",
     .help = "of --generate: longest run time",
     .fallback = "36h"},
    {.name = "largest",
     .value = "N",
     .help = "of --generate: processors of the largest job",
     .fallback = "half of the machine"},
    {.name = "seed",
     .value = "N",
     .help = "of --generate and --compare: another gives another log, other shaking",
     .fallback = "1"},
    {.name = "policy",
     .value = "NAME",
     .help = "who starts when: fcfs, easy, easy-sjf, easy-clairvoyant, easy-sjf-clairvoyant, "
             "easy++, last-two, conservative, learned, or planner: what the engine itself does; "
             "planner-conservative: the same with a promise to each task",
     .fallback = "easy, last-two and learned",
     .repeats = true},
    {.name = "cluster",
     .value = "FILE",
     .help = "of the policies planner: nodes, queues, shares and limits (docs/cluster-file.md)",
     .fallback = "one machine of --processors, one queue, no limits",
     .completes = Completes::file},
    {.name = "compare",
     .help = "two policies, on the log with its arrivals shaken, again and again: the differences "
             "and how certain they are"},
    {.name = "rounds", .value = "N", .help = "of --compare", .fallback = "20"},
    {.name = "shake",
     .value = "TIME",
     .help = "of --compare: how much earlier or later a job comes, at most",
     .fallback = "5m"},
    {.name = "report",
     .value = "FILE",
     .help = "write a page with charts: who waited, what was used, and who ran when",
     .completes = Completes::file},
    {.name = "dag",
     .value = "FILE",
     .help = "a recorded graph of tasks in the format of WfCommons, instead of a log",
     .repeats = true,
     .completes = Completes::file},
    {.name = "slots",
     .value = "N",
     .help = "of --dag: tasks at a time",
     .fallback = "4, 8, 16, 32 and 64",
     .repeats = true},
    {.name = "schedule",
     .value = "FILE",
     .help = "with one policy: write the log with the waits that it gave",
     .completes = Completes::file},
});
constexpr auto kSimulateLists = std::to_array<Lists>({kSimulateOptions, kOutputOptions});
constexpr auto kSimulateSynopses =
    std::to_array<std::string_view>({"[OPTIONS] --swf FILE", "[OPTIONS] --history",
                                     "[OPTIONS] --generate PATTERN", "[OPTIONS] --dag FILE"});
constexpr auto kSimulateExamples = std::to_array<Example>({
    {"reeve simulate --swf KTH-SP2.swf.gz", "what backfilling by learned run times would give"},
    {"reeve simulate --swf log.swf --compare --policy easy --policy learned",
     "whether it is better, or only seems so"},
    {"reeve simulate --history --processors 8", "your own last month on another machine"},
    {"reeve simulate --generate bursts --load 0.9 --report bursts.html", "a page to look at"},
    {"reeve simulate --dag montage.json --slots 16", "how long a recorded workflow would take"},
    {"reeve simulate --swf log.swf --processors 100 --policy easy -o json", "for programs"},
});
constexpr auto kSimulateStatuses = std::to_array<ExitStatus>(
    {kDone, kUsage, kNotFound, {"6", "the file is not one, or has jobs larger than the machine"}});

constexpr auto kLintSynopses = std::to_array<std::string_view>({"[OPTIONS] FILE..."});
constexpr auto kLintArguments = std::to_array<Argument>({
    {.name = "FILE",
     .help = "workflows, or - for standard input",
     .repeats = true,
     .completes = Completes::file},
});
constexpr auto kLintExamples = std::to_array<Example>({
    {"reeve lint *.yaml", "errors as file:line:column, with suggestions"},
});
constexpr auto kLintStatuses = std::to_array<ExitStatus>({{"0", "no errors"},
                                                          {"1", "a file could not be read"},
                                                          kUsage,
                                                          kNotFound,
                                                          {"6", "a file has errors"}});

constexpr auto kInitOptions = std::to_array<Option>({
    {.name = "name",
     .letter = 'n',
     .value = "NAME",
     .help = "what the workflow is called",
     .fallback = "hello"},
});
constexpr auto kInitLists = std::to_array<Lists>({kInitOptions});
constexpr auto kInitSynopses = std::to_array<std::string_view>({"[OPTIONS] [FILE]"});
constexpr auto kInitArguments = std::to_array<Argument>({
    {.name = "FILE", .help = "the file to write", .required = false, .completes = Completes::file},
});
constexpr auto kInitExamples = std::to_array<Example>({
    {"reeve init && reeve run reeve.yaml", "a commented workflow that runs, and its first run"},
});
constexpr auto kInitStatuses =
    std::to_array<ExitStatus>({kDone,
                               {"1", "the file could not be written"},
                               kUsage,
                               {"6", "the file exists; it is not overwritten"}});

constexpr auto kSchemaSynopses = std::to_array<std::string_view>({""});
constexpr auto kSchemaOptions = std::to_array<Option>({
    {.name = "cluster", .help = "that of the cluster file instead"},
});
constexpr auto kSchemaLists = std::to_array<Lists>({kSchemaOptions});
constexpr auto kSchemaExamples = std::to_array<Example>({
    {"reeve schema > reeve.schema.json",
     "then begin workflows with `# yaml-language-server: $schema=reeve.schema.json`"},
});

constexpr auto kReplayOptions = std::to_array<Option>({
    {.name = "until", .value = "STEP", .help = "stop after this step"},
    {.name = "events", .help = "print every event, one JSON object per line"},
});
constexpr auto kReplayLists = std::to_array<Lists>({kReplayOptions, kOutputOptions});
constexpr auto kReplaySynopses = std::to_array<std::string_view>({"[OPTIONS] [DIR]"});
constexpr auto kReplayArguments = std::to_array<Argument>({
    {.name = "DIR",
     .help = "a state directory, or the database in it",
     .required = false,
     .completes = Completes::directory},
});
constexpr auto kReplayExamples = std::to_array<Example>({
    {"reeve replay", "repeat all decisions from the journal and compare"},
    {"reeve replay --events --until 40 | jq .type", "what led to step 40"},
});
constexpr auto kReplayStatuses =
    std::to_array<ExitStatus>({{"0", "the journal gives the recorded decisions"},
                               {"1", "a step diverges, or the journal is damaged"},
                               kUsage,
                               kNotFound});

constexpr auto kDoctorExamples = std::to_array<Example>({
    {"reeve doctor", "what this machine offers, and what is missing"},
    {"reeve doctor -o json", "for a bug report"},
});
constexpr auto kDoctorSynopses = std::to_array<std::string_view>({"[OPTIONS]"});
constexpr auto kDoctorStatuses = std::to_array<ExitStatus>(
    {{"0", "tasks can run here"}, {"1", "something that runs need is missing"}, kUsage});

constexpr auto kManOptions = std::to_array<Option>({
    {.name = "markdown", .help = "docs/cli.md, whole", .hidden = true},
});
constexpr auto kManLists = std::to_array<Lists>({kManOptions});
constexpr auto kManSynopses = std::to_array<std::string_view>({"[COMMAND]"});
constexpr auto kManArguments = std::to_array<Argument>({
    {.name = "COMMAND",
     .help = "a command; none: reeve itself",
     .required = false,
     .completes = Completes::command},
});
constexpr auto kManExamples = std::to_array<Example>({
    {"reeve man run | man -l -", "read the manual of a command"},
    {"reeve man > ~/.local/share/man/man1/reeve.1", "keep it"},
});

constexpr auto kCompletionSynopses = std::to_array<std::string_view>({"bash|zsh|fish"});
constexpr auto kCompletionArguments = std::to_array<Argument>({
    {.name = "SHELL", .help = "bash, zsh or fish", .choices = kShells},
});
constexpr auto kCompletionExamples = std::to_array<Example>({
    {"source <(reeve completion bash)", "in ~/.bashrc"},
    {"reeve completion zsh > ~/.zfunc/_reeve", "in a directory of $fpath"},
    {"reeve completion fish > ~/.config/fish/completions/reeve.fish", "for fish"},
});

constexpr auto kHelpSynopses = std::to_array<std::string_view>({"[COMMAND]"});
constexpr auto kVersionSynopses = std::to_array<std::string_view>({"[OPTIONS]"});
constexpr auto kVersionExamples =
    std::to_array<Example>({{"reeve version -o json", "for programs"}});
constexpr auto kHelpExamples = std::to_array<Example>({{"reeve help run", "as reeve run --help"}});

constexpr auto kPreparing = std::to_array<Command>({
    {.name = "init",
     .section = Section::preparing,
     .summary = "write a commented workflow to start from",
     .description = "Writes a small workflow that runs as it stands (reeve.yaml unless a FILE is "
                    "named). Nothing is ever overwritten.",
     .synopses = kInitSynopses,
     .arguments = kInitArguments,
     .options = kInitLists,
     .examples = kInitExamples,
     .exit_statuses = kInitStatuses},
    {.name = "lint",
     .section = Section::preparing,
     .summary = "check workflows",
     .description =
         "Reads workflows as `run` does and reports every error with its place, what was "
         "expected and, for a misspelt word, what was probably meant.",
     .synopses = kLintSynopses,
     .arguments = kLintArguments,
     .options = kOnlyOutput,
     .examples = kLintExamples,
     .exit_statuses = kLintStatuses},
    {.name = "plan",
     .section = Section::preparing,
     .summary = "show what a workflow would do, without doing it",
     .description =
         "Shows the tasks of a workflow in the order in which they would start if all took equally "
         "long and went well: how often each fans out, what it needs, and which ask for more than "
         "there is. Nothing is run and nothing is recorded.",
     .synopses = kPlanSynopses,
     .arguments = kPlanArguments,
     .options = kPlanLists,
     .examples = kPlanExamples,
     .exit_statuses = kPlanStatuses},
    {.name = "simulate",
     .section = Section::preparing,
     .summary = "replay recorded work under other policies",
     .description =
         "Submits the jobs of a log to a simulated machine when they were submitted, under one "
         "policy after the other, and compares how long they wait. The slowdown of a job is its "
         "time from submission to end over its run time (at least ten seconds), and at least 1. "
         "Or runs a recorded graph of tasks on so many slots, and says how far from the best that "
         "can be. "
         "Virtual time: a year takes a moment, and the same log gives the same result.",
     .synopses = kSimulateSynopses,
     .options = kSimulateLists,
     .examples = kSimulateExamples,
     .exit_statuses = kSimulateStatuses},
    {.name = "schema",
     .section = Section::preparing,
     .summary = "print the JSON Schema of workflows",
     .description =
         "Prints the JSON Schema (draft 2020-12) of the workflow file, or of the cluster "
         "file, for editors.",
     .synopses = kSchemaSynopses,
     .options = kSchemaLists,
     .examples = kSchemaExamples,
     .exit_statuses = kDoneOrUsage},
});

constexpr auto kProgram = std::to_array<Command>({
    {.name = "doctor",
     .section = Section::program,
     .summary = "report what this machine offers to tasks",
     .description =
         "Reports kernel, control groups, user namespaces, capabilities, limits, the state "
         "directory and its disk, and how strongly tasks are enclosed.",
     .synopses = kDoctorSynopses,
     .options = kOnlyOutput,
     .examples = kDoctorExamples,
     .exit_statuses = kDoctorStatuses},
    {.name = "replay",
     .section = Section::program,
     .summary = "repeat all decisions from the journal and compare them",
     .description =
         "Feeds the recorded events to the engine again and compares what it decides with what was "
         "recorded, step by step. Reads only; nothing is run.",
     .synopses = kReplaySynopses,
     .arguments = kReplayArguments,
     .options = kReplayLists,
     .examples = kReplayExamples,
     .exit_statuses = kReplayStatuses},
    {.name = "completion",
     .section = Section::program,
     .summary = "print completions for a shell",
     .description = "Prints a script that completes commands, options and runs in a shell.",
     .synopses = kCompletionSynopses,
     .arguments = kCompletionArguments,
     .examples = kCompletionExamples,
     .exit_statuses = kDoneOrUsage},
    {.name = "man",
     .section = Section::program,
     .summary = "print a manual page",
     .description = "Prints the manual page of reeve or of a command, in roff.",
     .synopses = kManSynopses,
     .arguments = kManArguments,
     .options = kManLists,
     .examples = kManExamples,
     .exit_statuses = kDoneOrUsage},
    {.name = "help",
     .section = Section::program,
     .summary = "print help on a command",
     .description = "Prints the help of reeve or of a command.",
     .synopses = kHelpSynopses,
     .arguments = kManArguments,
     .examples = kHelpExamples,
     .exit_statuses = kDoneOrUsage},
    {.name = "version",
     .section = Section::program,
     .summary = "print the version",
     .description = "Prints the version of reeve and what it was built with.",
     .synopses = kVersionSynopses,
     .options = kOnlyOutput,
     .examples = kVersionExamples,
     .exit_statuses = kDoneOrUsage},
});

}  // namespace

std::span<const Command> preparing_commands() { return kPreparing; }
std::span<const Command> program_commands() { return kProgram; }

}  // namespace reeve::cli
