// SHA-256 (FIPS 180-4) through libsodium: what images and registries name things by. One owner.
#pragma once

#include <cstddef>
#include <string>

#include <sodium/crypto_hash_sha256.h>

namespace reeve::images {

class Sha256 {
 public:
  Sha256();
  void add(const void* bytes, std::size_t count);
  /// "sha256:" and 64 hexadecimal digits. Once; nothing may be added after it.
  std::string finish();

 private:
  crypto_hash_sha256_state state_{};
};

}  // namespace reeve::images
