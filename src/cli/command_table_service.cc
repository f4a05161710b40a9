#include "cli/command_table.h"

namespace reeve::cli {
namespace {

using Lists = std::span<const Option>;

constexpr auto kServeOptions = std::to_array<Option>({
    {.name = "listen",
     .value = "ADDRESS",
     .help = "where the service listens: 127.0.0.1:7433, [::1]:7433, unix:/path; port 0 is any; "
             "beside it, always api.sock in the state directory",
     .fallback = "127.0.0.1:7433",
     .repeats = true},
    {.name = "tls-certificate",
     .value = "FILE",
     .help = "the chain of certificates for TLS, PEM",
     .completes = Completes::file},
    {.name = "tls-key",
     .value = "FILE",
     .help = "the key of the certificate, PEM",
     .completes = Completes::file},
    {.name = "client-ca",
     .value = "FILE",
     .help = "clients must show a certificate that one of these has signed, PEM",
     .completes = Completes::file},
    {.name = "config",
     .value = "FILE",
     .help = "the file of settings that docs/configuration.md describes",
     .fallback = "reeve.toml in the state directory, if there is one",
     .completes = Completes::file},
    {.name = "set",
     .value = "NAME=VALUE",
     .help = "a setting, stronger than file and environment",
     .repeats = true},
    {.name = "plaintext",
     .help = "listen without TLS at addresses that other machines reach: something in front "
             "encrypts"},
});
constexpr auto kServeLists = std::to_array<Lists>({kServeOptions, kEngineOptions});
constexpr auto kServeSynopses = std::to_array<std::string_view>({"[OPTIONS]"});
constexpr auto kServeExamples = std::to_array<Example>({
    {"reeve serve --state /var/lib/reeve", "at 127.0.0.1:7433 and /var/lib/reeve/api.sock"},
    {"reeve serve --listen 0.0.0.0:7433 --tls-certificate chain.pem --tls-key key.pem",
     "for other machines too"},
});
constexpr auto kDevExamples = std::to_array<Example>({
    {"reeve dev", "the service, with its state in .reeve here"},
});
constexpr auto kServeStatuses =
    std::to_array<ExitStatus>({{"0", "it was told to end (SIGTERM, Ctrl-C), and did"},
                               kUsage,
                               kConflict,
                               {"125", "the engine failed"}});

constexpr std::string_view kServeText =
    "Runs the engine as a service with an HTTP API, until it is told to end. What runs then goes "
    "on, "
    "and the next `reeve serve` takes it up again; so it does after a crash.\n\n"
    "On its first start it makes a token of an administrator and writes it into admin.token in the "
    "state directory, which only its user can read. Requests show it as `Authorization: Bearer "
    "TOKEN`; over the Unix socket, the user of the service and root need none. /openapi.json "
    "describes the API. The addresses that it listens at are printed on stdout, one a line, once "
    "it "
    "answers there. Settings come from reeve.toml in the state directory, the environment and "
    "--set "
    "(docs/configuration.md); SIGHUP reads them again. See docs/operations.md and "
    "docs/security.md.";

constexpr auto kServingCommands = std::to_array<Command>({
    {.name = "serve",
     .section = Section::serving,
     .summary = "run the service: engine and HTTP API",
     .description = kServeText,
     .synopses = kServeSynopses,
     .options = kServeLists,
     .examples = kServeExamples,
     .exit_statuses = kServeStatuses},
    {.name = "dev",
     .section = Section::serving,
     .summary = "run the service here, with nothing to set up",
     .description =
         "As `reeve serve`, and says what to type next. The state is .reeve in this directory.",
     .synopses = kServeSynopses,
     .options = kServeLists,
     .examples = kDevExamples,
     .exit_statuses = kServeStatuses},
});

}  // namespace

std::span<const Command> serving_commands() { return kServingCommands; }

}  // namespace reeve::cli
