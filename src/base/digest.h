// BLAKE2b-256 (RFC 7693) through libsodium: identity of specifications, files and journal records.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace reeve {

struct Digest {
  std::array<std::uint8_t, 32> bytes{};
  friend constexpr auto operator<=>(const Digest&, const Digest&) = default;
};

Digest digest_of(std::string_view data);
std::string format_digest(const Digest& digest);  ///< 64 lower-case hexadecimal digits
Result<Digest> parse_digest(std::string_view text);

/// Digest of data that comes in pieces. One owner; not thread-safe.
class DigestBuilder {
 public:
  DigestBuilder();
  void add(std::string_view data);
  void add_number(std::uint64_t number);  ///< eight bytes, little endian
  Digest finish();                        ///< once; nothing may be added after it

 private:
  alignas(64) std::array<std::byte, 384> state_;  ///< crypto_generichash_state, kept out of here
  bool finished_ = false;
};

}  // namespace reeve
