// Programs that are started ahead of their attempts: what is started for which, and how an attempt
// is told to it. Pure values; no thread rule.
#pragma once

#include <sys/resource.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/launch.h"
#include "sandbox/step.h"
#include "supervisor/environment.h"

namespace reeve::supervisor {

/// Whether the attempt is for a program that waits; else it starts cold.
bool starts_warm(const Launch& launch);

/// What is started ahead. Of an attempt it knows what every interpreter reads at its start (PATH,
/// LANG, PYTHON*, NODE_*, ...) and where it works: attempts that differ in these never share one.
struct WarmProgram {
  std::vector<std::string> arguments;
  std::vector<std::string> candidates;
  std::vector<std::string> environment;  ///< "NAME=value"
  std::vector<sandbox::OwnFile> files;
  std::string work_directory;
  rlimit open_files{};

  /// Points into this.
  sandbox::ProgramRequest request() const;
  /// Equal for equal programs only.
  void append_identity(std::string& out) const;
};

struct WarmSurroundings {
  const BaseEnvironment* base = nullptr;
  std::string_view script_path;
  std::string_view work_directory;
  rlimit open_files{};
};
/// REQUIRES starts_warm(launch).
WarmProgram warm_program(const Launch& launch, const WarmSurroundings& around);

/// What the program is told.
struct WarmAttempt {
  std::vector<std::string> arguments;  ///< as they would be without it, the script last
  std::string_view script_path;
  std::string_view work_directory;
  char* const* environment = nullptr;  ///< ends with null
};
/// docs/workflow-format.md describes both forms.
std::string hand_over_text(sandbox::WarmForm form, const WarmProgram& program,
                           const WarmAttempt& attempt);

}  // namespace reeve::supervisor
