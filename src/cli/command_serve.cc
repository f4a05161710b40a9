// `reeve serve` and `reeve dev`.
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "api/problem.h"
#include "api/service.h"
#include "cli/cluster_settings.h"
#include "cli/engine_host.h"
#include "cli/following.h"
#include "cli/plan_items.h"
#include "cli/resource_list.h"
#include "cli/sandbox_choice.h"
#include "cli/service_logs.h"
#include "cli/session.h"
#include "cli/signals.h"
#include "cli/system_clock.h"
#include "cli/version.h"
#include "cli/workflow_file.h"
#include "http/server.h"
#include "spec/permission.h"
#include "store/sqlite/sqlite_history.h"
#include "store/sqlite/sqlite_store.h"

namespace reeve::cli {
namespace {

constexpr std::string_view kUsualAddress = "127.0.0.1:7433";

/// What the service is made of, in the order in which it is taken apart backwards.
struct Serving {
  std::unique_ptr<EngineHost> host;
  std::unique_ptr<security::Credentials> credentials;
  std::unique_ptr<security::AuditLog> audit;
  std::unique_ptr<security::KeptAnswers> answers;
  std::unique_ptr<ServiceLogs> logs;
  std::unique_ptr<api::Service> service;
  std::unique_ptr<http::Server> server;
};

bool is_loopback(std::string_view address) {
  return address.starts_with("127.") || address.starts_with("[::1]") ||
         address.starts_with("localhost:") || address.starts_with("unix:");
}

Checked<http::ServerOptions> server_options(const Session& session, const StateLayout& layout) {
  const Arguments& arguments = session.arguments;
  http::ServerOptions options;
  for (const std::string& address : arguments.all("listen")) options.addresses.push_back(address);
  if (options.addresses.empty()) options.addresses.emplace_back(kUsualAddress);
  const std::string* const certificate = arguments.find("tls-certificate");
  const std::string* const key = arguments.find("tls-key");
  if ((certificate == nullptr) != (key == nullptr))
    return usage("serve: --tls-certificate and --tls-key belong together");
  if (certificate != nullptr)
    options.tls = http::TlsFiles{*certificate, *key, arguments.value_or("client-ca", "")};
  if (certificate == nullptr && arguments.has("client-ca"))
    return usage("serve: --client-ca needs --tls-certificate and --tls-key");
  for (const std::string& address : options.addresses) {
    if (options.tls || arguments.has("plaintext") || is_loopback(address)) continue;
    return usage(fmt::format("serve: at {} tokens would be sent for everybody to read", address),
                 "give --tls-certificate and --tls-key, or --plaintext if something in front "
                 "encrypts");
  }
  options.addresses.push_back("unix:" + layout.api_socket());
  options.body_limit = &api::Service::body_limit;
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

Checked<void> open_security(const Session& session, const StateLayout& layout, Serving& serving) {
  TRY_ASSIGN(serving.credentials, security::Credentials::open(layout.root + "/security.db"));
  const std::string token = layout.root + "/admin.token";
  TRY_ASSIGN(const bool is_new,
             security::make_admin_token(*serving.credentials, token, wall_now()));
  if (is_new) session.say(fmt::format("the token of an administrator is in {}", token));
  TRY_ASSIGN(serving.audit, security::AuditLog::open(layout.root + "/audit"));
  TRY_ASSIGN(serving.answers, security::KeptAnswers::open(layout.root + "/answers.db", wall_now()));
  return {};
}

api::JournalSource journal_of(const StateLayout& layout, const Resources& capacity) {
  return {.open = [path = layout.database()]() -> Result<std::unique_ptr<engine::Store>> {
            return store::sqlite::SqliteStore::open(path);
          },
          .pools = {{.name = "local", .capacity = capacity}}};
}

Checked<Serving> open_all(const Session& session, const StateLayout& layout) {
  Serving serving;
  TRY_ASSIGN(const FollowingOptions engine, FollowingOptions::from(session));
  TRY_ASSIGN(http::ServerOptions http_options, server_options(session, layout));
  TRY_ASSIGN(auto policy, engine_policy(session.arguments.find("cluster"), layout));
  const NodeSetup machine = local_node(policy, engine.capacity);
  TRY_ASSIGN(serving.host, EngineHost::open({.layout = layout,
                                             .capacity = engine.capacity,
                                             .sandbox = engine.sandbox,
                                             .policy = std::move(policy),
                                             .resume_all = true,
                                             .command_line = session.command_line,
                                             // Who may submit may not read our environment.
                                             .secrets = SecretSources::store}));
  TRY(open_security(session, layout, serving));
  serving.logs = std::make_unique<ServiceLogs>(layout.root);
  TRY_ASSIGN(serving.service,
             api::Service::open(
                 {.engine = &serving.host->engine(),
                  .open_history =
                      [path = layout.database()]() -> Result<std::unique_ptr<engine::History>> {
                    return store::sqlite::SqliteHistory::open(path);
                  },
                  .journal = journal_of(layout, engine.capacity),
                  .logs = serving.logs.get(),
                  .credentials = serving.credentials.get(),
                  .audit = serving.audit.get(),
                  .answers = serving.answers.get(),
                  .check_workflow =
                      [rules = engine.sandbox, machine](const spec::Workflow& workflow) {
                        return check_workflow(workflow, rules, machine);
                      },
                  .plan = [capacity = engine.capacity](
                              const spec::Parsed& parsed,
                              const std::string& inputs) { return plan(parsed, inputs, capacity); },
                  .now = wall_now,
                  .version = std::string(kVersion),
                  .work_directory = layout.root + "/work",
                  .own_user = ::geteuid()}));
  api::Service& service = *serving.service;
  TRY_ASSIGN(serving.server,
             http::Server::open(std::move(http_options),
                                [&service](http::Request request, http::Responder responder) {
                                  service.handle(std::move(request), std::move(responder));
                                }));
  service.serve_on(*serving.server);
  return serving;
}

/// Until a signal comes, or the engine fails. The failure is finish()'s.
void wait_for_end(Signals& signals, const EngineHost& host) {
  std::array<pollfd, 2> waits{
      {{signals.descriptor(), POLLIN, 0}, {host.ended_descriptor(), POLLIN, 0}}};
  while (true) {
    if (::poll(waits.data(), waits.size(), -1) < 0) continue;
    if (waits[1].revents != 0) return;
    const SignalsTaken taken = signals.take();
    if (taken.interrupts > 0 || taken.terminations > 0) return;
  }
}

Ended serve(const Session& session, const StateLayout& layout, bool is_talkative) {
  TRY_ASSIGN(Signals signals, Signals::open());
  allow_many_descriptors();
  TRY_ASSIGN(Serving serving, open_all(session, layout));
  TRY(serving.host->start());
  serving.server->start();
  std::string lines;
  for (const std::string& address : serving.server->addresses()) {
    const bool is_unix = address.starts_with("unix:");
    const std::string_view scheme = session.arguments.has("tls-certificate") ? "https" : "http";
    lines += is_unix ? address + "\n" : fmt::format("{}://{}\n", scheme, address);
  }
  TRY(session.print(lines));
  if (is_talkative)
    session.say(fmt::format(
        "try: curl -H \"Authorization: Bearer $(cat {0}/admin.token)\" http://{1}/v1/runs\n"
        "  or: curl --unix-socket {0}/api.sock http://localhost/v1/runs",
        layout.root, serving.server->addresses().front()));
  wait_for_end(signals, *serving.host);
  serving.service->drain();
  serving.server->stop();
  const Status written = serving.credentials->write_last_used();
  if (!written) session.say(written.error().text());
  serving.service.reset();
  if (const Status ended = serving.host->finish(); !ended)
    return tl::unexpected(Failure(kExitEngineFault, ended.error().text()));
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
