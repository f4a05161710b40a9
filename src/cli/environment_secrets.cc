#include "cli/environment_secrets.h"

#include <cstdlib>

namespace reeve::cli {

Result<std::string> EnvironmentSecrets::read(const engine::SecretName& secret) {
  const std::string variable(secret.name);
  const char* value = std::getenv(variable.c_str());
  if (value == nullptr)
    return fail(ErrorCode::not_found, "secret " + variable +
                                          " is not set: give it in the environment variable " +
                                          variable + " of this command");
  return std::string(value);
}

}  // namespace reeve::cli
