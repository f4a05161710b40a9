// A program that is started in the sandbox: the attempt's own, that of somebody who enters it, or
// the OCI runtime that makes a sandbox of its own. Single-threaded.
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
  int more[2] = {-1, -1};       ///< become descriptors 3 and 4, if they are not negative
  bool takes_terminal = false;  ///< standard input becomes the terminal of its session
  bool keeps_capabilities = false;
  // Written by the child that shares this memory, when it could not execute the program. Volatile:
  // a compiler that sees both sides may think that nothing has written them.
  volatile ProgramStep failed_step{};
  volatile int failed_error = 0;
};

/// The reader stands at the first of its words. False: not a valid request, or too many words. One
/// program at a time is read and started.
bool read_program(BlobReader& reader, Program& program);
/// Installs the filter that the reader stands at; an empty one is none. 0, or errno.
int install_filter(BlobReader& reader);
/// The process, or -1. Returns when it executes, or has failed: then `failed_error` says why.
pid_t start(Program& program);
/// To its process group.
void pass_on(int signal, pid_t main_process);

}  // namespace reeve::sandbox::zygote
