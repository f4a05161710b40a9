#include "cli/environment_secrets.h"

#include <cstdlib>

namespace reeve::cli {

Result<std::string> EnvironmentSecrets::read(std::string_view name) {
  const std::string variable(name);
  const char* value = std::getenv(variable.c_str());
  if (value == nullptr)
    return fail(ErrorCode::not_found, "secret " + variable +
                                          " is not set: give it in the environment variable " +
                                          variable + " of this command");
  return std::string(value);
}

}  // namespace reeve::cli
