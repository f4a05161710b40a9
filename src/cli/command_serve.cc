// `reeve serve` and `reeve dev`.
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include <fmt/format.h>

#include "api/problem.h"
#include "api/service.h"
#include "cli/cluster_settings.h"
#include "cli/engine_host.h"
#include "cli/following.h"
#include "cli/live_settings.h"
#include "cli/plan_items.h"
#include "cli/resource_list.h"
#include "cli/sandbox_choice.h"
#include "cli/service_logs.h"
#include "cli/service_notice.h"
#include "cli/session.h"
#include "cli/signals.h"
#include "cli/state_secrets.h"
#include "cli/system_clock.h"
#include "cli/version.h"
#include "cli/workflow_file.h"
#include "config/flag_store.h"
#include "http/server.h"
#include "observe/operator_log.h"
#include "spec/permission.h"
#include "store/sqlite/sqlite_history.h"
#include "store/sqlite/sqlite_store.h"

namespace reeve::cli {
namespace {

using config::Setting;
constexpr Duration kAttemptLife = std::chrono::days{30};

/// What the service is made of, in the order in which it is taken apart backwards.
struct Serving {
  std::unique_ptr<observe::OperatorLog> log;
  std::unique_ptr<LiveSettings> settings;
  /// Where the engine finds the credentials, which are opened after it.
  std::unique_ptr<security::Credentials*> signer =
      std::make_unique<security::Credentials*>(nullptr);
  std::unique_ptr<EngineHost> host;
  std::unique_ptr<security::Credentials> credentials;
  std::unique_ptr<security::AuditLog> audit;
  std::unique_ptr<security::KeptAnswers> answers;
  std::unique_ptr<config::FlagStore> flags;
  std::unique_ptr<ServiceLogs> logs;
  std::unique_ptr<api::Service> service;
  std::unique_ptr<http::Server> server;
};

void say(LogSink& log, LogSeverity severity, std::string message, std::vector<LogField> fields) {
  log.take({.severity = severity, .message = std::move(message), .fields = std::move(fields)});
}

std::unique_ptr<observe::OperatorLog> open_log(const Session& session) {
  using Destination = observe::OperatorLog::Destination;
  const bool is_journal =
      observe::is_journal(session.err.descriptor(), std::getenv("JOURNAL_STREAM"));
  // What we start does not write there.
  ::unsetenv("JOURNAL_STREAM");
  return std::make_unique<observe::OperatorLog>(
      session.err.descriptor(), observe::LogStyle{},
      is_journal ? Destination::journal : Destination::plain, wall_now);
}

bool is_loopback(std::string_view address) {
  return address.starts_with("127.") || address.starts_with("[::1]") ||
         address.starts_with("localhost:") || address.starts_with("unix:");
}

/// The text of an option, else of the setting that says the same.
std::string option_or_setting(const Arguments& arguments, std::string_view option,
                              const config::Settings& settings, Setting setting) {
  const std::string* const given = arguments.find(option);
  return given != nullptr ? *given : settings.text(setting);
}

http::Limits limits_of(const config::Settings& settings) {
  const auto seconds = [&](Setting setting) {
    return std::chrono::ceil<std::chrono::seconds>(settings.duration(setting));
  };
  http::Limits limits;
  limits.header_bytes_max =
      static_cast<std::size_t>(settings.integer(Setting::server_header_bytes_max));
  limits.body_bytes_max =
      static_cast<std::size_t>(settings.integer(Setting::server_body_bytes_max));
  limits.connections_max =
      static_cast<std::size_t>(settings.integer(Setting::server_connections_max));
  limits.header_time = seconds(Setting::server_header_timeout);
  limits.body_time = seconds(Setting::server_body_timeout);
  limits.idle_time = seconds(Setting::server_idle_timeout);
  limits.stop_time = seconds(Setting::server_shutdown_grace);
  return limits;
}

Checked<http::ServerOptions> server_options(const Session& session, const StateLayout& layout,
                                            const config::Settings& settings) {
  const Arguments& arguments = session.arguments;
  http::ServerOptions options;
  for (const std::string& address : arguments.all("listen")) options.addresses.push_back(address);
  if (options.addresses.empty() && !settings.text(Setting::server_listen).empty())
    options.addresses.push_back(settings.text(Setting::server_listen));
  if (const std::string& path = settings.text(Setting::server_socket); !path.empty())
    options.addresses.push_back("unix:" + path);
  const std::string certificate =
      option_or_setting(arguments, "tls-certificate", settings, Setting::server_tls_certificate);
  const std::string key =
      option_or_setting(arguments, "tls-key", settings, Setting::server_tls_key);
  const std::string authority =
      option_or_setting(arguments, "client-ca", settings, Setting::server_tls_client_ca);
  if (certificate.empty() != key.empty())
    return usage("serve: --tls-certificate and --tls-key belong together");
  if (!certificate.empty()) options.tls = http::TlsFiles{certificate, key, authority};
  if (certificate.empty() && !authority.empty())
    return usage("serve: --client-ca needs --tls-certificate and --tls-key");
  for (const std::string& address : options.addresses) {
    if (options.tls || arguments.has("plaintext") || is_loopback(address)) continue;
    return usage(fmt::format("serve: at {} tokens would be sent for everybody to read", address),
                 "give --tls-certificate and --tls-key, or --plaintext if something in front "
                 "encrypts");
  }
  options.addresses.push_back("unix:" + layout.api_socket());
  options.limits = limits_of(settings);
  options.body_limit = [most = options.limits.body_bytes_max](std::string_view method,
                                                              std::string_view path) {
    return api::Service::body_limit(method, path, most);
  };
  options.refusal = [](int status, std::string_view detail) {
    return api::bare_problem(status, detail);
  };
  return options;
}

/// One descriptor for each connection, and more than the usual 1024 of them.
void allow_many_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 65'536);
  // With fewer, connections beyond them wait.
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

Status check_workflow(const spec::Workflow& workflow, const SandboxRules& rules,
                      const NodeSetup& machine) {
  std::string all;
  for (const spec::Diagnostic& refusal : spec::check_permission(workflow, rules))
    all += (all.empty() ? "" : "; ") + refusal.message;
  if (!all.empty()) return fail(ErrorCode::permission_denied, "not permitted here: " + all);
  for (const std::string& group : unplaceable_groups(workflow, machine))
    all += (all.empty() ? "" : "; ") + group;
  if (all.empty()) return {};
  return fail(ErrorCode::unplaceable, std::move(all));
}

Result<boost::json::array> plan(const spec::Parsed& parsed, const std::string& inputs,
                                const Resources& capacity) {
  TRY_ASSIGN(const auto groups, plan_groups(*parsed.workflow, inputs, capacity));
  boost::json::array out;
  for (JsonObject& item : plan_items(parsed, groups, std::nullopt))
    out.emplace_back(std::move(item));
  return out;
}

Checked<void> open_security(const StateLayout& layout, Serving& serving) {
  const config::Settings settings = serving.settings->present();
  security::CredentialOptions options;
  options.session_idle = settings.duration(Setting::auth_session_idle);
  options.session_life = settings.duration(Setting::auth_session_life);
  options.logins.free_failures =
      static_cast<std::uint32_t>(settings.integer(Setting::auth_login_failures));
  TRY_ASSIGN(serving.credentials,
             security::Credentials::open(layout.root + "/security.db", options));
  *serving.signer = serving.credentials.get();
  const std::string token = layout.root + "/admin.token";
  TRY_ASSIGN(const bool is_new,
             security::make_admin_token(*serving.credentials, token, wall_now()));
  if (is_new)
    say(*serving.log, LogSeverity::info, "the token of an administrator was made",
        {{"file", token}});
  TRY_ASSIGN(serving.audit,
             security::AuditLog::open(layout.root + "/audit",
                                      {.segment_bytes_max = static_cast<std::size_t>(
                                           settings.integer(Setting::audit_segment_bytes))}));
  TRY_ASSIGN(serving.answers, security::KeptAnswers::open(layout.root + "/answers.db", wall_now()));
  TRY_ASSIGN(serving.flags, config::FlagStore::open(layout.root + "/flags.db"));
  return {};
}

api::JournalSource journal_of(const StateLayout& layout, const Resources& capacity) {
  return {.open = [path = layout.database()]() -> Result<std::unique_ptr<engine::Store>> {
            return store::sqlite::SqliteStore::open(path);
          },
          .pools = {{.name = "local", .capacity = capacity}}};
}

/// The part of a service that speaks HTTP. `engine`: what the command line says of it.
Checked<void> open_service(const StateLayout& layout, const FollowingOptions& engine,
                           const NodeSetup& machine, Serving& serving) {
  LiveSettings& settings = *serving.settings;
  api::ServiceOptions options{
      .engine = &serving.host->engine(),
      .open_history = [path = layout.database()]() -> Result<std::unique_ptr<engine::History>> {
        return store::sqlite::SqliteHistory::open(path);
      },
      .journal = journal_of(layout, engine.capacity),
      .logs = serving.logs.get(),
      .credentials = serving.credentials.get(),
      .audit = serving.audit.get(),
      .answers = serving.answers.get(),
      .flags = serving.flags.get(),
      .open_secrets =
          [root = layout.root, key = settings.present().text(Setting::secrets_key_file)] {
            return open_secret_store(root, key.empty() ? nullptr : &key);
          },
      .audit_directory = layout.root + "/audit",
      .settings = [&settings] { return settings.present(); },
      .reload = [&settings] { return settings.reload(); },
      .check_workflow =
          [rules = engine.sandbox, machine](const spec::Workflow& workflow) {
            return check_workflow(workflow, rules, machine);
          },
      .plan = [capacity = engine.capacity](
                  const spec::Parsed& parsed,
                  const std::string& inputs) { return plan(parsed, inputs, capacity); },
      .now = wall_now,
      .log = serving.log.get(),
      .version = std::string(kVersion),
      .work_directory = layout.root + "/work",
      .own_user = ::geteuid()};
  TRY_ASSIGN(serving.service, api::Service::open(std::move(options)));
  return {};
}

/// The token of an attempt, which ends with it, and at the latest after so long.
OwnSecret own_secret(const Serving& serving) {
  return [signer = serving.signer.get(), settings = serving.settings.get()](
             const engine::SecretName& wanted) -> Result<std::string> {
    if (wanted.name == kTokenSecret)
      return (*signer)->attempt_token({.run = wanted.run,
                                       .name_space = std::string(wanted.name_space),
                                       .task = wanted.task,
                                       .attempt = wanted.attempt,
                                       .expires_at = wall_now() + kAttemptLife,
                                       .index = wanted.index});
    const std::string url = settings->present().text(Setting::server_public_url);
    if (!url.empty()) return url;
    return fail(ErrorCode::not_found,
                "REEVE_URL: the setting server.public_url says how tasks reach this service");
  };
}

Checked<Serving> open_all(const Session& session, const StateLayout& layout) {
  Serving serving;
  serving.log = open_log(session);
  TRY_ASSIGN(serving.settings, LiveSettings::open(session, layout, *serving.log));
  const config::Settings settings = serving.settings->present();
  TRY_ASSIGN(const FollowingOptions engine, FollowingOptions::from(serving.settings->session()));
  TRY_ASSIGN(http::ServerOptions http_options, server_options(session, layout, settings));
  TRY_ASSIGN(auto policy, serving.settings->policy());
  const NodeSetup machine = local_node(policy, engine.capacity);
  const std::string& key_file = settings.text(Setting::secrets_key_file);
  TRY_ASSIGN(serving.host, EngineHost::open({.layout = layout,
                                             .capacity = engine.capacity,
                                             .sandbox = engine.sandbox,
                                             .policy = std::move(policy),
                                             .resume_all = true,
                                             .resume = {},
                                             .command_line = session.command_line,
                                             // Who may submit may not read our environment.
                                             .secrets = SecretSources::store,
                                             .secrets_key_file = key_file,
                                             .own_secret = own_secret(serving)}));
  serving.settings->tell(serving.host->engine());
  TRY(open_security(layout, serving));
  serving.logs = std::make_unique<ServiceLogs>(layout.root);
  TRY(open_service(layout, engine, machine, serving));
  api::Service& service = *serving.service;
  TRY_ASSIGN(serving.server,
             http::Server::open(std::move(http_options),
                                [&service](http::Request request, http::Responder responder) {
                                  service.handle(std::move(request), std::move(responder));
                                }));
  service.serve_on(*serving.server);
  return serving;
}

/// SIGHUP: what can be is taken on, and said.
void reload(const Serving& serving) {
  const auto changes = serving.settings->reload();
  if (!changes)
    return say(*serving.log, LogSeverity::error, "the settings stay as they are",
               {{"cause", changes.error().text()}});
  say(*serving.log, LogSeverity::info, "the settings were read again",
      {{"changed", std::to_string(changes->size())}});
  for (const config::Change& each : *changes)
    say(*serving.log, LogSeverity::info, "a setting changed",
        {{"setting", std::string(config::info(each.setting).name)},
         {"value", config::format_value(config::info(each.setting), each.after)},
         {"holds", each.live ? "now" : "from the next start on"}});
}

/// Until a signal comes, or the engine fails. The failure is finish()'s.
void wait_for_end(Signals& signals, const Serving& serving, const ServiceNotice& notice) {
  const EngineHost& host = *serving.host;
  std::array<pollfd, 2> waits{
      {{signals.descriptor(), POLLIN, 0}, {host.ended_descriptor(), POLLIN, 0}}};
  while (true) {
    notice.tell("WATCHDOG=1");
    if (::poll(waits.data(), waits.size(), notice.pause_milliseconds()) < 0) continue;
    if (waits[1].revents != 0) return;
    const SignalsTaken taken = signals.take();
    if (taken.interrupts > 0 || taken.terminations > 0) return;
    if (taken.hung_up) reload(serving);
  }
}

Ended serve(const Session& session, const StateLayout& layout, bool is_talkative) {
  const ServiceNotice notice = ServiceNotice::take_environment();
  TRY_ASSIGN(Signals signals, Signals::open());
  allow_many_descriptors();
  TRY_ASSIGN(Serving serving, open_all(session, layout));
  TRY(serving.host->start());
  serving.server->start();
  std::string lines;
  const bool is_encrypted =
      session.arguments.has("tls-certificate") ||
      !serving.settings->present().text(Setting::server_tls_certificate).empty();
  for (const std::string& address : serving.server->addresses()) {
    const bool is_unix = address.starts_with("unix:");
    const std::string_view scheme = is_encrypted ? "https" : "http";
    lines += is_unix ? address + "\n" : fmt::format("{}://{}\n", scheme, address);
  }
  TRY(session.print(lines));
  if (is_talkative)
    session.say(fmt::format(
        "try: curl -H \"Authorization: Bearer $(cat {0}/admin.token)\" http://{1}/v1/runs\n"
        "  or: curl --unix-socket {0}/api.sock http://localhost/v1/runs",
        layout.root, serving.server->addresses().front()));
  say(*serving.log, LogSeverity::info, "the service is ready",
      {{"version", std::string(kVersion)},
       {"state", layout.root},
       {"addresses", fmt::format("{}", fmt::join(serving.server->addresses(), " "))}});
  notice.tell("READY=1");
  wait_for_end(signals, serving, notice);
  notice.tell("STOPPING=1");
  say(*serving.log, LogSeverity::info, "the service ends", {});
  serving.service->drain();
  serving.server->stop();
  const Status written = serving.credentials->write_last_used();
  if (!written)
    say(*serving.log, LogSeverity::warning, "when tokens were last used is not kept",
        {{"cause", written.error().text()}});
  // The engine tells the service of what it commits, until its end.
  const Status ended = serving.host->finish();
  serving.service.reset();
  if (!ended)
    say(*serving.log, LogSeverity::error, "the engine failed", {{"cause", ended.error().text()}});
  if (!ended) return tl::unexpected(Failure(kExitEngineFault, ended.error().text()));
  return kExitDone;
}

}  // namespace

Ended command_serve(const Session& session) {
  TRY_ASSIGN(const StateLayout layout, session.make_state());
  return serve(session, layout, false);
}

Ended command_dev(const Session& session) {
  TRY_ASSIGN(const StateLayout layout, session.make_state());
  return serve(session, layout, true);
}

}  // namespace reeve::cli
