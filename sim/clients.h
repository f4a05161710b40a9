// The people and programs that use the engine: they submit runs (and again, with the same key, when
// no answer came), cancel, pause, approve and retry at random moments, and tidy up when the faults
// are over. They know only what they were told, but for whom to ask about, which they read off the
// model as people read it off a screen. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "sim/checker.h"
#include "sim/shape.h"
#include "sim/workload.h"

namespace reeve::sim {

class Clients {
 public:
  /// The engine of the moment, or null while none is open.
  using EngineOfNow = std::function<SimEngine*()>;
  struct Setup {
    const Shape& shape;
    std::vector<WorkflowPointer> workflows;  // shared: as in RunRecord
    EngineOfNow engine;
  };
  Clients(Basics& basics, Checker& checker, Setup setup);

  /// Puts all that they will do on the agenda.
  void begin();
  /// Resumes what is paused and answers approvals, but for a few. Gives the number of requests.
  std::size_t tidy();
  /// Cancels all that is not over.
  std::size_t cancel_all();
  /// What a run may go on waiting for after tidy(), or "".
  std::string may_wait(const RunImage& run) const;
  std::uint32_t unanswered() const;

 private:
  struct Submission {
    core::SubmitRun event;
    std::uint64_t number = 0;  ///< of the workflow
    std::vector<core::RunAfter> after;
    bool is_answered = false;
    std::uint32_t tries = 0;
  };
  void submit(std::size_t index);
  void on_submitted(std::size_t index, const core::SubmitRun& event,
                    const Result<engine::Receipt>& receipt);
  /// What it is to follow: some of the runs that there are.
  std::vector<core::RunAfter> choose_after();
  /// As may_wait(), but for what it follows.
  std::string own_wait(const RunImage& run) const;
  core::SubmitRun make_submission(std::uint64_t workflow, std::size_t index);
  void request_something();
  bool send(const core::Event& event);
  std::size_t tidy_run(const RunImage& run);
  bool is_left_waiting(TaskId task) const;
  bool is_unplaceable(const RunImage& run) const;

  Basics& basics_;
  Checker& checker_;
  Setup setup_;
  Generator random_;
  Generator following_;
  std::vector<Submission> submissions_;
};

}  // namespace reeve::sim
