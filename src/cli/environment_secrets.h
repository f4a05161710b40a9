// Secrets from the environment of this process: the variable of the secret's name. For the embedded
// engine of `reeve run`. Engine thread only.
#pragma once

#include <cstdint>
#include <functional>

#include "engine/ports/secrets.h"

namespace reeve::cli {

/// Where an engine looks for secrets: state_secrets.h.
/// The token, or the address, of the service that runs an attempt.
using OwnSecret = std::function<Result<std::string>(const engine::SecretName&)>;

enum class SecretSources : std::uint8_t { store_and_environment, store };

class EnvironmentSecrets final : public engine::Secrets {
 public:
  Result<std::string> read(const engine::SecretName& secret) override;
};

}  // namespace reeve::cli
