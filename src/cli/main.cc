// reeve: one binary. The supervisor is the same program started with a hidden first word, and is
// told apart before anything else happens, because it must stay small.
#include <string>
#include <string_view>
#include <vector>

#include "cli/session.h"
#include "supervisor/supervisor.h"

int main(int count, char** words) {
  std::vector<std::string> arguments;
  for (int i = 1; i < count; ++i) arguments.emplace_back(words[i]);
  if (!arguments.empty() && arguments.front() == "supervisor") {
    arguments.erase(arguments.begin());
    return reeve::supervisor::main_loop(arguments);
  }
  return reeve::cli::run_program(arguments);
}
