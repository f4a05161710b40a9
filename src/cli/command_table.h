// The rows of the command table by section (command_table.cc puts them in order), and the options
// that several commands share. Constants.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "cli/command.h"

namespace reeve::cli {

inline constexpr auto kFormats =
    std::to_array<std::string_view>({"table", "json", "jsonl", "yaml", "name"});
inline constexpr auto kTierChoices = std::to_array<std::string_view>({"native", "oci", "none"});
inline constexpr auto kPermissions =
    std::to_array<std::string_view>({"unsandboxed", "host-network"});
inline constexpr auto kLogChoices = std::to_array<std::string_view>({"all", "failed", "none"});

/// Shared by what gives data.
inline constexpr auto kOutputOptions = std::to_array<Option>({
    {.name = "output",
     .letter = 'o',
     .value = "FORMAT",
     .help = "how data is written",
     .fallback = "table",
     .choices = kFormats},
    {.name = "json", .value = "FIELDS", .help = "JSON with these fields only, divided by commas"},
});

/// Shared by what runs an engine.
inline constexpr auto kEngineOptions = std::to_array<Option>({
    {.name = "jobs",
     .letter = 'j',
     .value = "CAPACITY",
     .help = "what may be used at a time: a number of cpus, or a list such as "
             "cpu=4,memory=8Gi,licence.x=2",
     .fallback = "the cpus of this machine"},
    {.name = "cluster",
     .value = "FILE",
     .help = "queues, shares and limits: the file that docs/cluster-file.md describes",
     .fallback = "cluster.yaml in the state directory, if there is one",
     .completes = Completes::file},
    {.name = "sandbox",
     .value = "TIER",
     .help = "what encloses all tasks, whatever the workflow says",
     .fallback = "what the workflow says, else native",
     .choices = kTierChoices},
    {.name = "allow",
     .value = "WHAT",
     .help = "permit what a workflow asks for: tasks without a sandbox, or with the network of "
             "this machine",
     .choices = kPermissions,
     .repeats = true},
});

/// Shared by what starts or goes on with a run and follows it to its end.
inline constexpr auto kFollowingOptions = std::to_array<Option>({
    {.name = "plain", .help = "lines instead of the live view, also on a terminal"},
    {.name = "logs",
     .value = "WHICH",
     .help =
         "whose output is printed: of all tasks, of the failed ones (their last lines), of none",
     .fallback = "failed",
     .choices = kLogChoices},
    {.name = "log-prefix", .help = "put the name of the task in front of each line of its output"},
});

inline constexpr ExitStatus kDone{"0", "done"};
inline constexpr ExitStatus kUsage{"2", "the command line is wrong"};
inline constexpr ExitStatus kNotFound{"3", "there is no such run, task or file"};
inline constexpr ExitStatus kConflict{"6",
                                      "refused: the file is invalid or asks for what is not "
                                      "permitted, the state forbids it, or "
                                      "another engine holds the directory"};

std::span<const Command> running_commands();
std::span<const Command> serving_commands();
std::span<const Command> looking_commands();
std::span<const Command> acting_commands();
std::span<const Command> preparing_commands();
std::span<const Command> program_commands();
std::span<const Command> security_commands();
std::span<const Command> backup_commands();

}  // namespace reeve::cli
