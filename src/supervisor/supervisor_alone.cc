// A supervisor and nothing else, for tests and benchmarks that need one without all of `reeve`.
#include <string>
#include <vector>

#include "supervisor/supervisor.h"

int main(int count, char** values) {
  const std::vector<std::string> arguments(values + (count > 0 ? 1 : 0), values + count);
  return reeve::supervisor::main_loop(arguments);
}
