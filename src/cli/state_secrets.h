// The secrets of the engine that a command holds: those that `reeve secret set` has put into the
// state directory, then the environment of the command itself. A service has no use for the latter:
// whoever may submit a run there could ask for any variable of it. Engine thread only.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "cli/environment_secrets.h"
#include "security/secret_store.h"

namespace reeve::cli {

/// Names that no store has: what a service gives an attempt that asks for it.
inline constexpr std::string_view kTokenSecret = "REEVE_TOKEN";
inline constexpr std::string_view kUrlSecret = "REEVE_URL";

class StateSecrets final : public engine::Secrets {
 public:
  /// `key_file`: "" for the usual one. `own`: what a service itself has for an attempt, or null.
  StateSecrets(std::string state_directory, SecretSources sources, std::string key_file,
               OwnSecret own)
      : root_(std::move(state_directory)),
        key_file_(std::move(key_file)),
        sources_(sources),
        own_(std::move(own)) {}
  Result<std::string> read(const engine::SecretName& secret) override;

 private:
  std::string root_;
  std::string key_file_;
  SecretSources sources_;
  OwnSecret own_;
  std::unique_ptr<security::SecretStore> store_;  ///< opened when first asked for
  EnvironmentSecrets environment_;
};

/// STATE/security.db, sealed under the key that the environment or STATE/secrets.key has.
Result<std::unique_ptr<security::SecretStore>> open_secret_store(const std::string& state_directory,
                                                                 const std::string* key_file);

}  // namespace reeve::cli
