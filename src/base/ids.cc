#include "base/ids.h"

#include <fmt/format.h>

namespace reeve {
namespace {

constexpr std::string_view kAlphabet = "0123456789abcdefghjkmnpqrstvwxyz";
constexpr std::size_t kDigits = 26;  // 26 × 5 = 130 bits: the two highest are always zero

/// The value of a digit, or 32. Upper case and the look-alikes i, l, o, u are refused: one
/// identifier has one spelling, because people search for it as text.
std::uint8_t digit_value(char c) {
  const std::size_t position = kAlphabet.find(c);
  return static_cast<std::uint8_t>(position == std::string_view::npos ? 32 : position);
}

}  // namespace

Uuid Uuid::from_parts(std::uint64_t unix_milliseconds, std::uint64_t random_high,
                      std::uint64_t random_low) {
  Uuid uuid;
  for (std::size_t i = 0; i < 6; ++i)
    uuid.bytes[i] = static_cast<std::uint8_t>(unix_milliseconds >> (8 * (5 - i)));
  uuid.bytes[6] = static_cast<std::uint8_t>(0x70 | ((random_high >> 8) & 0x0F));  // version 7
  uuid.bytes[7] = static_cast<std::uint8_t>(random_high);
  for (std::size_t i = 0; i < 8; ++i)
    uuid.bytes[8 + i] = static_cast<std::uint8_t>(random_low >> (8 * (7 - i)));
  uuid.bytes[8] = static_cast<std::uint8_t>(0x80 | (uuid.bytes[8] & 0x3F));  // variant 10
  return uuid;
}

std::string format_uuid(std::string_view prefix, const Uuid& uuid) {
  std::string out(prefix);
  if (!prefix.empty()) out.push_back('_');
  const std::size_t start = out.size();
  out.resize(start + kDigits);
  // From the right, so that the zero padding ends up at the left.
  std::uint32_t pending = 0;
  unsigned pending_bits = 0;
  std::size_t next_byte = uuid.bytes.size();
  for (std::size_t i = kDigits; i-- > 0;) {
    if (pending_bits < 5 && next_byte > 0) {
      pending |= static_cast<std::uint32_t>(uuid.bytes[--next_byte]) << pending_bits;
      pending_bits += 8;
    }
    out[start + i] = kAlphabet[pending & 31];
    pending >>= 5;
    pending_bits -= pending_bits < 5 ? pending_bits : 5;
  }
  return out;
}

Result<Uuid> parse_uuid(std::string_view prefix, std::string_view text) {
  const auto refuse = [&](std::string_view why) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("not an identifier of the form {}{}{}: {}", prefix,
                            prefix.empty() ? "" : "_", "01jdxk… (26 characters)", why));
  };
  if (!prefix.empty()) {
    if (!text.starts_with(prefix) || text.substr(prefix.size(), 1) != "_")
      return refuse("the prefix is missing");
    text.remove_prefix(prefix.size() + 1);
  }
  if (text.size() != kDigits) return refuse("the length is wrong");
  if (digit_value(text[0]) > 7 && digit_value(text[0]) < 32)
    return refuse("the first character must be 0 to 7");
  Uuid uuid;
  std::uint32_t pending = 0;
  unsigned pending_bits = 0;
  std::size_t next_byte = uuid.bytes.size();
  for (std::size_t i = kDigits; i-- > 0;) {
    const std::uint8_t digit = digit_value(text[i]);
    if (digit == 32) return refuse("it holds a character that identifiers do not have");
    pending |= static_cast<std::uint32_t>(digit) << pending_bits;
    pending_bits += 5;
    if (pending_bits >= 8 && next_byte > 0) {
      uuid.bytes[--next_byte] = static_cast<std::uint8_t>(pending);
      pending >>= 8;
      pending_bits -= 8;
    }
  }
  return uuid;
}

}  // namespace reeve
