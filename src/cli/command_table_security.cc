#include "cli/command_table.h"

namespace reeve::cli {
namespace {

using Lists = std::span<const Option>;

constexpr auto kKeeperStatuses = std::to_array<ExitStatus>(
    {kDone,
     kUsage,
     {"3", "there is no such secret, flag or state directory"},
     {"4", "not permitted, or a key, or a file that others can read, is refused"},
     {"6", "a name or value is invalid, a service is at work there, or somebody else was faster"},
     {"7", "the service does not answer"}});

constexpr auto kSecretVerbs = std::to_array<std::string_view>({"set", "ls", "rm", "rotate-key"});
constexpr auto kSecretArguments = std::to_array<Argument>({
    {.name = "VERB", .help = "what to do", .required = false, .choices = kSecretVerbs},
    {.name = "NAME", .help = "of the secret, for set and rm", .required = false},
});
constexpr auto kSecretOptions = std::to_array<Option>({
    {.name = "namespace",
     .value = "NAME",
     .help = "whose runs are given the secret",
     .fallback = "default, at a service the first of the token's; to list: all that one may see"},
    {.name = "key-file",
     .value = "FILE",
     .help = "of a state directory: the key that secrets are sealed under, 64 hexadecimal digits, "
             "for its owner only",
     .fallback = "$CREDENTIALS_DIRECTORY/reeve-secrets-key, REEVE_SECRETS_KEY, or secrets.key in "
                 "the state directory",
     .completes = Completes::file},
    {.name = "next-key",
     .value = "FILE",
     .help = "of rotate-key: the key to seal under from now on",
     .fallback = "one that is made, if the key is in a file",
     .completes = Completes::file},
});
constexpr auto kSecretLists = std::to_array<Lists>({kSecretOptions, kOutputOptions});
constexpr auto kSecretSynopses = std::to_array<std::string_view>(
    {"[OPTIONS] [ls]", "[OPTIONS] set NAME", "[OPTIONS] rm NAME", "[OPTIONS] rotate-key"});
constexpr auto kSecretExamples = std::to_array<Example>({
    {"printf %s \"$VALUE\" | reeve secret set DEPLOY_KEY", "set or replace one"},
    {"reeve secret set TLS_KEY --namespace web < key.pem", "from a file, for one namespace"},
    {"reeve secret ls", "names, versions and who set them; never values"},
    {"reeve --server prod secret set DEPLOY_KEY < key", "at a service"},
});

constexpr auto kAuditVerbs =
    std::to_array<std::string_view>({"verify", "ls", "export", "checkpoint", "key"});
constexpr auto kAuditArguments = std::to_array<Argument>({
    {.name = "VERB", .help = "what to do", .required = false, .choices = kAuditVerbs},
});
constexpr auto kExportFormats = std::to_array<std::string_view>({"jsonl", "csv"});
constexpr auto kAuditOptions = std::to_array<Option>({
    {.name = "public-key",
     .value = "KEY",
     .help = "of verify: the log must be signed with this key, 64 hexadecimal digits",
     .fallback = "signing.pub beside the log; of a service: the key that it states"},
    {.name = "checkpoint",
     .value = "LINE",
     .help = "of verify: what `reeve audit checkpoint` printed once must be in the log"},
    {.name = "who", .value = "NAME", .help = "of ls and export: only what this identity did"},
    {.name = "action", .value = "ACTION", .help = "of ls and export: only this, such as runs.act"},
    {.name = "namespace", .value = "NAME", .help = "of ls and export: only in this namespace"},
    {.name = "limit", .value = "N", .help = "of ls: the newest N", .fallback = "50"},
    {.name = "format",
     .value = "FORMAT",
     .help = "of export",
     .fallback = "jsonl",
     .choices = kExportFormats},
});
constexpr auto kAuditLists = std::to_array<Lists>({kAuditOptions, kOutputOptions});
constexpr auto kAuditSynopses = std::to_array<std::string_view>(
    {"[OPTIONS] [ls]", "[OPTIONS] verify", "[OPTIONS] export", "checkpoint", "key"});
constexpr auto kAuditExamples = std::to_array<Example>({
    {"reeve audit verify", "prove that no record was changed, removed or moved"},
    {"reeve audit checkpoint > elsewhere/head", "what later proofs are to contain"},
    {"reeve audit verify --checkpoint \"$(cat elsewhere/head)\"",
     "also that the whole log was not put back"},
    {"reeve audit export --format csv > audit.csv", "for a spreadsheet"},
    {"reeve --server prod audit verify --public-key \"$(cat elsewhere/key)\"",
     "fetch the log of a service and prove it here"},
});
constexpr auto kAuditStatuses = std::to_array<ExitStatus>(
    {kDone,
     {"1", "the log is not as it was written; the message names the first such record"},
     kUsage,
     {"3", "there is no audit log"},
     {"4", "not permitted"},
     {"7", "the service does not answer"}});

constexpr auto kFlagVerbs = std::to_array<std::string_view>({"ls", "set", "rm", "history", "ask"});
constexpr auto kFlagArguments = std::to_array<Argument>({
    {.name = "VERB", .help = "what to do", .required = false, .choices = kFlagVerbs},
    {.name = "NAME", .help = "of the flag, for all but ls", .required = false},
});
constexpr auto kFlagOptions = std::to_array<Option>({
    {.name = "on", .help = "of set: switch it on"},
    {.name = "off", .help = "of set: switch it off for all, whatever its rules say"},
    {.name = "rollout",
     .value = "PERCENT",
     .help = "of set: on for this part of the subjects, always the same ones"},
    {.name = "namespace",
     .value = "NAME",
     .help = "of set: add a rule for this namespace; of ask: where the subject is",
     .repeats = true},
    {.name = "label",
     .value = "NAME=VALUE",
     .help = "of set: add a rule for what has this label; of ask: a label of the subject",
     .repeats = true},
    {.name = "description", .value = "TEXT", .help = "of set: what it is for"},
    {.name = "file",
     .value = "FILE",
     .help = "of set: the whole flag as JSON, as `ls -o json` shows it",
     .completes = Completes::file},
    {.name = "subject", .value = "KEY", .help = "of ask: what the percentage goes by"},
});
constexpr auto kFlagLists = std::to_array<Lists>({kFlagOptions, kOutputOptions});
constexpr auto kFlagSynopses =
    std::to_array<std::string_view>({"[OPTIONS] [ls]", "[OPTIONS] set NAME", "[OPTIONS] rm NAME",
                                     "[OPTIONS] history NAME", "[OPTIONS] ask NAME"});
constexpr auto kFlagExamples = std::to_array<Example>({
    {"reeve flag set new-report --on --rollout 10", "on for a tenth of the subjects"},
    {"reeve flag set new-report --on --namespace lab", "and for all of one namespace"},
    {"reeve flag ask new-report --subject nightly", "what it says to one, and why"},
});

constexpr auto kConfigVerbs = std::to_array<std::string_view>({"show", "set", "unset", "history"});
constexpr auto kConfigArguments = std::to_array<Argument>({
    {.name = "VERB", .help = "what to do", .required = false, .choices = kConfigVerbs},
    {.name = "NAME", .help = "of a setting, for all but show", .required = false},
    {.name = "VALUE", .help = "of set: as the environment would have it", .required = false},
});
constexpr auto kConfigOptions = std::to_array<Option>({
    {.name = "config",
     .value = "FILE",
     .help = "the file of settings that docs/configuration.md describes",
     .fallback = "reeve.toml in the state directory, if there is one",
     .completes = Completes::file},
    {.name = "set",
     .value = "NAME=VALUE",
     .help = "a setting, stronger than file and environment",
     .repeats = true},
});
constexpr auto kConfigLists = std::to_array<Lists>({kConfigOptions, kOutputOptions});
constexpr auto kConfigSynopses =
    std::to_array<std::string_view>({"[OPTIONS] [show]", "[OPTIONS] set NAME VALUE",
                                     "[OPTIONS] unset NAME", "[OPTIONS] history NAME"});
constexpr auto kConfigExamples = std::to_array<Example>({
    {"reeve config show", "every setting, its value and where that comes from"},
    {"reeve config show --config new.toml", "whether a file is right, before it is used"},
    {"reeve config set log.level debug", "a live setting, at the service in use"},
    {"reeve config history log.level", "what it was set to, when and by whom"},
});
constexpr auto kConfigStatuses =
    std::to_array<ExitStatus>({kDone,
                               kUsage,
                               {"3", "there is no such file"},
                               {"6", "a name or a value is wrong: each is named with its place"}});

constexpr auto kSecurity = std::to_array<Command>({
    {.name = "secret",
     .section = Section::program,
     .summary = "keep secrets for tasks, sealed",
     .description = "Keeps secrets in the state directory or at a service, sealed under a key. A "
                    "workflow that names one under "
                    "`secrets` is given its value, if the run is of the same namespace. The value "
                    "is read from "
                    "standard input, or asked for on a terminal; a line feed behind a value of one "
                    "line is not "
                    "part of it. Values are never printed.\n\n"
                    "`rotate-key` seals everything anew under another key, all or nothing: in a "
                    "state directory only, as a service never hands its key out or in.",
     .synopses = kSecretSynopses,
     .arguments = kSecretArguments,
     .options = kSecretLists,
     .examples = kSecretExamples,
     .exit_statuses = kKeeperStatuses},
    {.name = "flag",
     .section = Section::program,
     .summary = "keep feature flags with their history",
     .description =
         "Shows and changes feature flags. The first rule that matches a subject decides, else the "
         "percentage of the flag. Every change is a new version; `history` shows them all. `set` "
         "changes what it has seen: if somebody else was faster, it is refused.",
     .synopses = kFlagSynopses,
     .arguments = kFlagArguments,
     .options = kFlagLists,
     .examples = kFlagExamples,
     .exit_statuses = kKeeperStatuses},
    {.name = "audit",
     .section = Section::program,
     .summary = "read the audit log and prove that nobody has changed it",
     .description =
         "Reads the audit log of a state directory, also while a service writes it, or that of a "
         "service. Records are "
         "chained by digest and signed; `verify` finds any byte that was changed, any record that "
         "was removed or moved, and any end that was cut off, and names the first record that is "
         "not proved. A copy of all files from an earlier moment can only be told by what was kept "
         "elsewhere: a line of `checkpoint`, and the public key that `key` prints.\n\n"
         "At a service, `verify` says what the service finds, fetches the files of its log (in "
         "whole: "
         "one after the other) and proves them here. That, `key` and `checkpoint` take the right "
         "audit.copy; with audit.read alone, `verify` has the word of the service. Without "
         "--public-key the key is the one that the service states, which an intruder could have "
         "exchanged together with the log.",
     .synopses = kAuditSynopses,
     .arguments = kAuditArguments,
     .options = kAuditLists,
     .examples = kAuditExamples,
     .exit_statuses = kAuditStatuses},
    {.name = "config",
     .section = Section::program,
     .summary = "show the settings of the service and where they come from, and set live ones",
     .description =
         "Prints the settings that result from reeve.toml, `set`, the environment and --set, and "
         "the origin of each: of the service in use, or of a state directory. Names that there are "
         "not, and values that are wrong, are refused.\n\n"
         "`set` changes a live setting of a service at once, with a version and a record in the "
         "audit log. It stands over the file, and under the environment and flags of the service, "
         "until `unset` takes it back.",
     .synopses = kConfigSynopses,
     .arguments = kConfigArguments,
     .options = kConfigLists,
     .examples = kConfigExamples,
     .exit_statuses = kConfigStatuses},
});

}  // namespace

std::span<const Command> security_commands() { return kSecurity; }

}  // namespace reeve::cli
