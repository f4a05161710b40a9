// `reeve serve` and `reeve dev`.
#include <poll.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include <fmt/format.h>

#include "api/problem.h"
#include "api/service.h"
#include "api/sign_on_settings.h"
#include "artifacts/kept_files.h"
#include "cli/cluster_settings.h"
#include "cli/engine_host.h"
#include "cli/following.h"
#include "cli/live_settings.h"
#include "cli/passed_sockets.h"
#include "cli/plan_items.h"
#include "cli/resource_list.h"
#include "cli/sandbox_choice.h"
#include "cli/service_logs.h"
#include "cli/service_notice.h"
#include "cli/session.h"
#include "cli/signals.h"
#include "cli/state_secrets.h"
#include "cli/system_clock.h"
#include "cli/take_over.h"
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
constexpr Duration kEndPatience = std::chrono::minutes{1};
/// Of a stream: no event, but when to come again.
constexpr std::string_view kFarewell =
    ": the service ends or restarts: come again with the id that you have\nretry: 500\n\n";

/// Sockets that listened before this process, or this life of it, began to.
struct Inherited {
  std::vector<NamedSocket> sockets;
  bool is_all = false;   ///< it listens nowhere else
  bool is_kept = false;  ///< by systemd, which goes on to listen there when we end
};

/// What there is in all lives of this process.
struct Frame {
  const Session& session;
  StateLayout layout;
  observe::OperatorLog& log;
  LiveSettings& settings;
  Signals& signals;
  const ServiceNotice& notice;
};

