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
    {.name = "take-over",
     .help = "if a service works on the state already: get its sockets, let it end what it has "
             "begun, and go on in its place"},
    {.name = "plaintext",
     .help = "listen without TLS at addresses that other machines reach: something in front "
             "encrypts"},
});
constexpr auto kServeLists = std::to_array<Lists>({kServeOptions, kEngineOptions});
constexpr auto kServeSynopses = std::to_array<std::string_view>({"[OPTIONS]"});
constexpr auto kServeExamples = std::to_array<Example>({
    {"reeve serve --state /var/lib/reeve", "at 127.0.0.1:7433 and /var/lib/reeve/api.sock"},
    {"reeve serve --state /var/lib/reeve --take-over",
     "in place of the one that serves there now, and no client is turned away"},
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

constexpr auto kContextOptions = std::to_array<Option>({
    {.name = "token-stdin",
     .help = "add: keep the token that standard input has in its first line"},
    {.name = "ca",
     .value = "FILE",
     .help = "add: the certificates to trust, PEM",
     .fallback = "REEVE_CA, else those of the system",
     .completes = Completes::file},
    {.name = "certificate",
     .value = "FILE",
     .help =
         "add: ours, PEM, to show to a service that asks for one; it says no more than that one "
         "may connect",
     .fallback = "REEVE_CERTIFICATE, else none",
     .completes = Completes::file},
    {.name = "key",
     .value = "FILE",
     .help = "add: the key of that certificate, PEM, which only its user may read",
     .fallback = "REEVE_KEY",
     .completes = Completes::file},
    {.name = "use", .help = "add: have commands look there at once; so does the first one"},
    {.name = "role",
     .value = "ROLE",
     .help = "login: which of the roles that one's groups give",
     .fallback = "the first of them"},
    {.name = "issuer-ca",
     .value = "FILE",
     .help = "login: the certificates to trust at the identity provider, PEM",
     .fallback = "those of the system",
     .completes = Completes::file},
});
constexpr auto kContextLists = std::to_array<Lists>({kContextOptions, kOutputOptions});
constexpr auto kContextVerbs =
    std::to_array<std::string_view>({"ls", "add", "use", "login", "logout", "rm"});
constexpr auto kContextArguments = std::to_array<Argument>({
    {.name = "VERB", .help = "what to do", .required = false, .choices = kContextVerbs},
    {.name = "NAME",
     .help = "of the context; `use -`: the directory where one is; add: and its address",
     .required = false,
     .repeats = true},
});
constexpr auto kContextSynopses =
    std::to_array<std::string_view>({"[ls]", "add NAME ADDRESS [OPTIONS]", "use NAME", "use -",
                                     "login [NAME] [OPTIONS]", "logout [NAME]", "rm NAME"});
constexpr auto kContextExamples = std::to_array<Example>({
    {"reeve context add here unix:/var/lib/reeve/api.sock", "a service on this machine"},
    {"reeve context add prod https://reeve.example.org:7433 --token-stdin < token",
     "another one, with a token"},
    {"reeve context add lab https://lab.example.org --certificate ann.pem --key ann.key",
     "a service that asks for certificates (docs/security.md)"},
    {"reeve --server prod ls", "a look at it, whatever context is in use"},
    {"reeve context login prod", "sign on at the identity provider of that service"},
});
constexpr auto kContextStatuses =
    std::to_array<ExitStatus>({kDone,
                               kUsage,
                               {"3", "there is no such context, or no single sign-on"},
                               {"4", "nobody was logged in"},
                               {"7", "the service or the identity provider does not answer"},
                               {"130", "interrupted"}});

constexpr auto kTokenOptions = std::to_array<Option>({
    {.name = "role",
     .value = "ROLE",
     .help = "create: viewer, operator, developer, admin or a defined one",
     .fallback = "viewer"},
    {.name = "namespace",
     .value = "NAME",
     .help = "create: where it holds; * for all",
     .fallback = "default",
     .repeats = true},
    {.name = "expires",
     .value = "DURATION",
     .help = "create: how long it holds",
     .fallback = "until it is revoked"},
});
constexpr auto kTokenLists = std::to_array<Lists>({kTokenOptions, kOutputOptions});
constexpr auto kTokenVerbs = std::to_array<std::string_view>({"ls", "create", "rm"});
constexpr auto kTokenArguments = std::to_array<Argument>({
    {.name = "VERB", .help = "what to do", .required = false, .choices = kTokenVerbs},
    {.name = "LABEL|ID",
     .help = "create: what the token is for; rm: its id",
     .required = false,
     .repeats = true},
});
constexpr auto kTokenSynopses =
    std::to_array<std::string_view>({"[ls]", "create LABEL [OPTIONS]", "rm ID"});
constexpr auto kTokenExamples = std::to_array<Example>({
    {"reeve token create ci --role developer --namespace ci --expires 2160h > token",
     "for a program that submits runs"},
    {"reeve token rm 000000000000r", "it holds no more"},
});
constexpr auto kTokenStatuses = std::to_array<ExitStatus>({kDone,
                                                           kUsage,
                                                           {"3", "there is no such token"},
                                                           {"4", "not permitted"},
                                                           {"7", "no service answers"}});

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
    {.name = "context",
     .section = Section::serving,
     .summary = "keep the addresses of services, and choose one",
     .description =
         "With a context in use, commands look at that service and act on it, as they do on a "
         "directory without one; --server, --state and REEVE_URL go before it. Contexts are kept "
         "in reeve/contexts.json below XDG_CONFIG_HOME or ~/.config, which only its user may read, "
         "because of their tokens. REEVE_TOKEN goes before a token that is kept. Tokens are not "
         "sent to other machines without TLS.\n\n"
         "`login` signs on at the identity provider that the service names (docs/operations.md): "
         "it "
         "prints an address and a code, waits until somebody confirms it there, and keeps the "
         "token that the service then gives, which ends by itself. `logout` ends it at once.",
     .synopses = kContextSynopses,
     .arguments = kContextArguments,
     .options = kContextLists,
     .examples = kContextExamples,
     .exit_statuses = kContextStatuses},
    {.name = "token",
     .section = Section::serving,
     .summary = "make, list and revoke tokens of a service",
     .description =
         "Tokens say who somebody is (docs/security.md). `create` prints the text of a new one, "
         "this once. Nobody can give more rights than he has.",
     .synopses = kTokenSynopses,
     .arguments = kTokenArguments,
     .options = kTokenLists,
     .examples = kTokenExamples,
     .exit_statuses = kTokenStatuses},
});

}  // namespace

std::span<const Command> serving_commands() { return kServingCommands; }

}  // namespace reeve::cli
