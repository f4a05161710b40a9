// What the tests of the local executor share: a bed, an engine's record and its executor. One
// thread.
#pragma once

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "executors/local_executor.h"
#include "tests/conformance/executor_suite.h"
#include "tests/conformance/local_bed.h"

namespace reeve::tests {

class LocalPlace : public testing::Test {
 protected:
  explicit LocalPlace(SandboxTier tier = SandboxTier::none) : bed_(tier) { next_engine(); }

  void next_engine();
  void set_cpus(int cpus);
  /// A launch of this text by sh, with a token of its own.
  Launch script(const std::string& text);
  Launch command(std::vector<std::string> arguments);
  void start(const Launch& launch);
  AttemptEnd end_of(const Launch& launch);
  /// Starts it and gives its end.
  AttemptEnd run(const Launch& launch);
  void wait_for_progress(const Launch& launch);
  Liveness probe(Token token);
  bool wait(const Recorder::Condition& condition) { return recorder_->wait(condition); }
  std::string log_of(const Launch& launch) const { return read_log(bed_.state(), launch); }
  /// Of the supervisor that has said welcome.
  pid_t supervisor();

  LocalBed bed_;
  std::unique_ptr<Recorder> recorder_;
  std::unique_ptr<executors::LocalExecutor> executor_;

 private:
  std::uint64_t next_token_ = 0;
  std::uint64_t next_unknown_ = 1'000'000;
};

/// Waits until a process that is not our child has ended.
void wait_for_process_end(pid_t pid);

}  // namespace reeve::tests
