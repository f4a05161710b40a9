// The bed of the local executor: a state directory of its own, with real supervisors and processes,
// all of which are gone when the bed goes. One thread.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "executors/local_executor.h"
#include "tests/conformance/executor_suite.h"

namespace reeve::tests {

class LocalBed final : public ExecutorBed {
 public:
  explicit LocalBed(SandboxTier tier = SandboxTier::none);
  ~LocalBed() override;
  LocalBed(const LocalBed&) = delete;
  LocalBed& operator=(const LocalBed&) = delete;

  std::unique_ptr<engine::Executor> make_executor() override;
  std::unique_ptr<executors::LocalExecutor> make_local_executor();
  void shape(Launch& launch, Deed deed) override;
  bool is_ready(const Seen& seen, Token token) override;
  int times_run(Token token) override;

  /// Makes the attempt run this text with sh.
  void shape_script(Launch& launch, const std::string& script) const;
  SandboxTier tier() const { return tier_; }
  /// <place>/state, and a path beside it that attempts may use.
  std::string state() const { return directory_ + "/state"; }
  std::string path(const std::string& name) const { return directory_ + "/" + name; }
  void set_idle_end(Duration idle_end) { idle_end_ = idle_end; }
  void set_state(const std::string& state) { state_ = state; }

  /// The processes that carry this state's marker.
  std::vector<pid_t> processes() const;

 private:
  SandboxTier tier_;
  std::string directory_;
  std::string state_;
  Duration idle_end_ = std::chrono::seconds(30);
};

/// All output of an attempt, both streams together.
std::string read_log(const std::string& state, const Launch& launch);

}  // namespace reeve::tests
