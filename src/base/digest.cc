#include "base/digest.h"

#include <sodium.h>

#include "base/ensure.h"

namespace reeve {
namespace {

static_assert(sizeof(crypto_generichash_state) <= sizeof(DigestBuilder));
static_assert(sizeof(crypto_generichash_state) == 384, "the header reserves 384 bytes");
static_assert(alignof(crypto_generichash_state) <= 64, "the header aligns to 64 bytes");
static_assert(crypto_generichash_BYTES == 32);

/// sodium_init picks the fastest implementation for this processor. The static makes it happen
/// once, whichever thread comes first.
void start_sodium() {
  static const int kStarted = sodium_init();
  ENSURE(kStarted >= 0);
}

crypto_generichash_state* state_of(std::array<std::byte, 384>& bytes) {
  return reinterpret_cast<crypto_generichash_state*>(bytes.data());
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

DigestBuilder::DigestBuilder() {
  start_sodium();
  ENSURE(crypto_generichash_init(state_of(state_), nullptr, 0, crypto_generichash_BYTES) == 0);
}

void DigestBuilder::add(std::string_view data) {
  ENSURE(!finished_);
  const auto* bytes = reinterpret_cast<const unsigned char*>(data.data());
  ENSURE(crypto_generichash_update(state_of(state_), bytes, data.size()) == 0);
}

void DigestBuilder::add_number(std::uint64_t number) {
  std::array<char, 8> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(number >> (8 * i));
  add({bytes.data(), bytes.size()});
}

Digest DigestBuilder::finish() {
  ENSURE(!finished_);
  finished_ = true;
  Digest digest;
  ENSURE(crypto_generichash_final(state_of(state_), digest.bytes.data(), digest.bytes.size()) == 0);
  return digest;
}

Digest digest_of(std::string_view data) {
  DigestBuilder builder;
  builder.add(data);
  return builder.finish();
}

std::string format_digest(const Digest& digest) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  out.reserve(2 * digest.bytes.size());
  for (const std::uint8_t byte : digest.bytes) {
    out.push_back(kHex[byte >> 4]);
    out.push_back(kHex[byte & 15]);
  }
  return out;
}

Result<Digest> parse_digest(std::string_view text) {
  Digest digest;
  if (text.size() != 2 * digest.bytes.size())
    return fail(ErrorCode::invalid_argument, "a digest is 64 hexadecimal digits");
  for (std::size_t i = 0; i < digest.bytes.size(); ++i) {
    const int high = hex_value(text[2 * i]);
    const int low = hex_value(text[2 * i + 1]);
    if (high < 0 || low < 0)
      return fail(ErrorCode::invalid_argument,
                  "a digest is 64 hexadecimal digits, lower case: it holds another character");
    digest.bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return digest;
}

}  // namespace reeve
