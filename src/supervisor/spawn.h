// Starts the process of an attempt. The child shares the supervisor's memory until it executes its
// program, as after vfork(2), but the supervisor does not wait for that: a program on a dead file
// system stops nobody else. So everything the child reads lives in the SpawnPlan, which its owner
// keeps until the child is reaped, and the child uses raw system calls only.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "supervisor/environment.h"

namespace reeve::supervisor {

/// Steps of the child, in order. The first that fails ends it and is told.
enum class SpawnStep : int { none, follow_parent, session, streams, directory, limits, program };

/// Everything about one child.
struct SpawnPlan {
  // REQUIRES not changed between spawn() and the reaping of the child.
  std::vector<std::string> arguments;   ///< not empty
  std::vector<std::string> candidates;  ///< files to try for arguments[0]
  std::unique_ptr<EnvironmentBlock> environment;
  std::shared_ptr<const BaseEnvironment>
      base;  ///< shared: the engine may send a newer one meanwhile
  std::string work_directory;
  int standard_input = -1;
  int standard_output = -1;
  int standard_error = -1;
  rlimit open_files{};  ///< what the attempt gets; the supervisor has raised its own

  // Written by the child when it could not execute the program.
  std::atomic<int> failed_error{0};
  std::atomic<SpawnStep> failed_step{SpawnStep::none};

  // Used by spawn().
  std::vector<char*> argv;  ///< argv[0] is kept free for an interpreter
  pid_t parent = 0;
  std::unique_ptr<std::byte[]> stack;
};

class Spawner {
 public:
  /// The process id, or -errno.
  pid_t spawn(SpawnPlan& plan);
  /// Takes the stack of a reaped child back.
  void reuse(SpawnPlan& plan);

 private:
  std::vector<std::unique_ptr<std::byte[]>> free_stacks_;
};

/// Whether the process has executed a program since it was made.
bool has_executed(pid_t pid);

}  // namespace reeve::supervisor
