#include "api/service.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "api/access_json.h"
#include "api/service_parts.h"
#include "base/ensure.h"
#include "base/text.h"

namespace reeve::api {
namespace {

constexpr std::size_t kBulkBodyMax = std::size_t{256} << 20;
constexpr std::size_t kKeyBytesMax = 255;
constexpr std::size_t kReadsWaitingMax = 1024;
constexpr int kFullDiskRetry = 30;  ///< seconds
constexpr int kTooManyRunsRetry = 2;

Problem not_here(const http::Request& request) {
  return {404, "not-found", "Not found",
          fmt::format("there is nothing at {}; /openapi.json lists what there is",
                      sanitize_for_terminal(request.path))};
}

bool is_media_type(std::string_view given, std::string_view wanted) {
  given = given.substr(0, given.find(';'));
  while (!given.empty() && given.back() == ' ') given.remove_suffix(1);
  return std::ranges::equal(given, wanted, [](char a, char b) {
    return a == b || (a >= 'A' && a <= 'Z' && a + 32 == b);
  });
}

/// Requests that would do the same have the same.
Digest fingerprint(const Call& call) {
  DigestBuilder builder;
  for (const std::string* part :
       {&call.request.method, &call.request.path, &call.request.query, &call.request.body}) {
    builder.add_number(part->size());
    builder.add(*part);
  }
  return builder.finish();
}

/// OPTIONS is answered by what Allow says.
void refuse_method(const Call& call, std::vector<std::string_view> methods) {
  methods.push_back("OPTIONS");
  const std::string all = fmt::format("{}", fmt::join(methods, ", "));
  http::Response answer{.status = 204, .headers = {}, .body = {}};
  if (call.request.method != "OPTIONS")
    answer = problem_response({405, "method-not-allowed", "Method not allowed",
                               fmt::format("{} is answered to {} only", call.request.path, all)},
                              call.request_id);
  answer.headers.push_back({"Allow", all});
  call.reply(std::move(answer));
}

Checked<void> check_content(const Call& call) {
  if (call.route->body.empty() || call.request.body.empty()) return {};
  const std::string* const coding = call.request.header("content-encoding");
  if (coding != nullptr && !is_media_type(*coding, "identity"))
    return tl::unexpected(Problem(415, "unsupported-media-type", "Unsupported media type",
                                  "send the body as it is, without Content-Encoding"));
  const std::string* const type = call.request.header("content-type");
  const bool may_be_yaml = takes_yaml(*call.route);
  const bool is_yaml = type != nullptr && (is_media_type(*type, "application/yaml") ||
                                           is_media_type(*type, "text/yaml"));
  if (type != nullptr && (is_media_type(*type, call.route->body_type) || (may_be_yaml && is_yaml)))
    return {};
  return tl::unexpected(Problem(415, "unsupported-media-type", "Unsupported media type",
                                fmt::format("Content-Type must be {}", call.route->body_type)));
}

Checked<void> check_key(Call& call) {
  if (!call.route->changes) return {};
  const std::string* const key = call.request.header("idempotency-key");
  // PUT and DELETE may be sent again as they are.
  if (key == nullptr && call.route->method != "POST") return {};
  if (key == nullptr)
    return tl::unexpected(
        Problem(400, "idempotency-key-missing", "Idempotency-Key is missing",
                "send a header Idempotency-Key that is new for each thing that "
                "you want done, such as a UUID, and the same when you try again"));
  const bool is_good = !key->empty() && key->size() <= kKeyBytesMax &&
                       std::ranges::all_of(*key, [](char c) { return c >= 0x20 && c < 0x7f; });
  if (!is_good)
    return tl::unexpected(
        Problem(400, "idempotency-key-malformed", "Idempotency-Key is malformed",
                fmt::format("the key must have 1 to {} printable ASCII characters", kKeyBytesMax)));
  call.idempotency_key = *key;
  return {};
}

}  // namespace

Service::Service(std::unique_ptr<ServiceParts> parts) : parts_(std::move(parts)) {}
Service::~Service() { parts_->provider.reset(); }

Result<std::unique_ptr<Service>> Service::open(ServiceOptions options) {
  auto parts = std::make_unique<ServiceParts>(std::move(options));
  std::uint64_t bits = 0;
  ENSURE(::getrandom(&bits, sizeof bits, 0) == static_cast<ssize_t>(sizeof bits));
  parts->boot = fmt::format("{:016x}", bits);
  TRY_ASSIGN(parts->readers, Readers::start(parts->options.open_history,
                                            parts->options.reader_threads, kReadsWaitingMax));
  parts->events.replay_from(std::make_unique<EventReplay>(parts->options.journal, parts->events));
  parts->openapi = openapi_document(parts->options.version);
  parts->workflow_schema = spec::workflow_json_schema();
  parts->sign_on.started_at = parts->options.now();
  parts->provider = OidcProvider::start(parts->options.now);
  parts->options.engine->add_observer(parts->versions);
  parts->options.engine->add_observer(parts->events);
  parts->options.engine->add_observer(parts->metrics);
  return std::unique_ptr<Service>(new Service(std::move(parts)));
}

std::size_t Service::body_limit(std::string_view method, std::string_view path, std::size_t most) {
  if (method == "GET" || method == "HEAD" || method == "DELETE") return 64 * 1024;
  // Of strangers, who are read on the server's thread.
  if (path == "/v1/auth/oidc/token") return 32 * 1024;
  return path == "/v1/runs:bulk" ? kBulkBodyMax : most;
}

void Service::serve_on(http::Server& server) {
  parts_->server = &server;
  parts_->events.serve_on(server, [parts = parts_.get()] {
    return parts->options.settings()->duration(config::Setting::server_heartbeat);
  });
}

void Service::drain() { parts_->draining = true; }

namespace {

/// Whoever is on this machine may read metrics, if a setting says so.
bool is_open_here(const ServiceParts& parts, const Call& call) {
  if (call.route->action != security::Action::metrics_read ||
      !parts.options.settings()->boolean(config::Setting::server_metrics_open))
    return false;
  const std::string& peer = call.request.peer.address;
  return peer == "unix" || peer.starts_with("127.") || peer.starts_with("[::1]");
}

/// What a route needs before its handler is called, beside the right to use it.
Checked<void> prepare(ServiceParts& parts, Call& call) {
  auto query = http::parse_query(call.request.query);
  if (!query)
    return tl::unexpected(
        Problem(400, "malformed-request", "Malformed query", query.error().text()));
  call.query = *std::move(query);
  if (call.route->audience == Audience::known) {
    TRY_ASSIGN(call.identity, parts.identify(call.request));
  }
  if (call.route->audience == Audience::allowed && !is_open_here(parts, call)) {
    TRY_ASSIGN(call.identity, parts.identify(call.request));
    // Of what belongs to a namespace, the handler finds out to which.
    const auto& own = call.identity.namespaces;
    const std::string_view any = own.empty() || call.identity.has_all_namespaces()
                                     ? security::kDefaultNamespace
                                     : std::string_view(own.front());
    TRY(parts.authorise(call, call.route->action, any, call.identity.run, {}));
  }
  if (auto errors = check_parameters(*call.route, call.query); !errors.empty()) {
    Problem problem = invalid(std::move(errors));
    problem.status = 400;
    return tl::unexpected(std::move(problem));
  }
  TRY(check_content(call));
  return check_key(call);
}

void refuse_other_request(const Call& call) {
  call.refuse({422, "idempotency-key-reused", "Idempotency-Key used before",
               "this Idempotency-Key was sent with another request: take a new one"});
}

void replay_answer(const Call& call, http::Response answer) {
  answer.headers.push_back({"Idempotency-Replayed", "true"});
  call.reply(std::move(answer));
}

/// Submissions are found by the key that is stored with their run.
bool keeps_answers(const Route& route) { return !route.is_secret && route.body != "Submission"; }

/// Of an earlier life of this service. False: it has been answered.
bool look_at_kept(ServiceParts& parts, const Call& call, const Digest& key, const Digest& request) {
  const auto kept = parts.options.answers->find(key, parts.options.now());
  if (!kept) {
    call.refuse(kept.error());
    return false;
  }
  if (!*kept) return true;
  if ((*kept)->request != request) {
    refuse_other_request(call);
    return false;
  }
  http::Response answer{.status = (*kept)->status, .headers = {}, .body = (*kept)->body};
  for (const auto& [name, value] : (*kept)->headers) answer.headers.push_back({name, value});
  replay_answer(call, std::move(answer));
  return false;
}

/// What is done once a request with a key has its answer. What failed may be tried again.
void finish_once(ServiceParts& parts, const Route& route, const std::string& key,
                 const Digest& request, const http::Response& answer) {
  const bool may_change = route.is_secret || answer.status >= 500 || answer.status == 429 ||
                          answer.status == 409 || answer.status == 412;
  if (may_change) return parts.replays.abandon(key);
  if (answer.status < 400 && keeps_answers(route)) {
    security::KeptAnswer kept{
        .request = request, .status = answer.status, .headers = {}, .body = answer.body};
    for (const http::Header& each : answer.headers)
      kept.headers.emplace_back(each.name, each.value);
    // It is done, so it is answered: a repetition is recognised as long as this process lives.
    const Status is_kept = parts.options.answers->keep(digest_of(key), kept, parts.options.now());
    if (!is_kept && parts.options.log != nullptr)
      parts.options.log->take({.severity = LogSeverity::error,
                               .message = "an answer is not kept: a restart will not know its "
                                          "Idempotency-Key",
                               .fields = {{"cause", is_kept.error().text()}}});
  }
  parts.replays.finish(key, answer);
}

/// False: it has been answered.
bool begin_once(ServiceParts& parts, const CallPtr& call) {
  if (call->idempotency_key.empty()) return true;
  const std::string key = call->identity.subject + "\n" + call->idempotency_key;
  const Digest request = fingerprint(*call);
  auto begun = parts.replays.begin(key, request);
  using Found = IdempotencyTable::Found;
  switch (begun.found) {
    case Found::nothing: break;
    case Found::under_way:
      call->refuse({409, "idempotency-key-in-use", "Request under way",
                    "a request with this Idempotency-Key has not been answered yet"});
      return false;
    case Found::other: refuse_other_request(*call); return false;
    case Found::answered: replay_answer(*call, std::move(begun.answer)); return false;
  }
  if (keeps_answers(*call->route) && !look_at_kept(parts, *call, digest_of(key), request)) {
    parts.replays.abandon(key);
    return false;
  }
  call->on_answer = [&parts, key, request, route = call->route](const http::Response& answer) {
    finish_once(parts, *route, key, request, answer);
  };
  return true;
}

}  // namespace

void Service::handle(http::Request request, http::Responder responder) {
  ServiceParts& parts = *parts_;
  // shared: see CallPtr
  auto call = std::make_shared<Call>(std::move(request), std::move(responder));
  call->log = parts.options.log;
  call->answers = &parts.answers;
  call->request_id = fmt::format("{}-{}", parts.boot, parts.next_request++);
  Match match = find_route(call->request.method, call->request.path);
  if (match.is_malformed) {
    call->refuse({400, "malformed-request", "Malformed path",
                  "a '%' must be followed by two hexadecimal digits, and not by 00"});
    return;
  }
  if (match.route == nullptr && match.methods.empty()) return call->refuse(not_here(call->request));
  if (match.route == nullptr) return refuse_method(*call, std::move(match.methods));
  call->route = match.route;
  call->path = std::move(match.values);
  if (const auto ready = prepare(parts, *call); !ready) {
    parts.note_refusal(*call, ready.error());
    return call->refuse(ready.error());
  }
  if (call->route->body == "Submission") {
    if (const auto full = parts.full_disk()) return call->refuse(*full);
    if (const auto full = parts.too_many_runs()) return call->refuse(*full);
  }
  if (begin_once(parts, call)) call->route->handler(parts, std::move(call));
}

// What the handlers work with.

std::optional<Problem> ServiceParts::too_many_runs() const {
  const std::int64_t most = options.settings()->integer(config::Setting::engine_runs_max);
  if (std::cmp_less(events.unfinished_runs(), most)) return std::nullopt;
  Problem full(429, "too-many-runs", "Too many runs",
               fmt::format("{} runs have not ended (engine.runs_max): try again when some have",
                           events.unfinished_runs()));
  full.retry_after = kTooManyRunsRetry;
  return full;
}

std::optional<Problem> ServiceParts::full_disk() const {
  if (!options.disk_room) return std::nullopt;
  const std::int64_t reserve = options.settings()->integer(config::Setting::engine_disk_reserve);
  const std::int64_t room = options.disk_room();
  if (room < 0 || room >= reserve) return std::nullopt;
  Problem full(
      507, "insufficient-storage", "Insufficient storage",
      "the disk of this service is full: nothing was taken in; try again when its operator "
      "has made room");
  full.retry_after = kFullDiskRetry;
  full.cause = fmt::format(
      "{} bytes are free where the state is, and {} are to be "
      "(engine.disk_reserve)",
      room, reserve);
  return full;
}

Checked<void> ServiceParts::authorise(const Call& call, security::Action action,
                                      std::string_view name_space, std::optional<Uuid> run,
                                      std::string_view what) const {
  const security::Object object{name_space, run};
  const security::Decision decision = security::authorise(call.identity, action, object);
  if (decision.allowed()) return {};
  if (decision.refusal == security::Refusal::other_namespace && !what.empty())
    return tl::unexpected(Problem(404, "not-found", "Not found", std::string(what)));
  const bool is_unknown = decision.refusal == security::Refusal::unauthenticated;
  return tl::unexpected(Problem(is_unknown ? 401 : 403,
                                is_unknown ? "unauthenticated" : "permission-denied",
                                is_unknown ? "Unauthenticated" : "Permission denied",
                                security::explain(decision, call.identity, action, object)));
}

Checked<security::Identity> ServiceParts::identify(const http::Request& request) const {
  constexpr std::string_view kBearer = "Bearer ";
  if (const std::string* header = request.header("authorization"); header != nullptr) {
    if (!header->starts_with(kBearer))
      return tl::unexpected(Problem(401, "unauthenticated", "Unauthenticated",
                                    "Authorization must be: Bearer TOKEN"));
    const std::string_view token = std::string_view(*header).substr(kBearer.size());
    auto identity = options.credentials->authenticate(token, options.now());
    // Of an identity provider: it can be neither revoked nor narrowed, so it opens nothing itself.
    if (!identity && token.starts_with("eyJ"))
      return tl::unexpected(Problem(401, "unauthenticated", "Unauthenticated",
                                    "this is a token of an identity provider: exchange its ID "
                                    "token for one of this service, POST /v1/auth/oidc/token"));
    if (!identity) return tl::unexpected(Problem(identity.error()));
    return *std::move(identity);
  }
  if (const std::string cookie = session_cookie(request); !cookie.empty())
    return identify_session(request, cookie);
  if (request.peer.user_id)
    return security::local_identity(*request.peer.user_id, options.own_user);
  return tl::unexpected(Problem(401, "unauthenticated", "Unauthenticated",
                                "say who you are: Authorization: Bearer TOKEN (the administrator's "
                                "is in the state directory, in admin.token)"));
}

/// A cookie goes along with what other sites' pages ask for: a change needs the second secret too.
Checked<security::Identity> ServiceParts::identify_session(const http::Request& request,
                                                           const std::string& cookie) const {
  auto session = options.credentials->session(cookie, options.now());
  if (!session) return tl::unexpected(Problem(session.error()));
  if (request.method == "GET" || request.method == "HEAD") return std::move(session->identity);
  const std::string* const sent = request.header(kCsrfHeader);
  if (sent != nullptr && security::same_secret(*sent, session->csrf))
    return std::move(session->identity);
  return tl::unexpected(Problem(403, "csrf-token-missing", "CSRF token missing",
                                "a change with a session needs its csrf_token, in X-CSRF-Token"));
}

namespace {

/// What takes no right has no action: it is called as its route is, "logout".
std::string action_of(const Route& route) {
  if (route.audience == Audience::allowed) return std::string(security::name(route.action));
  std::string out(route.id);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return out;
}

}  // namespace

security::AuditRecord ServiceParts::record_of(const Call& call, std::string object,
                                              std::string name_space,
                                              security::AuditResult result) const {
  return {.at = options.now(),
          .who = call.identity.subject,
          .action = action_of(*call.route),
          .object = std::move(object),
          .name_space = std::move(name_space),
          .from = call.request.peer.address,
          .result = result,
          .request_id = call.request_id,
          .detail = {}};
}

void ServiceParts::audited(CallPtr call, std::string object, std::string name_space,
                           std::function<void()> then) {
  security::AuditRecord record =
      record_of(*call, std::move(object), std::move(name_space), security::AuditResult::allowed);
  options.audit->append(std::move(record), [this, call, then = std::move(then)](Status written) {
    post([call, then, written = std::move(written)] {
      if (written) return then();
      call->refuse({503, "audit-unavailable", "Audit log unavailable",
                    "nothing was done, because it could not be recorded in the audit log"});
    });
  });
}

void ServiceParts::change(CallPtr call, std::string object, std::string name_space,
                          std::function<Checked<void>()> job) {
  // shared: as std::function wants to copy what it holds
  const auto failed = std::make_shared<security::AuditRecord>(
      record_of(*call, object, name_space, security::AuditResult::failed));
  audited(call, std::move(object), std::move(name_space),
          [this, call, failed, job = std::move(job)] {
            read(call, [this, call, failed, job](engine::History&) -> Checked<void> {
              Checked<void> done = job();
              if (done) return done;
              failed->detail = done.error().detail;
              options.audit->append(std::move(*failed), [](const Status&) {});
              return done;
            });
          });
}

Checked<std::string> ServiceParts::chosen_namespace(const Call& call,
                                                    const std::string& asked) const {
  const auto& own = call.identity.namespaces;
  const bool is_bound = !call.identity.has_all_namespaces() && !own.empty();
  std::string name_space = !asked.empty() ? asked
                           : is_bound     ? own.front()
                                          : std::string(kDefaultNamespace);
  if (!security::is_namespace(name_space))
    return tl::unexpected(
        Problem(400, "invalid-argument", "Invalid argument",
                "a namespace has 1 to 63 lower-case letters, digits and inner '-'"));
  TRY(authorise(call, call.route->action, name_space, call.identity.run, {}));
  return name_space;
}

Result<security::SecretStore*> ServiceParts::secret_store() {
  if (secrets == nullptr) {
    TRY_ASSIGN(secrets, options.open_secrets());
  }
  return secrets.get();
}

/// Of somebody who is known: strangers must not be able to fill the disk.
void ServiceParts::note_refusal(const Call& call, const Problem& problem) {
  if (problem.status != 403 || call.identity.kind == security::IdentityKind::anonymous) return;
  security::AuditRecord record =
      record_of(call, call.request.path, {}, security::AuditResult::refused);
  record.detail = problem.detail;
  options.audit->append(std::move(record), [](const Status&) {});
}

void ServiceParts::read(CallPtr call, std::function<Checked<void>(engine::History&)> job) {
  const bool is_taken = readers->read([this, call, job = std::move(job)](engine::History& history) {
    if (const Checked<void> done = job(history); !done) {
      note_refusal(*call, done.error());
      call->refuse(done.error());
    }
  });
  if (!is_taken) call->refuse(Error{ErrorCode::exhausted, "too many requests wait: try again", {}});
}

Checked<FoundRun> ServiceParts::find_run(engine::History& history, const Call& call,
                                         std::string_view parameter) const {
  const std::string& name = call.path_value(parameter);
  const std::string unknown = fmt::format("there is no run {}", sanitize_for_terminal(name));
  const auto id = history.find_run(name);
  if (!id && id.error().code == ErrorCode::not_found)
    return tl::unexpected(Problem(404, "not-found", "Not found", unknown));
  if (!id) return tl::unexpected(Problem(id.error()));
  FoundRun found{.id = *id, .record = {}, .name_space = {}, .version = versions.of(*id)};
  TRY_ASSIGN(engine::RunView view, history.get_run(*id));
  found.record = std::move(view.record);
  found.name_space = namespace_of(found.record);
  TRY(authorise(call, call.route->action, found.name_space, found.record.uuid, unknown));
  TRY(check_attempt(history, call.identity));
  return found;
}

Checked<void> ServiceParts::check_attempt(engine::History& history, const security::Identity& who) {
  if (who.kind != security::IdentityKind::attempt || !who.run) return {};
  const auto run = history.find_run(format_uuid("run", *who.run));
  if (run) {
    TRY_ASSIGN(const auto ended, history.list_attempts({*run, who.task}));
    if (std::ranges::find(ended, who.attempt, &core::AttemptRecord::number) == ended.end())
      return {};
  }
  return tl::unexpected(Problem(401, "unauthenticated", "Unauthenticated",
                                "the attempt that this token was for has ended"));
}

void ServiceParts::obey(CallPtr call, core::Event event, engine::Check check,
                        std::function<void(const engine::Receipt&)> then) {
  auto done = [this, call, then = std::move(then)](Result<engine::Receipt> receipt) {
    post([this, call, then, receipt = std::move(receipt)] {
      if (receipt) return then(*receipt);
      Problem problem(receipt.error());
      const bool is_stale = receipt.error().message == kStale;
      if (is_stale)
        problem = {412, "precondition-failed", "Changed meanwhile",
                   "the run is no longer as If-Match says: read it again"};
      if (problem.status >= 500)
        if (auto full = full_disk()) problem = *std::move(full);
      call->refuse(problem);
    });
  };
  if (!options.engine->post(std::move(event), std::move(check), std::move(done)))
    call->refuse(Error{ErrorCode::exhausted, "the engine has too much to do: try again", {}});
}

void ServiceParts::look(CallPtr call, std::function<void(const core::State&)> look) {
  auto done = [this, call, look = std::move(look)](Result<engine::Receipt> receipt) {
    if (receipt) return look(options.engine->state());
    call->refuse(receipt.error());
  };
  if (!options.engine->look(std::move(done)))
    call->refuse(Error{ErrorCode::exhausted, "the engine has too much to do: try again", {}});
}

void ServiceParts::post(std::function<void()> call) const { server->post(std::move(call)); }

std::string ServiceParts::etag_of(std::uint64_t version) const {
  return fmt::format("\"{}-{}\"", boot, version);
}

Checked<JsonObject> ServiceParts::body_of(const Call& call) {
  auto body = parse_body(call.request.body);
  if (body) return *std::move(body);
  return tl::unexpected(Problem(400, "malformed-body", "Malformed body", body.error().text()));
}

SubmissionContext ServiceParts::submission_context(const Call& call) {
  const auto& own = call.identity.namespaces;
  const bool is_bound = !call.identity.has_all_namespaces() && !own.empty();
  return {.workflows = &workflows,
          .check = options.check_workflow,
          .submitter = call.identity.subject,
          .name_space = is_bound ? own.front() : std::string(kDefaultNamespace),
          .work_directory = options.work_directory,
          .may_choose_directory = call.identity.actions.has(security::Action::settings_write) &&
                                  call.identity.has_all_namespaces(),
          .now = options.now()};
}

Status ServiceParts::make_directory(const core::SubmitRun& event, const std::string& name_space) {
  const std::string own = options.work_directory + "/" + name_space;
  if (event.directory != own) return {};
  const std::lock_guard lock(directories_mutex);
  if (directories.contains(own)) return {};
  for (const std::string& path : {options.work_directory, own}) {
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
      return fail_errno(errno, "cannot make the directory " + path);
  }
  directories.emplace(own, true);
  return {};
}

}  // namespace reeve::api
