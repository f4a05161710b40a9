#include "cli/engine_host.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <optional>
#include <thread>

#include <fmt/format.h>

#include "api/control_server.h"
#include "api/run_metrics.h"
#include "artifacts/file_artifact_store.h"
#include "cli/image_settings.h"
#include "cli/state_secrets.h"
#include "cli/system_clock.h"
#include "cli/version.h"
#include "executors/local_executor.h"
#include "store/sqlite/sqlite_store.h"

namespace reeve::cli {
namespace {

engine::Options engine_options(const HostOptions& options, const LockHolder& self) {
  return {.pools = {{.name = "local", .capacity = options.capacity}},
          .resume_all = options.resume_all,
          .resume = options.resume,
          .sandbox = options.sandbox,
          .policy = options.policy,
          .engine_name = fmt::format("reeve {} on {}, process {}", kVersion, self.host, self.pid)};
}

/// The store, with the engine's time, which goes on where it ended, and a count of how long commits
/// take.
class StoreWithClock final : public engine::Store {
 public:
  StoreWithClock(store::sqlite::SqliteStore& store, SystemClock& clock,
                 api::DurationHistogram& syncs)
      : store_(store),
        clock_(clock),
        syncs_(syncs) {}

  Result<core::Snapshot> load() override {
    TRY_ASSIGN(core::Snapshot snapshot, store_.load());
    if (snapshot.last_now != kUnset) clock_.go_on_from(snapshot.last_now);
    return snapshot;
  }
  Status commit(const engine::Commit& commit) override {
    Status done = store_.commit(commit);
    syncs_.add(store_.last_sync());
    return done;
  }
  Result<core::StoredRun> load_run(RunId run) override { return store_.load_run(run); }
  Result<engine::RunEnd> find_end(RunId run) override { return store_.find_end(run); }
  Result<std::vector<RunId>> find_idempotency_keys(
      std::span<const std::string_view> keys) override {
    return store_.find_idempotency_keys(keys);
  }
  Status read_journal(std::uint64_t from_step,
                      const std::function<bool(const engine::JournalRecord&)>& visit) override {
    return store_.read_journal(from_step, visit);
  }
  Result<std::shared_ptr<const spec::Workflow>> load_workflow(const Digest& digest) override {
    return store_.load_workflow(digest);  // shared: as the port says
  }

 private:
  store::sqlite::SqliteStore& store_;
  SystemClock& clock_;
  api::DurationHistogram& syncs_;
};

/// Threads that begin meanwhile leave signals to the one that waits for them.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

/// In the order in which they are made; taken apart in the reverse one.
struct EngineHost::Parts {
  explicit Parts(EngineLock taken) : lock(std::move(taken)) {}

  EngineLock lock;
  std::unique_ptr<store::sqlite::SqliteStore> store;
  SystemClock clock;
  api::DurationHistogram syncs{api::kSyncBounds};
  std::optional<StoreWithClock> store_with_clock;
  SystemRandom random;
  std::unique_ptr<StateSecrets> secrets;
  std::unique_ptr<executors::LocalExecutor> executor;
  std::unique_ptr<engine::Engine> engine;
  // Behind the engine: its workers must have gone before the inbox that they answer to.
  std::unique_ptr<artifacts::FileArtifactStore> artifacts;
  std::string socket_path;
  std::string command_line;
  Fd ended;
  std::unique_ptr<api::ControlServer> control;
  Status result;
  std::thread thread;
};

EngineHost::EngineHost(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Result<std::unique_ptr<EngineHost>> EngineHost::open(HostOptions options) {
  const LockHolder self = this_process(options.command_line);
  TRY_ASSIGN(EngineLock lock, EngineLock::take(options.layout, self));
  auto parts = std::make_unique<Parts>(std::move(lock));
  parts->socket_path = options.layout.socket();
  parts->command_line = options.command_line;
  executors::LocalExecutor::Options local{.state_directory = options.layout.root};
  TRY_ASSIGN(local.image_bytes_max, image_bytes_max());
  local.oci_runtime = oci_runtime();
  local.starts_supervisor = options.starts_supervisor;
  parts->executor = std::make_unique<executors::LocalExecutor>(std::move(local));
  // First of all: the supervisor composes a sandbox while the store is opened.
  TRY(parts->executor->find_supervisor());
  auto store = store::sqlite::SqliteStore::open(options.layout.database());
  if (!store) {
    parts->executor->detach();
    return tl::unexpected(store.error());
  }
  parts->store = *std::move(store);
  parts->store_with_clock.emplace(*parts->store, parts->clock, parts->syncs);
  parts->artifacts = std::make_unique<artifacts::FileArtifactStore>(
      artifacts::FileArtifactOptions{.root = options.layout.artifacts()});
  parts->ended = Fd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!parts->ended) return fail_errno(errno, "cannot make an event descriptor");
  parts->secrets = std::make_unique<StateSecrets>(options.layout.root, options.secrets,
                                                  options.secrets_key_file, options.own_secret);
  engine::Ports ports{.clock = parts->clock,
                      .random = parts->random,
                      .store = *parts->store_with_clock,
                      .executors = {parts->executor.get()},
                      .artifacts = parts->artifacts.get(),
                      .secrets = parts->secrets.get()};
  const SignalsBlocked blocked;
  TRY_ASSIGN(parts->engine, engine::Engine::open(std::move(ports), engine_options(options, self)));
  return std::unique_ptr<EngineHost>(new EngineHost(std::move(parts)));
}

EngineHost::~EngineHost() {
  // The result was asked for by finish() if anybody wanted it.
  if (const Status status = finish(); !status) return;
}

engine::Engine& EngineHost::engine() { return *parts_->engine; }

const api::DurationHistogram& EngineHost::syncs() const { return parts_->syncs; }

int EngineHost::ended_descriptor() const { return parts_->ended.get(); }

Status EngineHost::start() {
  const SignalsBlocked blocked;
  TRY_ASSIGN(parts_->control, api::ControlServer::open(
                                  *parts_->engine, {parts_->socket_path, parts_->command_line}));
  Parts& borrowed = *parts_;
  parts_->thread = std::thread([&borrowed] {
    borrowed.result = borrowed.engine->run();
    const std::uint64_t one = 1;
    // The counter is far from full.
    static_cast<void>(::write(borrowed.ended.get(), &one, sizeof one) == sizeof one);
  });
  return {};
}

Status EngineHost::finish() {
  if (!parts_->thread.joinable()) return parts_->result;
  parts_->engine->stop();
  parts_->thread.join();
  parts_->control.reset();
  return parts_->result;
}

}  // namespace reeve::cli
