// The HTTP API: turns requests into events of the engine and into reads of what is stored, and
// answers once a change is durable. Owns the threads that read; refuses whoever may not. What it
// consists of is one table (route.h), from which /openapi.json is made too.
//
// Thread rule: open(), serve_on() and the destructor from one thread; handle() from the server's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "api/event_replay.h"
#include "api/json_values.h"
#include "api/log_source.h"
#include "api/readers.h"
#include "base/log_entry.h"
#include "config/flag_store.h"
#include "config/quota_store.h"
#include "config/setting_store.h"
#include "config/settings.h"
#include "engine/engine.h"
#include "engine/ports/kept_artifacts.h"
#include "http/server.h"
#include "security/audit_log.h"
#include "security/credentials.h"
#include "security/kept_answers.h"
#include "security/secret_store.h"
#include "spec/parse.h"

namespace reeve::api {

struct ServiceParts;  ///< internal to api/

class DurationHistogram;

struct ServiceOptions {
  engine::Engine* engine = nullptr;
  Readers::Open open_history;
  JournalSource journal;  ///< for streams that go on behind what is kept in memory
  LogSource* logs = nullptr;
  engine::KeptArtifacts* artifacts = nullptr;
  security::Credentials* credentials = nullptr;
  security::AuditLog* audit = nullptr;
  security::KeptAnswers* answers = nullptr;
  config::FlagStore* flags = nullptr;
  config::SettingStore* setting_store = nullptr;  ///< what the API sets; reload() reads it
  config::QuotaStore* quotas = nullptr;
  const DurationHistogram* syncs = nullptr;  ///< of the engine's commits; may be null
  std::function<Result<std::unique_ptr<security::SecretStore>>()> open_secrets;
  std::string audit_directory;
  /// Those that hold now. Any thread; asked for with every request, and so never copied.
  std::function<std::shared_ptr<const config::Settings>()>
      settings;  // shared: a reload replaces it
  /// Reads the settings again, and says what changed. Any thread.
  std::function<Result<std::vector<config::Change>>()> reload;
  /// What the engine is to go by: the cluster file as it was taken on last, with the quotas that
  /// are kept now. Any thread.
  std::function<Result<core::PolicySet>()> policy;
  /// Whether a workflow may run here; invalid_argument, permission_denied or unplaceable.
  std::function<Status(const spec::Workflow&)> check_workflow;
  /// The items of kind "plan"; `inputs`: JSON object.
  std::function<Result<boost::json::array>(const spec::Parsed&, const std::string& inputs)> plan;
  std::function<Time()> now;
  /// Bytes that are free where the state is; negative: not known. Any thread, quickly.
  std::function<std::int64_t()> disk_room;
  LogSink* log = nullptr;  ///< what operators are told; may be null
  std::string version;
  std::string work_directory;  ///< below which each namespace has its own
  std::uint32_t own_user = 0;
  std::size_t reader_threads = 2;
};

class Service {
 public:
  /// Before the engine starts: it becomes an observer of it.
  static Result<std::unique_ptr<Service>> open(ServiceOptions options);
  /// After the server that it serves on has stopped, and before the engine goes.
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// For ServerOptions: what a request of this kind may carry, and never more than `most` but for
  /// many runs at once.
  static std::size_t body_limit(std::string_view method, std::string_view path, std::size_t most);
  /// Where answers of other threads are put together. Before the server starts.
  void serve_on(http::Server& server);
  void handle(http::Request request, http::Responder responder);
  /// From now on /readyz says that this service is about to go.
  void drain();

 private:
  explicit Service(std::unique_ptr<ServiceParts> parts);
  std::unique_ptr<ServiceParts> parts_;
};

}  // namespace reeve::api
