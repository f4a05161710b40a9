// The secrets of the engine that a command holds: those that `reeve secret set` has put into the
// state directory, then the environment of the command itself. A service has no use for the latter:
// whoever may submit a run there could ask for any variable of it. Engine thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "cli/environment_secrets.h"
#include "security/secret_store.h"

namespace reeve::cli {

enum class SecretSources : std::uint8_t { store_and_environment, store };

class StateSecrets final : public engine::Secrets {
 public:
  StateSecrets(std::string state_directory, SecretSources sources)
      : root_(std::move(state_directory)),
        sources_(sources) {}
  Result<std::string> read(const engine::SecretName& secret) override;

 private:
  std::string root_;
  SecretSources sources_;
  std::unique_ptr<security::SecretStore> store_;  ///< opened when first asked for
  EnvironmentSecrets environment_;
};

/// STATE/security.db, sealed under the key that the environment or STATE/secrets.key has.
Result<std::unique_ptr<security::SecretStore>> open_secret_store(const std::string& state_directory,
                                                                 const std::string* key_file);

}  // namespace reeve::cli
