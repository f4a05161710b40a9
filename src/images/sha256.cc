#include "images/sha256.h"

#include <array>

#include <sodium/utils.h>

namespace reeve::images {

Sha256::Sha256() { crypto_hash_sha256_init(&state_); }

void Sha256::add(const void* bytes, std::size_t count) {
  crypto_hash_sha256_update(&state_, static_cast<const unsigned char*>(bytes), count);
}

std::string Sha256::finish() {
  std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
  crypto_hash_sha256_final(&state_, hash.data());
  std::array<char, 2 * crypto_hash_sha256_BYTES + 1> text{};
  sodium_bin2hex(text.data(), text.size(), hash.data(), hash.size());
  return std::string("sha256:") + text.data();
}

}  // namespace reeve::images
