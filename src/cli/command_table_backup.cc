#include "cli/command_table.h"

namespace reeve::cli {
namespace {

using Lists = std::span<const Option>;

constexpr auto kBackupArguments = std::to_array<Argument>({
    {.name = "FILE", .help = "what to write; must not be there yet", .completes = Completes::file},
});
constexpr auto kBackupOptions = std::to_array<Option>({
    {.name = "with-keys",
     .help = "also secrets.key and admin.token: who has the file then has all secrets"},
    {.name = "with-logs", .help = "also the output of attempts"},
});
constexpr auto kBackupLists = std::to_array<Lists>({kBackupOptions, kOutputOptions});
constexpr auto kBackupSynopses = std::to_array<std::string_view>({"[OPTIONS] FILE"});
constexpr auto kBackupExamples = std::to_array<Example>({
    {"reeve backup --state /var/lib/reeve /backup/reeve-monday", "while the service runs"},
});
constexpr auto kBackupStatuses =
    std::to_array<ExitStatus>({kDone,
                               {"1", "the state is damaged, or could not be read or written"},
                               kUsage,
                               {"3", "there is no state directory, or nothing in it"},
                               {"6", "the file is there already"}});

constexpr auto kRestoreArguments = std::to_array<Argument>({
    {.name = "FILE", .help = "what `reeve backup` has written", .completes = Completes::file},
});
constexpr auto kRestoreOptions = std::to_array<Option>({
    {.name = "check", .help = "only prove that the file is as it was written"},
});
constexpr auto kRestoreLists = std::to_array<Lists>({kRestoreOptions});
constexpr auto kRestoreSynopses = std::to_array<std::string_view>({"[OPTIONS] FILE"});
constexpr auto kRestoreExamples = std::to_array<Example>({
    {"reeve restore /backup/reeve-monday --state /var/lib/reeve-restored", "into a new directory"},
    {"reeve restore --check /backup/reeve-monday", "is it whole?"},
});
constexpr auto kRestoreStatuses = std::to_array<ExitStatus>(
    {kDone,
     {"1", "the backup is damaged, or could not be read or written"},
     kUsage,
     {"3", "there is no such file"},
     {"6", "refused: the directory is not empty or in use, or the file is no backup"}});

constexpr auto kBackup = std::to_array<Command>({
    {.name = "backup",
     .section = Section::program,
     .summary = "copy a state directory into one file, while it is in use",
     .description =
         "Writes the databases, each as it is at one moment, the audit log with its key, artifacts "
         "and settings into one file (tar, mode 0600), under its name only when it is complete. "
         "Engine or service go on meanwhile. The key that secrets are sealed under, the token of "
         "the administrator and the output of attempts come only if they are asked for; "
         "directories that runs work in never do. Damaged pages of a database end it.\n\n"
         "Where there is an audit log, the backup is in it, by way of the service if one works "
         "there; "
         "what cannot be recorded is said, and made nevertheless.",
     .synopses = kBackupSynopses,
     .arguments = kBackupArguments,
     .options = kBackupLists,
     .examples = kBackupExamples,
     .exit_statuses = kBackupStatuses},
    {.name = "restore",
     .section = Section::program,
     .summary = "make a state directory from a backup",
     .description =
         "Proves that the whole file is as `reeve backup` wrote it, then makes the state directory "
         "from it: all of it or nothing. Directories that hold anything are refused. What ran when "
         "the backup was made is tried again by the next engine, so do not let the original go on "
         "as well.",
     .synopses = kRestoreSynopses,
     .arguments = kRestoreArguments,
     .options = kRestoreLists,
     .examples = kRestoreExamples,
     .exit_statuses = kRestoreStatuses},
});

}  // namespace

std::span<const Command> backup_commands() { return kBackup; }

}  // namespace reeve::cli
