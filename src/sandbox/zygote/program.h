// One program: what is to be started, and the starting of it as an ordinary process, without
// capabilities. Single-threaded.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include "sandbox/wire.h"
#include "sandbox/zygote/steps.h"

namespace reeve::sandbox::zygote {

/// What is to be started. The texts lie in the request's blob.
struct Program {
  const char* work_directory = "";
  rlimit open_files{};
  char** arguments = nullptr;  ///< a free place before it, for an interpreter
  char** candidates = nullptr;
  char** environment = nullptr;
  int streams[3] = {-1, -1, -1};
  bool keeps_capabilities = false;
  // Written by the child that shares this memory, when it could not execute the program.
  ProgramStep failed_step{};
  int failed_error = 0;
};

/// The reader stands at the first of its words. False: there are more than can be held.
bool read_program(BlobReader& reader, Program& program);
/// Installs the filter that the reader stands at; an empty one is none. 0, or errno.
int install_filter(BlobReader& reader);
/// Its process id, or -1. What failed in it is in `program`.
pid_t start(Program& program);
/// To its process group.
void pass_on(int signal, pid_t main_process);

}  // namespace reeve::sandbox::zygote
