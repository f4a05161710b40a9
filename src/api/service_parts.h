// What the handlers of the API work with. Internal to api/.
//
// Thread rule: methods from any thread but where they say otherwise; what they are given to call
// comes on the thread that is named there.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "api/call.h"
#include "api/event_hub.h"
#include "api/idempotency.h"
#include "api/oidc_provider.h"
#include "api/run_cache.h"
#include "api/run_metrics.h"
#include "api/run_versions.h"
#include "api/service.h"
#include "api/submission.h"
#include "api/workflow_cache.h"
#include "api/workflow_index.h"
#include "security/audit_pages.h"

namespace reeve::api {

/// Message of a Check that If-Match failed.
inline constexpr std::string_view kStale = "stale";

/// A run that a request names, and may be asked about.
struct FoundRun {
  RunId id;
  core::RunRecord record;
  std::string name_space;
  std::uint64_t version = 0;
};

/// What signing on needs, beside the provider. Any thread, under `mutex`.
struct SignOnState {
  std::mutex mutex;  // guards the next three
  security::PendingLogins pending;
  security::UsedTokens used;
  security::RefusalNotes notes;
  Time started_at = kUnset;  ///< what was issued before may have been used before
};

struct ServiceParts {
  explicit ServiceParts(ServiceOptions chosen) : options(std::move(chosen)) {}

  // Who asks, and what he may.
  Checked<security::Identity> identify(const http::Request& request) const;
  Checked<security::Identity> identify_session(const http::Request& request,
                                               const std::string& cookie) const;
  /// 403, or 404 for what must not be known to exist.
  Checked<void> authorise(const Call& call, security::Action action, std::string_view name_space,
                          std::optional<Uuid> run, std::string_view what) const;
  security::AuditRecord record_of(const Call& call, std::string object, std::string name_space,
                                  security::AuditResult result) const;
  /// Makes a record of what is about to be done; `then` comes on the server's thread once it is
  /// durable. Else the request is refused.
  void audited(CallPtr call, std::string object, std::string name_space,
               std::function<void()> then);
  /// As audited(), and `job` comes on a thread of the readers; if it fails, that is recorded too.
  void change(CallPtr call, std::string object, std::string name_space,
              std::function<Checked<void>()> job);
  void note_refusal(const Call& call, const Problem& problem);
  /// The namespace that is asked for, or the caller's usual one; 403 where the action of the route
  /// is not allowed in it.
  Checked<std::string> chosen_namespace(const Call& call, const std::string& asked) const;
  /// Opened when it is first wanted. Under secrets_mutex.
  Result<security::SecretStore*> secret_store();

  // What is stored. `job` comes on a thread of the readers; refuses with 429 if too many wait.
  void read(CallPtr call, std::function<Checked<void>(engine::History&)> job);
  /// Finds a run of the path, and checks the action of the route. On a thread of the readers.
  Checked<FoundRun> find_run(engine::History& history, const Call& call,
                             std::string_view parameter = "run") const;
  /// 401 for the token of an attempt that has ended. On a thread of the readers.
  static Checked<void> check_attempt(engine::History& history, const security::Identity& who);

  // What is to be done. `then` comes on the server's thread once it is durable.
  void obey(CallPtr call, core::Event event, engine::Check check,
            std::function<void(const engine::Receipt&)> then);
  /// `look` comes on the engine's thread.
  void look(CallPtr call, std::function<void(const core::State&)> look);
  void post(std::function<void()> call) const;
  /// False: there are as many streams as may be, and that is said. On the server's thread.
  bool may_stream(const CallPtr& call);
  /// Whether what opened a stream, a token or a session, still holds; may be null.
  std::function<bool()> still_allowed(const Call& call) const;
  /// 429 while there are as many unfinished runs as may be: they are in memory.
  std::optional<Problem> too_many_runs() const;
  /// 507 while there is less room on the disk than is kept for what runs already.
  std::optional<Problem> full_disk() const;

  std::string etag_of(std::uint64_t version) const;
  /// Of the body of a request; one that is no object is a problem.
  static Checked<JsonObject> body_of(const Call& call);
  SubmissionContext submission_context(const Call& call);
  /// Makes the directory that runs of the namespace work in.
  Status make_directory(const core::SubmitRun& event, const std::string& name_space);

  ServiceOptions options;
  security::AuditPages audit_pages{options.audit_directory};
  http::Server* server = nullptr;
  std::unique_ptr<Readers> readers;
  RunVersions versions;
  EventHub events;
  RunMetrics metrics;
  AnswerCounts answers;
  RunCache runs{1024};
  WorkflowCache workflows{512, std::size_t{32} << 20};
  WorkflowIndex workflow_index;
  IdempotencyTable replays{10'000, std::size_t{32} << 20};
  std::string boot;  ///< random: makes ETags and request ids of this process its own
  std::string openapi;
  std::string workflow_schema;
  std::atomic<std::uint64_t> next_request{1};
  std::atomic<bool> draining{false};
  std::atomic<bool> bulk_under_way{false};
  std::atomic<std::size_t> log_streams{0};  ///< that are open
  std::mutex secrets_mutex;                 // guards `secrets`
  std::unique_ptr<security::SecretStore> secrets;
  std::mutex directories_mutex;             // guards `directories`
  std::map<std::string, bool> directories;  ///< that have been made
  SignOnState sign_on;
  std::unique_ptr<OidcProvider> provider;  ///< ends first: its thread uses all of the above
};

}  // namespace reeve::api
