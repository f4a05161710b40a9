// The engine embedded in a command: lock, store, executor, artifacts, engine and control socket of
// one state directory, put together and taken apart in the right order. Owns them all and the
// engine's thread. No other file constructs adapters for running.
//
// Thread rule: open(), start() and finish() from one thread; engine() as its own header says.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/sandbox_rules.h"
#include "cli/environment_secrets.h"
#include "cli/state_directory.h"
#include "engine/engine.h"

namespace reeve::api {
class DurationHistogram;
}

namespace reeve::cli {

struct HostOptions {
  StateLayout layout;
  Resources capacity;
  SandboxRules sandbox;
  std::optional<core::PolicySet> policy;  ///< nothing: one queue, no limits
  bool resume_all = false;                ///< a service: all unfinished runs go on
  std::vector<RunId> resume;              ///< else only these; others are held as interrupted
  std::string command_line;               ///< of this process, for those who find the lock taken
  SecretSources secrets = SecretSources::store_and_environment;
  std::string secrets_key_file;  ///< "": secrets.key in the state directory
  OwnSecret own_secret;          ///< null: no service
  bool starts_supervisor = true;
};

class EngineHost {
 public:
  /// conflict: another engine holds the directory.
  static Result<std::unique_ptr<EngineHost>> open(HostOptions options);
  /// Stops and takes apart. Attempts that run go on.
  ~EngineHost();
  EngineHost(const EngineHost&) = delete;
  EngineHost& operator=(const EngineHost&) = delete;

  /// Add observers before start().
  engine::Engine& engine();
  /// How long commits took to be on the disk. Any thread.
  const api::DurationHistogram& syncs() const;
  /// Starts the thread and listens on the control socket.
  Status start();
  /// Readable once the engine's thread has ended by itself: its store failed.
  int ended_descriptor() const;
  /// Stops the thread. A failure is that of the store.
  Status finish();

 private:
  struct Parts;
  explicit EngineHost(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace reeve::cli
