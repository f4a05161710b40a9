// Secrets of namespaces: sealed with XChaCha20-Poly1305 in STATE/security.db, under a key that is
// not in it. The name, namespace and version are authenticated with the value, so that no sealed
// value can be put in the place of another. Values are given to the engine and to nobody else.
// Several processes may work on the file: what another has changed is seen at the next call.
// Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "engine/ports/secrets.h"
#include "security/private_file.h"

namespace reeve::security {

inline constexpr std::size_t kSecretBytesMax = 64 * 1024;
inline constexpr std::size_t kSecretNameMax = 128;

/// Where the sealing key comes from.
enum class KeySource : std::uint8_t {
  file,         ///< a private file: the one named, or STATE/secrets.key, made at first use
  environment,  ///< REEVE_SECRETS_KEY
  credential,   ///< $CREDENTIALS_DIRECTORY/reeve-secrets-key (systemd)
};
struct SealingKey {
  Key key{};
  KeySource source = KeySource::file;
  std::string path;  ///< of the file or credential
};
/// What find_sealing_key looks at, in this order: credential, environment, file.
struct SealingPlaces {
  std::string credentials_directory;  ///< "" when there is none
  std::string environment;            ///< value of REEVE_SECRETS_KEY, or ""
  std::string file;                   ///< always named
};
SealingPlaces sealing_places(const std::string& key_file);  ///< from the environment
Result<SealingKey> find_sealing_key(const SealingPlaces& places);

struct SecretRecord {
  std::string name_space;
  std::string name;  ///< [A-Za-z_][A-Za-z0-9_-]*
  std::uint32_t version = 0;
  Time set_at = kUnset;
  std::string set_by;
  std::size_t size = 0;  ///< of the value, in bytes
};

class SecretStore {
 public:
  /// `path`: security.db. permission_denied: sealed under another key. Finishes a rotation that a
  /// crash interrupted.
  static Result<std::unique_ptr<SecretStore>> open(const std::string& path, SealingKey key);
  ~SecretStore();

  Result<SecretRecord> set(std::string_view name_space, std::string_view name,
                           std::string_view value, std::string_view by, Time now);
  Result<std::string> read(std::string_view name_space, std::string_view name);
  Status remove(std::string_view name_space, std::string_view name);
  Result<std::vector<SecretRecord>> list(std::string_view name_space);  ///< "": of all
  /// Seals everything anew in one transaction. From a file: that is replaced by the new key, which
  /// may be empty: made here. Otherwise `next` is demanded, and the caller puts it in its place.
  Status rotate_key(const Key* next);

 private:
  struct State;
  explicit SecretStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// The engine's port: the secrets of the run's namespace, then those of `otherwise`, if any.
class StoredSecrets final : public engine::Secrets {
 public:
  explicit StoredSecrets(SecretStore& store, engine::Secrets* otherwise = nullptr)
      : store_(store),
        otherwise_(otherwise) {}
  Result<std::string> read(const engine::SecretName& secret) override;

 private:
  SecretStore& store_;
  engine::Secrets* otherwise_;
};

}  // namespace reeve::security
