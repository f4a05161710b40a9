// The settings of a service at work: read at its start, and again when it is told to. What is wrong
// then changes nothing. What is live is taken on at once: the cluster file goes to the engine,
// level and format to the log.
//
// Thread rule: open() and tell() from one thread; the rest from any.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "cli/session.h"
#include "config/settings.h"
#include "engine/engine.h"
#include "observe/operator_log.h"

namespace reeve::cli {

class LiveSettings {
 public:
  static Checked<std::unique_ptr<LiveSettings>> open(const Session& session,
                                                     const StateLayout& layout,
                                                     observe::OperatorLog& log);

  std::shared_ptr<const config::Settings> present() const;  // shared: a reload replaces it
  /// What changed since the start or the last call. invalid_argument: all complaints.
  Result<std::vector<config::Change>> reload();
  /// The session with what the settings say of the engine put beside its own options.
  const Session& session() const { return session_; }
  /// Reads the cluster file, and puts the quotas beside it that were set through the API.
  Checked<std::optional<core::PolicySet>> policy();
  /// The same with the cluster file as policy() read it last.
  Result<core::PolicySet> policy_with_quotas() const;
  /// Who is told of what changes, from now on.
  void tell(engine::Engine& engine) { engine_ = &engine; }
  void forget_engine() { engine_ = nullptr; }

 private:
  LiveSettings(const Session& session, const StateLayout& layout, observe::OperatorLog& log);
  std::string cluster_file() const;

  observe::OperatorLog& log_;
  const Arguments given_;  ///< as the command line has them
  const Session as_given_;
  Arguments arguments_;  ///< with what the settings say of the engine
  Session session_;      ///< over them
  StateLayout layout_;
  engine::Engine* engine_ = nullptr;
  std::mutex reloading_;      ///< one reload at a time
  mutable std::mutex mutex_;  // guards all below
  std::optional<core::PolicySet> file_policy_;
  bool is_ruled_ = false;                             ///< the last policy() said something
  std::shared_ptr<const config::Settings> settings_;  // shared: with who reads them
};

}  // namespace reeve::cli
