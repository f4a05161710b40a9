// A supervisor and nothing else, for tests and benchmarks that need one without all of `reeve`.
#include <string>
#include <vector>

#include "supervisor/supervisor.h"

int main(int count, char** values) {
  std::vector<std::string> arguments(values + (count > 0 ? 1 : 0), values + count);
  // As it starts itself again, see images/fetch.h.
  if (!arguments.empty() && arguments.front() == "supervisor") arguments.erase(arguments.begin());
  return reeve::supervisor::main_loop(arguments);
}
