// Secrets from the environment of this process: the variable of the secret's name. For the embedded
// engine of `reeve run`. Engine thread only.
#pragma once

#include "engine/ports/secrets.h"

namespace reeve::cli {

class EnvironmentSecrets final : public engine::Secrets {
 public:
  Result<std::string> read(const engine::SecretName& secret) override;
};

}  // namespace reeve::cli
