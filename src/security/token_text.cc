#include "security/token_text.h"

#include <algorithm>

namespace reeve::security {
namespace {

constexpr std::string_view kAlphabet = "0123456789abcdefghjkmnpqrstvwxyz";
constexpr std::size_t kChecksumBytes = 4;

constexpr std::array<std::int8_t, 256> kValues = [] {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i)
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::int8_t>(i);
  return values;
}();

constexpr std::array<std::uint32_t, 256> kCrcTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0xedb88320U : 0);
    table[i] = value;
  }
  return table;
}();

template <class Number>
void append_big_endian(std::string& out, Number number) {
  for (int shift = 8 * static_cast<int>(sizeof(Number)) - 8; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(number >> shift));
}

std::uint64_t read_big_endian(std::string_view bytes) {
  std::uint64_t number = 0;
  for (const char c : bytes) number = (number << 8) | static_cast<unsigned char>(c);
  return number;
}

}  // namespace

std::string to_base32(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() * 8 + 4) / 5);
  std::uint32_t pending = 0;
  int bits = 0;
  for (const char c : bytes) {
    pending = (pending << 8) | static_cast<unsigned char>(c);
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      out.push_back(kAlphabet[(pending >> bits) & 31]);
    }
    pending &= (1U << bits) - 1;
  }
  if (bits > 0) out.push_back(kAlphabet[(pending << (5 - bits)) & 31]);
  return out;
}

std::optional<std::string> from_base32(std::string_view text) {
  std::string out;
  out.reserve(text.size() * 5 / 8);
  std::uint32_t pending = 0;
  int bits = 0;
  for (const char c : text) {
    const int value = kValues[static_cast<unsigned char>(c)];
    if (value < 0) return std::nullopt;
    pending = (pending << 5) | static_cast<std::uint32_t>(value);
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    out.push_back(static_cast<char>(pending >> bits));
    pending &= (1U << bits) - 1;
  }
  if (bits >= 5 || pending != 0) return std::nullopt;  // a character too many, or bits of no byte
  return out;
}

std::uint32_t crc32_of(std::string_view bytes) {
  std::uint32_t crc = 0xffffffffU;
  for (const char c : bytes)
    crc = (crc >> 8) ^ kCrcTable[(crc ^ static_cast<unsigned char>(c)) & 255];
  return ~crc;
}

std::string format_token(TokenKind kind, std::string_view body) {
  std::string bytes(1, static_cast<char>(kind));
  bytes += body;
  append_big_endian(bytes, crc32_of(bytes));
  return std::string(kTokenPrefix) + to_base32(bytes);
}

std::optional<TokenText> parse_token(std::string_view text) {
  if (text.size() > kTokenTextMax || !text.starts_with(kTokenPrefix)) return std::nullopt;
  const std::optional<std::string> bytes = from_base32(text.substr(kTokenPrefix.size()));
  if (!bytes || bytes->size() < 1 + kChecksumBytes) return std::nullopt;
  const std::string_view all = *bytes;
  const std::string_view covered = all.substr(0, all.size() - kChecksumBytes);
  if (read_big_endian(all.substr(covered.size())) != crc32_of(covered)) return std::nullopt;
  const auto kind = static_cast<TokenKind>(covered.front());
  switch (kind) {
    case TokenKind::api:
    case TokenKind::session:
    case TokenKind::attempt: return TokenText{kind, std::string(covered.substr(1))};
  }
  return std::nullopt;
}

std::string format_body(const SecretBody& body) {
  std::string out;
  append_big_endian(out, body.id);
  out.append(body.secret.begin(), body.secret.end());
  return out;
}

std::optional<SecretBody> parse_body(std::string_view body) {
  SecretBody out;
  if (body.size() != sizeof(out.id) + out.secret.size()) return std::nullopt;
  out.id = read_big_endian(body.substr(0, sizeof(out.id)));
  std::ranges::copy(body.substr(sizeof(out.id)), out.secret.begin());
  return out;
}

std::string format_token_id(std::uint64_t id) {
  std::string bytes;
  append_big_endian(bytes, id);
  return to_base32(bytes);
}

std::optional<std::uint64_t> parse_token_id(std::string_view text) {
  const std::optional<std::string> bytes = from_base32(text);
  if (!bytes || bytes->size() != 8) return std::nullopt;
  return read_big_endian(*bytes);
}

}  // namespace reeve::security