/// What the service is made of, in the order in which it is taken apart backwards.
struct Serving {
  /// Where the engine finds the credentials, which are opened after it.
  std::unique_ptr<security::Credentials*> signer =
      std::make_unique<security::Credentials*>(nullptr);
  std::unique_ptr<EngineHost> host;
  std::unique_ptr<security::Credentials> credentials;
  std::unique_ptr<security::AuditLog> audit;
  std::unique_ptr<security::KeptAnswers> answers;
  std::unique_ptr<config::FlagStore> flags;
  std::unique_ptr<config::SettingStore> setting_store;
  std::unique_ptr<config::QuotaStore> quotas;
  std::unique_ptr<ServiceLogs> logs;
  std::unique_ptr<artifacts::KeptFiles> artifacts;
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

/// Those of systemd stand for the usual address; what is asked for by name comes to them.
std::vector<std::string> addresses_to_listen_at(const Arguments& arguments,
                                                const config::Settings& settings,
                                                const Inherited& inherited) {
  std::vector<std::string> all;
  for (const NamedSocket& each : inherited.sockets) all.push_back(each.address);
  if (inherited.is_all) return all;
  const auto add = [&](const std::string& address) {
    const std::string plain = http::canonical_address(address);
    if (!address.empty() && std::ranges::find(all, plain) == all.end()) all.push_back(address);
  };
  for (const std::string& address : arguments.all("listen")) add(address);
  const bool is_usual = settings.at(Setting::server_listen).origin == config::Origin::fallback;
  if (arguments.all("listen").empty() && (inherited.sockets.empty() || !is_usual))
    add(settings.text(Setting::server_listen));
  if (const std::string& path = settings.text(Setting::server_socket); !path.empty())
    add("unix:" + path);
  return all;
}

Checked<http::ServerOptions> server_options(const Session& session, const StateLayout& layout,
                                            const config::Settings& settings,
                                            const Inherited& inherited) {
  const Arguments& arguments = session.arguments;
  http::ServerOptions options;
  options.addresses = addresses_to_listen_at(arguments, settings, inherited);
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
    if (address.find(':') == std::string::npos)
      return usage(
          fmt::format("serve: '{}' is no address to listen at: 127.0.0.1:8080, "
                      "[::1]:8080 or unix:/path is meant",
                      address));
    if (options.tls || arguments.has("plaintext") || is_loopback(address)) continue;
    return usage(fmt::format("serve: at {} tokens would be sent for everybody to read", address),
                 "give --tls-certificate and --tls-key, or --plaintext if something in front "
                 "encrypts");
  }
  if (const std::string own = "unix:" + layout.api_socket();
      std::ranges::find(options.addresses, own) == options.addresses.end())
    options.addresses.push_back(own);
  options.limits = limits_of(settings);
  options.body_limit = [most = options.limits.body_bytes_max](std::string_view method,
                                                              std::string_view path) {
    return api::Service::body_limit(method, path, most);
  };
  options.refusal = [](int status, std::string_view detail) {
    return api::bare_problem(status, detail);
  };
  options.farewell = kFarewell;
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

Checked<void> open_security(const Frame& frame, Serving& serving) {
  const StateLayout& layout = frame.layout;
  const config::Settings settings = *frame.settings.present();
  security::CredentialOptions options;
  options.session_idle = settings.duration(Setting::auth_session_idle);
  options.session_life = settings.duration(Setting::auth_session_life);
  options.logins.free_failures =
      static_cast<std::uint32_t>(settings.integer(Setting::auth_login_failures));
  TRY_ASSIGN(serving.credentials,
             security::Credentials::open(layout.root + "/security.db", options));
  *serving.signer = serving.credentials.get();
  TRY(serving.credentials->trust(api::SignOnSettings::trusted(settings), wall_now()));
  const std::string token = layout.root + "/admin.token";
  TRY_ASSIGN(const bool is_new,
             security::make_admin_token(*serving.credentials, token, wall_now()));
  if (is_new)
    say(frame.log, LogSeverity::info, "the token of an administrator was made", {{"file", token}});
  TRY_ASSIGN(serving.audit,
             security::AuditLog::open(layout.root + "/audit",
                                      {.segment_bytes_max = static_cast<std::size_t>(
                                           settings.integer(Setting::audit_segment_bytes))}));
  TRY_ASSIGN(serving.answers, security::KeptAnswers::open(layout.root + "/answers.db", wall_now()));
  TRY_ASSIGN(serving.flags, config::FlagStore::open(layout.flags()));
  TRY_ASSIGN(serving.setting_store, config::SettingStore::open(layout.flags()));
  TRY_ASSIGN(serving.quotas, config::QuotaStore::open(layout.flags()));
  return {};
}

api::JournalSource journal_of(const StateLayout& layout, const Resources& capacity) {
  return {.open = [path = layout.database()]() -> Result<std::unique_ptr<engine::Store>> {
            return store::sqlite::SqliteStore::open(path);
          },
          .pools = {{.name = "local", .capacity = capacity}}};
}

/// Reads the settings again; who is vouched for by somebody else than before has to sign on anew.
Result<std::vector<config::Change>> reload_all(LiveSettings& settings,
                                               security::Credentials& credentials) {
  TRY_ASSIGN(auto changes, settings.reload());
  TRY(credentials.trust(api::SignOnSettings::trusted(*settings.present()), wall_now()));
  return changes;
}

/// The part of a service that speaks HTTP. `engine`: what the command line says of it.
Checked<void> open_service(const Frame& frame, const FollowingOptions& engine,
                           const NodeSetup& machine, Serving& serving) {
  const StateLayout& layout = frame.layout;
  LiveSettings& settings = frame.settings;
  api::ServiceOptions options{
      .engine = &serving.host->engine(),
      .open_history = [path = layout.database()]() -> Result<std::unique_ptr<engine::History>> {
        return store::sqlite::SqliteHistory::open(path);
      },
      .journal = journal_of(layout, engine.capacity),
      .logs = serving.logs.get(),
      .artifacts = serving.artifacts.get(),
      .credentials = serving.credentials.get(),
      .audit = serving.audit.get(),
      .answers = serving.answers.get(),
      .flags = serving.flags.get(),
      .setting_store = serving.setting_store.get(),
      .quotas = serving.quotas.get(),
      .syncs = &serving.host->syncs(),
      .open_secrets =
          [root = layout.root, key = settings.present()->text(Setting::secrets_key_file)] {
            return open_secret_store(root, key.empty() ? nullptr : &key);
          },
      .audit_directory = layout.root + "/audit",
      .settings = [&settings] { return settings.present(); },
      .reload = [&settings,
                 credentials =
                     serving.credentials.get()] { return reload_all(settings, *credentials); },
      .policy = [&settings] { return settings.policy_with_quotas(); },
      .check_workflow =
          [rules = engine.sandbox, machine](const spec::Workflow& workflow) {
            return check_workflow(workflow, rules, machine);
          },
      .plan = [capacity = engine.capacity](
                  const spec::Parsed& parsed,
                  const std::string& inputs) { return plan(parsed, inputs, capacity); },
      .now = wall_now,
      .disk_room = [root = layout.root]() -> std::int64_t {
        struct statvfs found {};
        if (::statvfs(root.c_str(), &found) != 0) return -1;
        return static_cast<std::int64_t>(found.f_bavail * found.f_frsize);
      },
      .log = &frame.log,
      .version = std::string(kVersion),
      .work_directory = layout.root + "/work",
      .own_user = ::geteuid()};
  TRY_ASSIGN(serving.service, api::Service::open(std::move(options)));
  return {};
}

/// The token of an attempt, which ends with it, and at the latest after so long.
OwnSecret own_secret(const Frame& frame, const Serving& serving) {
  return [signer = serving.signer.get(),
          settings = &frame.settings](const engine::SecretName& wanted) -> Result<std::string> {
    if (wanted.name == kTokenSecret)
      return (*signer)->attempt_token({.run = wanted.run,
                                       .name_space = std::string(wanted.name_space),
                                       .task = wanted.task,
                                       .attempt = wanted.attempt,
                                       .expires_at = wall_now() + kAttemptLife,
                                       .index = wanted.index});
    const std::string url = settings->present()->text(Setting::server_public_url);
    if (!url.empty()) return url;
    return fail(ErrorCode::not_found,
                "REEVE_URL: the setting server.public_url says how tasks reach this service");
  };
}

Checked<Serving> open_all(const Frame& frame, Inherited inherited) {
  Serving serving;
  const StateLayout& layout = frame.layout;
  const config::Settings settings = *frame.settings.present();
  TRY_ASSIGN(const FollowingOptions engine, FollowingOptions::from(frame.settings.session()));
  TRY_ASSIGN(http::ServerOptions http_options,
             server_options(frame.session, layout, settings, inherited));
  for (NamedSocket& each : inherited.sockets) http_options.passed.push_back(std::move(each.passed));
  TRY_ASSIGN(auto policy, frame.settings.policy());
  const NodeSetup machine = local_node(policy, engine.capacity);
  const std::string& key_file = settings.text(Setting::secrets_key_file);
  TRY_ASSIGN(
      serving.host,
      EngineHost::open({.layout = layout,
                        .capacity = engine.capacity,
                        .sandbox = engine.sandbox,
                        .policy = std::move(policy),
                        .resume_all = true,
                        .resume = {},
                        .command_line = frame.session.command_line,
                        // Who may submit may not read our environment.
                        .secrets = SecretSources::store,
                        .secrets_key_file = key_file,
                        .own_secret = own_secret(frame, serving),
                        .starts_supervisor = settings.text(Setting::engine_supervisor) == "own"}));
  frame.settings.tell(serving.host->engine());
  TRY(open_security(frame, serving));
  serving.logs = std::make_unique<ServiceLogs>(layout.root);
  serving.artifacts = std::make_unique<artifacts::KeptFiles>(layout.artifacts());
  TRY(open_service(frame, engine, machine, serving));
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
void reload(const Frame& frame, const Serving& serving) {
  const auto changes = reload_all(frame.settings, *serving.credentials);
  if (!changes)
    return say(frame.log, LogSeverity::error, "the settings stay as they are",
               {{"cause", changes.error().text()}});
  say(frame.log, LogSeverity::info, "the settings were read again",
      {{"changed", std::to_string(changes->size())}});
  for (const config::Change& each : *changes)
    say(frame.log, LogSeverity::info, "a setting changed",
        {{"setting", std::string(config::info(each.setting).name)},
         {"value", config::format_value(config::info(each.setting), each.after)},
         {"holds", each.live ? "now" : "from the next start on"}});
}

/// How a life ended.
struct LifeEnd {
  Fd successor;         ///< the one that came; none: there was a signal, or the engine failed
  Inherited inherited;  ///< what was handed over to it
};

/// To whoever has knocked. Nothing: all is as before.
std::optional<LifeEnd> hand_over(const Frame& frame, const Serving& serving,
                                 const TakeOverDoor& door) {
  const auto give = [&]() -> Result<LifeEnd> {
    TRY_ASSIGN(std::vector<http::PassedSocket> sockets, serving.server->share());
    LifeEnd end{.successor = {}, .inherited = {.sockets = {}, .is_all = true}};
    TRY_ASSIGN(end.successor, door.hand_over(sockets));
    for (http::PassedSocket& each : sockets) {
      TRY_ASSIGN(std::string address, http::listening_address(each.socket.get()));
      end.inherited.sockets.push_back({std::move(each), std::move(address), {}});
    }
    return end;
  };
  auto given = give();
  if (given) return *std::move(given);
  say(frame.log, LogSeverity::warning, "a hand-over came to nothing",
      {{"cause", given.error().text()}});
  return std::nullopt;
}

/// Until a signal comes, a successor, or the engine fails. The failure is finish()'s.
LifeEnd wait_for_end(const Frame& frame, const Serving& serving, const TakeOverDoor& door) {
  const EngineHost& host = *serving.host;
  std::array<pollfd, 3> waits{{{frame.signals.descriptor(), POLLIN, 0},
                               {host.ended_descriptor(), POLLIN, 0},
                               {door.descriptor(), POLLIN, 0}}};
  while (true) {
    frame.notice.tell("WATCHDOG=1");
    if (::poll(waits.data(), waits.size(), frame.notice.pause_milliseconds()) < 0) continue;
    if (waits[1].revents != 0) return {};
    const SignalsTaken taken = frame.signals.take();
    if (taken.interrupts > 0 || taken.terminations > 0) return {};
    if (taken.hung_up) reload(frame, serving);
    if (waits[2].revents == 0) continue;
    if (auto end = hand_over(frame, serving, door)) return *std::move(end);
  }
}

Checked<void> tell_addresses(const Frame& frame, const Serving& serving, bool is_talkative) {
  std::string lines;
  const bool is_encrypted =
      frame.session.arguments.has("tls-certificate") ||
      !frame.settings.present()->text(Setting::server_tls_certificate).empty();
  for (const std::string& address : serving.server->addresses()) {
    const bool is_unix = address.starts_with("unix:");
    const std::string_view scheme = is_encrypted ? "https" : "http";
    lines += is_unix ? address + "\n" : fmt::format("{}://{}\n", scheme, address);
  }
  TRY(frame.session.print(lines));
  if (is_talkative)
    frame.session.say(fmt::format(
        "try: curl -H \"Authorization: Bearer $(cat {0}/admin.token)\" http://{1}/v1/runs\n"
        "  or: curl --unix-socket {0}/api.sock http://localhost/v1/runs",
        frame.layout.root, serving.server->addresses().front()));
  return {};
}

Checked<void> take_apart(const Frame& frame, Serving& serving, http::Stop how) {
  serving.service->drain();
  serving.server->stop(how);
  const Status written = serving.credentials->write_last_used();
  if (!written)
    say(frame.log, LogSeverity::warning, "when tokens were last used is not kept",
        {{"cause", written.error().text()}});
  // The engine tells the service of what it commits, until its end.
  const Status ended = serving.host->finish();
  frame.settings.forget_engine();
  serving.service.reset();
  if (ended) return {};
  say(frame.log, LogSeverity::error, "the engine failed", {{"cause", ended.error().text()}});
  return tl::unexpected(Failure(kExitEngineFault, ended.error().text()));
}

/// From the opening of the state to letting go of it.
Checked<LifeEnd> live(const Frame& frame, Inherited inherited, bool is_first, bool is_talkative) {
  // Who comes when we have gone waits for the next one, so nobody is to notice.
  const bool is_kept = inherited.is_kept;
  TRY_ASSIGN(Serving serving, open_all(frame, std::move(inherited)));
  TRY_ASSIGN(const TakeOverDoor door, TakeOverDoor::open(frame.layout.take_over_socket()));
  TRY(serving.host->start());
  serving.server->start();
  if (is_first) TRY(tell_addresses(frame, serving, is_talkative));
  say(frame.log, LogSeverity::info, "the service is ready",
      {{"version", std::string(kVersion)},
       {"state", frame.layout.root},
       {"addresses", fmt::format("{}", fmt::join(serving.server->addresses(), " "))}});
  frame.notice.tell("READY=1");
  LifeEnd end = wait_for_end(frame, serving, door);
  frame.notice.tell("STOPPING=1");
  say(frame.log, LogSeverity::info,
      end.successor ? "the service ends: another process has taken over" : "the service ends", {});
  if (end.successor) serving.server->leave_paths();
  TRY(take_apart(frame, serving,
                 end.successor || is_kept ? http::Stop::linger : http::Stop::at_once));
  return end;
}

/// --take-over: the sockets of the one that serves, once it has ended.
Checked<void> take_from_predecessor(const Frame& frame, Inherited& inherited) {
  TRY_ASSIGN(const http::ServerOptions wanted,
             server_options(frame.session, frame.layout, *frame.settings.present(), inherited));
  TRY_ASSIGN(auto taken, take_over(frame.layout.take_over_socket()));
  if (!taken) return {};
  say(frame.log, LogSeverity::info, "this process takes over, and waits for the other one to end",
      {});
  const Duration patience =
      frame.settings.present()->duration(Setting::server_shutdown_grace) + kEndPatience;
  TRY(wait_for_end_of(*taken, patience, frame.signals));
  wait_for_lock(frame.layout);
  for (NamedSocket& each : taken->sockets) {
    const bool is_wanted = std::ranges::any_of(wanted.addresses, [&](const std::string& address) {
      return http::canonical_address(address) == each.address;
    });
    if (is_wanted) inherited.sockets.push_back(std::move(each));
  }
  return {};
}

Ended serve(const Session& session, const StateLayout& layout, bool is_talkative) {
  const ServiceNotice notice = ServiceNotice::take_environment();
  Inherited inherited;
  TRY_ASSIGN(inherited.sockets, take_passed_sockets());
  inherited.is_kept = !inherited.sockets.empty();
  TRY_ASSIGN(Signals signals, Signals::open());
  allow_many_descriptors();
  const auto log = open_log(session);
  TRY_ASSIGN(const auto settings, LiveSettings::open(session, layout, *log));
  const Frame frame{session, layout, *log, *settings, signals, notice};
  for (const NamedSocket& each : inherited.sockets)
    say(*log, LogSeverity::info, "a socket was passed",
        {{"address", each.address}, {"name", each.name}});
  if (session.arguments.has("take-over")) TRY(take_from_predecessor(frame, inherited));
  for (bool is_first = true;; is_first = false) {
    TRY_ASSIGN(LifeEnd end, live(frame, std::move(inherited), is_first, is_talkative));
    if (!end.successor || is_connected(end.successor)) return kExitDone;
    say(*log, LogSeverity::warning, "the process that took over has gone: this one goes on", {});
    const bool is_kept = inherited.is_kept;
    inherited = std::move(end.inherited);
    inherited.is_kept = is_kept;
  }
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
